"""Blocks in plain numbers against a slow recursion in logs, on data made to break them.

Enumeration ends at 7 frames; blocks are of 16 and 24. Here records cross several.
"""

from __future__ import annotations

import numpy as np
import pytest

from models.hsmm import records as laid
from models.hsmm.edges import weights
from models.hsmm.messages import backward, forward
from models.hsmm.posterior import posterior
from models.hsmm.sweep import BLOCK
from models.hsmm.viterbi import viterbi
from models.logspace import log_softmax
from tests.models.hsmm import cases, slow


def _hostile(seed: int) -> cases.Case:
    """Likelihoods from 1e-300 to 1e300, states that vanish, holes, impossible frames.

    A record begins within a segment only under a mild process: the oracle's law of
    such a beginning comes from a linear solve.
    """
    rng = np.random.default_rng(seed)
    edges = cases.ALL_EDGES[seed % 4]
    n_states, n_durations = int(rng.integers(1, 6)), int(rng.choice([1, 3, 16, 26, 60]))
    n_frames = int(rng.choice([1, 16, 17, 24, 25, 49, 60]))
    mild = edges.left == "censored"
    process = cases.process(
        n_states, n_durations, rng, tail=not mild, holes=bool(seed % 3)
    )
    if not mild and n_states > 1:
        log_a = np.where(np.eye(n_states) > 0, -np.inf, process.log_a)
        log_a += rng.uniform(-600.0, 0.0, n_states)
        log_pi = process.log_pi + rng.uniform(-600.0, 0.0, n_states)
        process = process._replace(
            log_a=log_softmax(log_a), log_pi=log_softmax(log_pi[None])[0]
        )
    log_lik = rng.uniform(-690.0, 690.0, (n_frames, n_states))
    kind = seed % 5
    if kind == 1:
        log_lik = rng.normal(size=log_lik.shape) + rng.choice(
            [-1e6, 1e6], (n_frames, 1)
        )
    elif kind == 2:
        # Each frame is of a state of its own, whatever durations say.
        log_lik = np.full_like(log_lik, -700.0)
        log_lik[np.arange(n_frames), rng.integers(n_states, size=n_frames)] = 0.0
    elif kind == 3:
        log_lik = rng.normal(size=log_lik.shape) - 50.0 * np.arange(n_states)
    if seed % 2:
        log_lik[rng.random(log_lik.shape) < 0.1] = -np.inf
    return cases.Case(process, log_lik, edges)


@pytest.mark.parametrize("seed", range(60))
def test_no_data_makes_blocks_less_exact_than_logs(seed: int) -> None:
    """Evidence to 1e-12 of itself, every field of the posterior to 1e-9.

    Logs near 4e4 keep 1e-11, shifts of 1e6 a frame 1e-10, and are sums of a hundred.
    """
    case = _hostile(seed)
    total, wanted = slow.said(case)
    if total == -np.inf:
        for refuses in (posterior, viterbi):
            with pytest.raises(ValueError, match="sequence 0 cannot happen"):
                refuses(case.process, case.log_lik[None], edges=case.edges)
        return

    found = posterior(case.process, case.log_lik[None], edges=case.edges)

    size = np.abs(case.log_lik).max(axis=1, where=np.isfinite(case.log_lik), initial=1)
    assert found.log_evidence[0] == pytest.approx(total, abs=1e-14 * size.sum() + 1e-11)
    for name, expected in wanted.items():
        value = getattr(found, name)
        value = value[0] if value.ndim == 3 else value
        np.testing.assert_allclose(value, expected, atol=1e-9, err_msg=name)


def test_a_state_that_is_never_entered_again_is_exact_and_not_slow() -> None:
    """State 0 is the first or never, state 3 the last: zeros that are so by right.

    They are no reason for short blocks: within a whole one the power is the same.
    """
    case = cases.long_case(200, np.random.default_rng(3))
    log_a = case.process.log_a.copy()
    log_a[:, 0] = log_a[3] = -np.inf
    log_a[:3] = log_softmax(log_a[:3])
    case = case._replace(process=case.process._replace(log_a=log_a))

    total, wanted = slow.said(case)
    found = posterior(case.process, case.log_lik[None], edges=case.edges)

    assert found.log_evidence[0] == pytest.approx(total, rel=1e-13)
    np.testing.assert_allclose(found.occupancy[0], wanted["occupancy"], atol=1e-11)
    np.testing.assert_allclose(found.durations, wanted["durations"], atol=1e-11)
    records = laid.lay(case.process, case.log_lik[None, : 8 * BLOCK], None)
    for walk in (forward, backward):
        power = walk(case.process, weights(case.process, case.edges), records).power
        power = power[1:] if walk is forward else power[-2::-1]
        assert (np.ptp(power.reshape(8, BLOCK), axis=1) == 0.0).all()


def test_a_first_state_that_was_all_but_ruled_out_comes_back() -> None:
    """State 0 can only be the first. It falls below any number, and is right at last.

    All the while the others are of a size that plain numbers hold, and they end it.
    """
    case = cases.long_case(80, np.random.default_rng(4), max_duration=90)
    log_a = case.process.log_a.copy()
    log_a[:, 0] = -np.inf
    log_lik = 0.01 * case.log_lik
    log_lik[:BLOCK, 0] -= 31.5
    log_lik[BLOCK:76, 1:] -= 26.0
    log_lik[76:, 0] -= 400.0
    case = case._replace(
        process=case.process._replace(log_a=log_softmax(log_a)), log_lik=log_lik
    )

    total, wanted = slow.said(case)
    found = posterior(case.process, case.log_lik[None], edges=case.edges)

    assert found.log_evidence[0] == pytest.approx(total, rel=1e-13)
    assert wanted["occupancy"][BLOCK, 0] == pytest.approx(1.0)
    np.testing.assert_allclose(found.occupancy[0], wanted["occupancy"], atol=1e-11)
