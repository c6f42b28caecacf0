"""The baselines: an ordinary hidden Markov model, and a bag of codes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from models.hsmm import chain, code_emission, messages
from models.hsmm.chain import Chain
from models.hsmm.code_emission import CodeEmission
from models.hsmm.negative_binomial import geometric
from models.hsmm.process import Process
from models.shapes import Array, IntArray


def _chain(n_states: int, rng: np.random.Generator) -> Chain:
    rows = rng.dirichlet(np.ones(n_states), n_states + 1)
    return Chain(np.log(rows[-1]), np.log(rows[:-1]))


def _records(seed: int) -> tuple[IntArray, IntArray, CodeEmission]:
    rng = np.random.default_rng(seed)
    emission = CodeEmission(np.log(rng.dirichlet(np.ones(4), 3)), np.full(4, 0.1))
    return rng.integers(0, 4, (3, 6)), np.array([6, 4, 1]), emission


def test_chain_evidence_is_the_sum_over_all_paths() -> None:
    """Every path of three states over up to six frames, one by one."""
    model = _chain(3, np.random.default_rng(0))
    codes, lengths, emission = _records(1)
    log_lik = emission.log_lik(codes, lengths)

    found = chain.chain_evidence(model, log_lik, lengths)

    for n, length in enumerate(lengths.tolist()):
        terms = [
            model.log_pi[path[0]]
            + sum(model.log_a[i, j] for i, j in itertools.pairwise(path))
            + sum(log_lik[n, t, k] for t, k in enumerate(path))
            for path in itertools.product(range(3), repeat=length)
        ]
        assert found[n] == pytest.approx(np.logaddexp.reduce(terms), abs=1e-12)


def test_a_chain_is_a_semi_markov_process_of_geometric_durations() -> None:
    """Same evidence to 1e-10: its stays are durations, its moves the rest of a row."""
    model = _chain(3, np.random.default_rng(2))
    log_lik = np.random.default_rng(3).standard_normal((2, 40, 3))
    lengths = np.array([40, 23])
    a = np.exp(model.log_a)
    stays = np.diag(a)
    moves: Array = (a - np.diag(stays)) / (1.0 - stays)[:, None]
    with np.errstate(divide="ignore"):
        log_moves = np.log(moves)
    laws = geometric(1.0 / (1.0 - stays))
    process = Process(model.log_pi, log_moves, *laws.table(40))

    plain = chain.chain_evidence(model, log_lik, lengths)
    explicit = messages.log_evidence(process, log_lik, lengths)

    np.testing.assert_allclose(plain, explicit, atol=1e-10)


def test_fitting_a_chain_climbs() -> None:
    """Without priors to speak of, evidence rises from step to step."""
    rng = np.random.default_rng(4)
    codes, lengths = rng.integers(0, 4, (4, 50)), np.array([50, 50, 31, 2])
    emission = CodeEmission(np.log(rng.dirichlet(np.ones(4), 3)), np.full(4, 1e-12))

    found = chain.fit_chain(codes, lengths, emission, pseudo=1e-12, max_steps=40)

    assert (np.diff(found.evidence) >= -1e-9 * np.abs(found.evidence[0])).all()
    assert found.evidence[-1] > found.evidence[0]
    again = chain.chain_evidence(
        found.chain, found.emission.log_lik(codes, lengths), lengths
    )
    assert again.sum() == pytest.approx(found.evidence[-1], rel=1e-12)


def test_a_bag_of_codes_knows_shares_and_no_order() -> None:
    """Its evidence is the sum of log shares, and shuffling frames changes nothing."""
    codes, lengths, _ = _records(5)
    one = np.ones((3, 6, 1))
    fitted = code_emission.even(1, 4, pseudo=0.5).refit(codes, lengths, one)
    kept = np.concatenate([codes[n, :t] for n, t in enumerate(lengths)])
    shares = (np.bincount(kept, minlength=4) + 0.5) / (len(kept) + 2.0)

    found = chain.bag(fitted, codes, lengths)

    assert found[1] == pytest.approx(np.log(shares[codes[1, :4]]).sum(), abs=1e-12)
    turned = np.array(
        [
            row[:t][::-1].tolist() + [0] * (6 - t)
            for row, t in zip(codes, lengths, strict=True)
        ]
    )
    np.testing.assert_allclose(chain.bag(fitted, turned, lengths), found, atol=1e-12)


def test_a_chain_without_a_prior_is_refused() -> None:
    """A row that nothing left would otherwise be nothing over nothing."""
    codes, lengths, emission = _records(6)

    with pytest.raises(ValueError, match=r"pseudo is 0\.0"):
        chain.fit_chain(codes, lengths, emission, pseudo=0.0)


def test_padding_says_nothing_of_a_chain() -> None:
    """Whatever it holds; a record without frames has evidence one."""
    model = _chain(2, np.random.default_rng(5))
    log_lik = np.random.default_rng(6).normal(size=(3, 5, 2))
    padded = log_lik.copy()
    padded[0], padded[1, 2:] = np.nan, np.inf

    found = chain.chain_evidence(model, padded, np.array([0, 2, 5]))

    short = chain.chain_evidence(model, log_lik[1:2, :2], np.array([2]))
    whole = chain.chain_evidence(model, log_lik[2:], np.array([5]))
    np.testing.assert_allclose(found, [0.0, short[0], whole[0]], atol=1e-14)
    np.testing.assert_array_equal(
        chain.chain_evidence(model, log_lik[:, :0], np.zeros(3, dtype=np.int64)), 0.0
    )


def test_what_a_chain_cannot_read_is_named() -> None:
    """A nan, a length beyond the frames, no frames at all, and the impossible."""
    model = _chain(2, np.random.default_rng(7))
    codes, lengths = np.array([[0, 0, 0], [0, 2, 0]]), np.array([3, 3])
    never = CodeEmission(np.array([[0.0, -np.inf, -np.inf]] * 2), np.zeros(3))

    with pytest.raises(ValueError, match="log_lik holds nan at sequence 0"):
        chain.chain_evidence(model, np.full((2, 3, 2), np.nan), lengths)
    with pytest.raises(ValueError, match="lengths holds 4 for sequence 1"):
        chain.chain_evidence(model, np.zeros((2, 3, 2)), np.array([3, 4]))
    with pytest.raises(ValueError, match="lengths are all 0"):
        chain.fit_chain(codes, 0 * lengths, never)
    with pytest.raises(ValueError, match="sequence 1 cannot happen"):
        chain.fit_chain(codes, lengths, never)
