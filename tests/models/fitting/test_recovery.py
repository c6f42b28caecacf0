"""What was simulated is found again, and durations are worth what they should be."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from models.hsmm import agreement, chain, code_emission, messages, restarts, starts
from models.hsmm.changes import change_score
from models.hsmm.code_emission import CodeEmission
from models.hsmm.durations import Durations
from models.hsmm.em import Model, Rule
from models.hsmm.histogram import Histogram
from models.hsmm.maximise import Dynamics
from models.hsmm.negative_binomial import NegativeBinomial
from models.hsmm.poisson import Poisson
from models.hsmm.process import Process
from models.hsmm.restarts import Best
from models.hsmm.simulation import simulate
from models.hsmm.viterbi import viterbi
from models.shapes import IntArray

LONGEST, N_CODES = 60, 6


def _of_two_lengths() -> Histogram:
    """Give durations about 6 and about 24 frames, as no count family has them."""
    d = np.arange(1.0, LONGEST + 1.0)[:, None]
    short, long = np.exp(-0.2 * (d - 6.0) ** 2), np.exp(-0.1 * (d - 24.0) ** 2)
    law = (short + long) * np.exp([0.1, 0.0, -0.05] * d)
    return Histogram(np.log(law / law.sum(axis=0)), np.full(3, -np.inf))


FORMS: list[Durations] = [
    Poisson(np.array([8.0, 15.0, 25.0])),
    NegativeBinomial(np.array([8.0, 15.0, 25.0]), np.array([30.0, 5.0, 10.0])),
    _of_two_lengths(),
]

BEGINS: list[Durations] = [
    Poisson(np.full(3, 10.0)),
    NegativeBinomial(np.full(3, 10.0), np.full(3, 10.0)),
    Histogram(np.full((LONGEST, 3), -np.log(LONGEST)), np.full(3, -np.inf)),
]


class _Known(NamedTuple):
    """A true model, and codes (N, T) and labels of subjects to learn and to judge."""

    truth: Model
    codes: IntArray
    labels: IntArray
    lengths: IntArray


def _simulated(seed: int, laws: Durations, n_records: int) -> _Known:
    rng = np.random.default_rng(seed)
    log_a = np.full((3, 3), -np.inf)
    log_a[~np.eye(3, dtype=bool)] = np.log([0.7, 0.3, 0.4, 0.6, 0.8, 0.2])
    process = Process(np.log([0.5, 0.3, 0.2]), log_a, *laws.table(LONGEST))
    shares = 0.06 + 0.64 * np.eye(3, N_CODES)
    emission = CodeEmission(
        np.log(shares / shares.sum(axis=1, keepdims=True)), np.full(N_CODES, 0.1)
    )
    lengths = rng.integers(200, 401, n_records)
    labels = simulate(process, lengths, rng=rng, draw=laws.draw).labels
    codes = emission.draw(np.maximum(labels, 0), rng)
    return _Known(Model(Dynamics(process, laws), emission), codes, labels, lengths)


def _fitted(known: _Known, n_train: int) -> Best:
    codes, lengths = known.codes[:n_train], known.lengths[:n_train]
    laws = known.truth.dynamics.durations
    even = next(form for form in BEGINS if isinstance(form, type(laws)))
    begins = starts.by_groups(
        codes,
        starts.one_hot(codes, N_CODES),
        lengths,
        emission=code_emission.even(3, N_CODES),
        durations=even,
        max_duration=LONGEST,
        windows=(9,),
        seeds=(0, 1),
    )
    return restarts.fit_best(codes, lengths, begins, rule=Rule(1e-6, 40))


@pytest.mark.slow
@pytest.mark.parametrize("laws", FORMS, ids=lambda laws: type(laws).__name__)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_parameters_are_found_again_up_to_names(seed: int, laws: Durations) -> None:
    """Shares to 0.06, mean durations to 10 %; labels and changes too.

    A row of moves is seen about 160 times, so its shares have standard errors of 0.04:
    they are wanted to 0.15.
    """
    known = _simulated(seed, laws, 36)

    best = _fitted(known, 24)

    dynamics, emission = best.fit.model.dynamics, best.fit.model.emission
    frames = np.arange(known.codes.shape[1]) < known.lengths[:, None]
    log_lik = emission.log_lik(known.codes, known.lengths)
    decoded = viterbi(dynamics.process, log_lik, known.lengths).labels
    learned, judged = frames.copy(), frames.copy()
    learned[24:], judged[:24] = False, False
    named = agreement.names(
        agreement.joint(decoded[learned], known.labels[learned], 3, 3)
    )
    counts = agreement.joint(decoded[judged], known.labels[judged], 3, 3)
    order = np.argsort(named)
    truth = known.truth
    assert sorted(named) == [0, 1, 2]
    assert agreement.share_right(counts, named) > 0.93
    assert agreement.nmi(counts) > 0.72
    score = change_score(
        [row[row >= 0] for row in decoded[24:]],
        [row[row >= 0] for row in known.labels[24:]],
        tolerance=3,
    )
    assert score.f1 > 0.9
    assert len(best.fit.died) == 0
    np.testing.assert_allclose(
        np.exp(emission.log_b[order]),  # type: ignore[attr-defined]
        np.exp(truth.emission.log_b),  # type: ignore[attr-defined]
        atol=0.06,
    )
    moves = np.exp(dynamics.process.log_a[order][:, order])
    np.testing.assert_allclose(moves, np.exp(truth.dynamics.process.log_a), atol=0.15)
    errors = agreement.duration_errors(
        dynamics.durations.means(), truth.dynamics.durations.means(), named
    )
    assert (np.abs(errors) < 0.1).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4, 5, 6])
def test_durations_and_order_are_worth_evidence_on_others(seed: int) -> None:
    """On other subjects: HSMM above HMM above a bag of codes, by nats a sequence."""
    known = _simulated(seed, FORMS[0], 36)
    train, lengths = known.codes[:24], known.lengths[:24]
    other, other_lengths = known.codes[24:], known.lengths[24:]

    model = _fitted(known, 24).fit.model
    markov = chain.fit_chain(train, lengths, model.emission)
    ones = np.ones((*train.shape, 1))
    shares = code_emission.even(1, N_CODES).refit(train, lengths, ones)

    explicit = messages.log_evidence(
        model.dynamics.process,
        model.emission.log_lik(other, other_lengths),
        other_lengths,
    )
    plain = chain.chain_evidence(
        markov.chain, markov.emission.log_lik(other, other_lengths), other_lengths
    )
    bag = chain.bag(shares, other, other_lengths)
    assert explicit.mean() > plain.mean() + 5.0
    assert plain.mean() > bag.mean() + 20.0
