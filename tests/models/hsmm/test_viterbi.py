"""The best segmentation against every segmentation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from models.hsmm import segments as cut_up
from models.hsmm.edges import Edges
from models.hsmm.messages import log_evidence
from models.hsmm.viterbi import Decoded, viterbi
from tests.models.hsmm import cases, enumeration

ALTERNATE = np.array([[-np.inf, 0.0], [0.0, -np.inf]])


def _weight(case: cases.Case, decoded: Decoded) -> float:
    """Look up what the decoded segmentation weighs."""
    states = tuple(decoded.segments.state.tolist())
    lengths = tuple(decoded.segments.length.tolist())
    return next(
        cut.log_weight
        for cut in enumeration.cuts(*case)
        if (cut.states, cut.lengths) == (states, lengths)
    )


@given(cases.cases())
@settings(max_examples=120, deadline=None)
def test_the_path_is_the_best_of_every_segmentation(case: cases.Case) -> None:
    """Its score is the greatest weight, and is the weight of that very path."""
    best = max((cut.log_weight for cut in enumeration.cuts(*case)), default=-np.inf)
    if best == -np.inf:
        with pytest.raises(ValueError, match="sequence 0 cannot happen"):
            viterbi(case.process, case.log_lik[None], edges=case.edges)
        return

    found = viterbi(case.process, case.log_lik[None], edges=case.edges)

    assert found.score[0] == pytest.approx(best, rel=1e-12, abs=1e-10)
    assert _weight(case, found) == pytest.approx(best, rel=1e-12, abs=1e-10)


def _stays(n_frames: int) -> cases.Case:
    """Give three states that stay for about 20 frames, and data that say nothing."""
    process = cases.process(3, 40, np.random.default_rng(2))
    log_d = -0.5 * ((np.arange(1.0, 41.0) - 20.0) / 3.0) ** 2
    log_d -= np.log(np.exp(log_d).sum())
    process = process._replace(log_d=np.repeat(log_d[:, None], 3, axis=1))
    return cases.Case(process, np.zeros((n_frames, 3)), Edges("complete", "complete"))


def test_a_constant_record_is_cut_into_stays_of_the_likeliest_length() -> None:
    """60 equal frames are three stays of 20, not 59 switches: durations decide."""
    process, log_lik, edges = _stays(60)

    found = viterbi(process, log_lik[None], edges=edges)

    assert found.segments.length.tolist() == [20, 20, 20]


def test_a_short_burst_is_not_a_segment_when_stays_are_long() -> None:
    """Two frames against the state weigh less than a stay of 2: no plain chain."""
    process, log_lik, edges = _stays(40)
    log_lik[:20, 0] = log_lik[20:, 1] = 1.0
    log_lik[9:11, 0], log_lik[9:11, 1] = 0.0, 3.0

    found = viterbi(process, log_lik[None], edges=edges)

    assert found.labels[0].tolist() == [0] * 20 + [1] * 20


def test_equal_paths_are_decided_the_same_way() -> None:
    """Two states weigh alike, to the last bit: the lower one, every time."""
    half = np.log(0.5)
    process = cases.process(2, 2, np.random.default_rng(0))._replace(
        log_pi=np.full(2, half), log_a=ALTERNATE, log_d=np.full((2, 2), half)
    )

    found = viterbi(process, np.zeros((1, 2, 2)), edges=Edges("complete", "complete"))

    # (2) weighs 1/4 and (1, 1) weighs 1/8, in both states.
    assert found.segments.length.tolist() == [2]
    assert found.segments.state.tolist() == [0]


def test_the_score_adds_up_over_a_long_record() -> None:
    """Scored again, segment by segment, over many blocks; below the evidence."""
    case = cases.long_case(3_000, np.random.default_rng(3), gap=3.0)

    found = viterbi(case.process, case.log_lik[None], edges=case.edges)

    state, length = found.segments.state, found.segments.length
    score = case.process.log_pi[state[0]]
    score += case.process.log_a[state[:-1], state[1:]].sum()
    score += case.process.log_d[length[:-1] - 1, state[:-1]].sum()
    lasts = np.exp(case.process.log_d[length[-1] - 1 :, state[-1]]).sum()
    score += np.log(lasts) + case.log_lik[np.arange(3_000), found.labels[0]].sum()
    assert found.score[0] == pytest.approx(score, rel=1e-12)
    assert score < log_evidence(case.process, case.log_lik[None])[0]


def test_ragged_records_are_each_decoded_as_they_are_alone() -> None:
    """Together or one by one: the same labels, and -1 past the end."""
    rng = np.random.default_rng(4)
    process, log_lik, _ = cases.long_case(90, rng)
    lengths = np.array([30, 0, 90, 1, 61])
    together = np.stack([np.roll(log_lik, 7 * n, axis=0) for n in range(5)])

    found = viterbi(process, together, lengths)

    for n, length in enumerate(lengths):
        alone = viterbi(process, together[n : n + 1, :length])
        np.testing.assert_array_equal(found.labels[n, :length], alone.labels[0])
        np.testing.assert_allclose(found.score[n], alone.score[0], rtol=1e-13)
        assert (found.labels[n, length:] == -1).all()
        mine = cut_up.of_record(found.segments, n)
        np.testing.assert_array_equal(mine.begin, alone.segments.begin)


@pytest.mark.parametrize("shape", [(0, 5, 3), (2, 0, 3)])
def test_nothing_is_decoded_as_nothing(shape: tuple[int, int, int]) -> None:
    """No records, or no frames: no segments, and scores of 0."""
    process = cases.process(3, 4, np.random.default_rng(5))

    found = viterbi(process, np.zeros(shape))

    assert found.labels.shape == shape[:2]
    assert len(found.segments.state) == 0
    np.testing.assert_array_equal(found.score, np.zeros(shape[0]))
