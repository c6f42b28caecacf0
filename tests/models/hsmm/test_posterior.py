"""Occupancy, change points and expected counts against every segmentation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from models.hsmm.edges import Edges
from models.hsmm.lasting import lasting
from models.hsmm.messages import log_evidence
from models.hsmm.posterior import Posterior, posterior
from models.hsmm.viterbi import viterbi
from models.logspace import log_softmax
from tests.models.hsmm import cases, enumeration

COUNTS = ("durations", "right_censored", "left_censored", "both_censored")


def _expected(case: cases.Case, total: float) -> dict[str, np.ndarray]:
    """Sum what each segmentation says, by its share of the evidence."""
    process, log_lik, edges = case
    n_frames, n_states = log_lik.shape
    table = np.zeros_like(process.log_d)
    said = {name: table.copy() for name in COUNTS}
    said |= {name: np.zeros((n_frames, n_states)) for name in ("occupancy", "begins")}
    said["transitions"] = np.zeros((n_states, n_states))
    for cut in enumeration.cuts(process, log_lik, edges):
        share = np.exp(cut.log_weight - total)
        t, last = 0, len(cut.states) - 1
        for place, (k, d) in enumerate(zip(cut.states, cut.lengths, strict=True)):
            said["occupancy"][t : t + d, k] += share
            if place > 0:
                said["begins"][t, k] += share
                said["transitions"][cut.states[place - 1], k] += share
            left = place == 0 and edges.left == "censored"
            right = place == last and edges.right == "censored"
            said[COUNTS[2 * left + right]][d - 1, k] += share
            t += d
    return said


@given(cases.cases())
@settings(max_examples=120, deadline=None)
def test_the_posterior_is_the_sum_over_every_segmentation(case: cases.Case) -> None:
    """Every field; absolute 1e-9, as logs near 1e3 keep 1e-13 and are sums of ten."""
    total = enumeration.evidence(*case)
    if total == -np.inf:
        with pytest.raises(ValueError, match="sequence 0 cannot happen"):
            posterior(case.process, case.log_lik[None], edges=case.edges)
        return

    found = posterior(case.process, case.log_lik[None], edges=case.edges)

    for name, expected in _expected(case, total).items():
        value = getattr(found, name)
        value = value[0] if value.ndim == 3 else value
        np.testing.assert_allclose(value, expected, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(found.first[0], found.occupancy[0, 0], atol=1e-12)
    np.testing.assert_allclose(found.changes, found.begins.sum(axis=2), atol=1e-12)


def _long(seed: int, gap: float = 1.0) -> tuple[cases.Case, Posterior]:
    case = cases.long_case(70, np.random.default_rng(seed), gap=gap, max_duration=25)
    return case, posterior(case.process, case.log_lik[None], edges=case.edges)


def test_occupancy_is_the_slope_of_the_evidence() -> None:
    """The slope by log_lik[t, k] is P(state of t = k | y), by central differences.

    With steps of 1e-4 the error of the formula is below 1e-9 and that of rounding
    1e-16 * 300 / 1e-4.
    """
    case, found = _long(1)
    step = 1e-4
    for t, k in ((0, 0), (23, 1), (24, 2), (47, 3), (69, 0)):
        moved = np.repeat(case.log_lik[None], 2, axis=0)
        moved[:, t, k] += [step, -step]

        up, down = log_evidence(case.process, moved, edges=case.edges)

        slope = (up - down) / (2.0 * step)
        assert slope == pytest.approx(found.occupancy[0, t, k], abs=2e-8)


def test_expected_durations_are_the_slope_of_the_evidence() -> None:
    """Along a softmax, the slope is each duration's count less its share of all.

    The censored last segment counts P(duration >= d), which its durations share too.
    """
    case, found = _long(2)
    step, k = 1e-4, 1
    p = np.exp(case.process.log_d[:, k])
    lasts = p[::-1].cumsum()[::-1]
    cut = found.right_censored[:, k]
    counted = found.durations[:, k] + p * np.cumsum(cut / lasts)
    expected = counted - p * counted.sum()
    for d in (0, 1, 15, 16, 24):
        slopes = []
        for sign in (step, -step):
            log_d = case.process.log_d.copy()
            log_d[d, k] += sign
            log_d[:, k] = log_softmax(log_d[:, k])
            process = case.process._replace(log_d=log_d)
            slopes.append(log_evidence(process, case.log_lik[None])[0])

        slope = (slopes[0] - slopes[1]) / (2.0 * step)

        assert slope == pytest.approx(expected[d], abs=2e-8)


@pytest.mark.parametrize("gap", [0.5, 40.0, 900.0])
def test_what_is_counted_adds_up(gap: float) -> None:
    """Segments begin and end alike, and their lengths fill the record."""
    case, found = _long(3, gap)
    n_frames = len(case.log_lik)
    lengths = np.arange(1.0, 26.0)
    segments = found.durations + found.right_censored

    np.testing.assert_allclose(found.occupancy.sum(axis=2), 1.0, atol=1e-11)
    assert (lengths @ segments).sum() == pytest.approx(n_frames, abs=1e-8)
    assert segments.sum() == pytest.approx(1.0 + found.changes.sum(), abs=1e-9)
    assert found.transitions.sum() == pytest.approx(found.changes.sum(), abs=1e-9)
    np.testing.assert_allclose(
        segments.sum(axis=0), found.first[0] + found.transitions.sum(axis=0), atol=1e-9
    )
    np.testing.assert_allclose(
        lengths @ segments, found.occupancy.sum(axis=(0, 1)), atol=1e-8
    )


@pytest.mark.parametrize("gap", [50.0, 300.0, 2000.0])
@pytest.mark.parametrize("edges", cases.ALL_EDGES, ids=str)
def test_stays_that_the_data_contradict_are_counted_in_logs(
    gap: float, edges: Edges
) -> None:
    """Only 7 or 10 frames can be, and likelihoods of e^2000 a frame pull elsewhere.

    What past and future each prefer then underflows in the other by thousands of nats.
    """
    rng = np.random.default_rng(8)
    d = np.zeros((20, 3))
    d[[6, 9]] = 0.5
    process = cases.process(3, 20, rng)._replace(log_d=cases.log(d))
    log_lik = gap * rng.normal(size=(1, 91, 3))

    found = posterior(process, log_lik, edges=edges)

    lengths = np.arange(1.0, 21.0)
    segments = sum(getattr(found, name) for name in COUNTS)
    assert (lengths @ segments).sum() == pytest.approx(91.0, abs=1e-7)
    assert found.transitions.sum() == pytest.approx(found.changes.sum(), abs=1e-8)
    assert segments.sum() == pytest.approx(1.0 + found.changes.sum(), abs=1e-8)
    np.testing.assert_allclose(found.occupancy.sum(axis=2), 1.0, atol=1e-8)
    best = viterbi(process, log_lik, edges=edges)
    # The best of paths is below their sum, but for the last digit of 1e6.
    assert -1e-9 <= found.log_evidence[0] - best.score[0] < np.log(3.0) * 91


def test_a_constant_record_does_not_switch_at_every_frame() -> None:
    """60 equal frames under stays of about 20: some 3 changes are expected, not 59."""
    d = np.exp(-0.5 * ((np.arange(1, 41) - 20.0) / 3.0) ** 2)
    process = cases.process(3, 40, np.random.default_rng(4))._replace(
        log_d=np.repeat(np.log(d / d.sum())[:, None], 3, axis=1)
    )

    found = posterior(process, np.zeros((1, 60, 3)))

    # 60 frames hold at most 59 / 11 and at least 59 / 31 renewals of 20 +- 9 frames.
    assert 1.5 < found.changes.sum() < 5.5


def test_records_are_summed_and_each_is_what_it_is_alone() -> None:
    """Ragged records: marginals one by one, counts as a sum."""
    rng = np.random.default_rng(5)
    process, log_lik, _ = cases.long_case(80, rng)
    lengths = np.array([17, 0, 80, 33])
    together = np.stack([np.roll(log_lik, n, axis=0) for n in range(4)])

    found = posterior(process, together, lengths)

    alone = [
        posterior(process, together[n : n + 1, :length])
        for n, length in enumerate(lengths)
    ]
    for n, (length, one) in enumerate(zip(lengths, alone, strict=True)):
        np.testing.assert_allclose(
            found.occupancy[n, :length], one.occupancy[0], atol=1e-12
        )
        np.testing.assert_allclose(found.begins[n, :length], one.begins[0], atol=1e-12)
        assert not found.occupancy[n, length:].any()
        assert not found.changes[n, length:].any()
    for name in ("transitions", *COUNTS):
        added = sum(getattr(one, name) for one in alone)
        np.testing.assert_allclose(getattr(found, name), added, atol=1e-11)


def test_a_process_that_ran_before_the_record_looks_the_same_backwards() -> None:
    """Two states that alternate: time reversed, both edges censored, the same law."""
    rng = np.random.default_rng(6)
    process = cases.process(2, 5, rng)
    log_lik = rng.normal(size=(1, 40, 2))
    both = Edges("censored", "censored")

    ahead = posterior(process, log_lik, edges=both)
    back = posterior(process, log_lik[:, ::-1], edges=both)

    np.testing.assert_allclose(ahead.log_evidence, back.log_evidence, rtol=1e-13)
    np.testing.assert_allclose(ahead.occupancy, back.occupancy[:, ::-1], atol=1e-12)


def test_no_records_say_nothing() -> None:
    """N = 0 and T = 0: empty marginals and counts of 0."""
    process = cases.process(3, 4, np.random.default_rng(7))

    none = posterior(process, np.zeros((0, 9, 3)))
    short = posterior(process, np.zeros((2, 0, 3)))

    assert none.occupancy.shape == (0, 9, 3)
    assert short.occupancy.shape == (2, 0, 3)
    assert none.durations.sum() == short.transitions.sum() == 0.0


@given(cases.cases())
@settings(max_examples=60, deadline=None)
def test_lengths_are_expected_over_every_segmentation(case: cases.Case) -> None:
    """Of the segment that covers a frame: all its frames, and those still to come."""
    process, log_lik, edges = case
    total = enumeration.evidence(*case)
    if total == -np.inf:
        return
    length, remaining = np.zeros((2, len(log_lik)))
    for cut in enumeration.cuts(*case):
        share = np.exp(cut.log_weight - total)
        length += share * np.repeat(cut.lengths, cut.lengths)
        remaining += share * np.concatenate([np.arange(d, 0, -1) for d in cut.lengths])

    found = lasting(process, log_lik[None], edges=edges)

    np.testing.assert_allclose(found.length[0], length, atol=1e-9)
    np.testing.assert_allclose(found.remaining[0], remaining, atol=1e-9)


def test_lengths_of_ragged_records_are_each_what_they_are_alone() -> None:
    """Together or one by one, and 0 past the end; segments are as long as drawn."""
    rng = np.random.default_rng(9)
    process, log_lik, _ = cases.long_case(60, rng, gap=20.0)
    lengths = np.array([23, 0, 60])
    together = np.repeat(log_lik[None], 3, axis=0)

    found = lasting(process, together, lengths)

    for n, frames in enumerate(lengths):
        alone = lasting(process, together[n : n + 1, :frames])
        np.testing.assert_allclose(found.length[n, :frames], alone.length[0], atol=1e-9)
        assert not found.remaining[n, frames:].any()
    np.testing.assert_allclose(found.remaining[2, -1], 1.0, atol=1e-9)
