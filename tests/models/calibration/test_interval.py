"""Intervals hold the truth as often as they say, over frames and over subjects."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from models.calibration import clusters, interval
from models.calibration.bootstrap import Bootstrap, drawn
from models.calibration.report import report
from tests.models.calibration import simulated

SAMPLES = 200
# Fewer than this of 200 intervals at .95 hold the truth once in a million test runs.
ENOUGH = int(stats.binom.ppf(1e-6, SAMPLES, 0.95))
SMOOTH = ("accuracy", "macro_f1", "coverage", "offered_accuracy", "brier", "nll")
GAPS = ("ece", "ece_adaptive", "ece_classwise", "mce")


def _sampled(n_subjects: int, n_frames: int, seed: int) -> dict[str, int]:
    """How often each interval of the report holds the value of 8,000 subjects."""
    rng = np.random.default_rng(seed)
    many = simulated.by_subject(8_000, 40, 4, rng)
    truth = report(many.probs, many.labels, many.subjects, rng, n_draws=100)
    held = dict.fromkeys((*SMOOTH, *GAPS), 0)
    for _ in range(SAMPLES):
        few = simulated.by_subject(n_subjects, n_frames, 4, rng)
        found = report(few.probs, few.labels, few.subjects, rng, n_draws=500)
        for name in held:
            low, high = getattr(found, name)[1:]
            held[name] += low <= getattr(truth, name).value <= high
    return held


@pytest.mark.parametrize("n_subjects", [12, 30])
def test_intervals_over_subjects_hold_the_truth(n_subjects: int) -> None:
    """Each of ten metrics, at 40 correlated frames a subject; 200 samples.

    Taken as independent frames, accuracy would be held half as often. Those of gaps
    hold it more often than asked: they must be right at calibration too.
    """
    held = _sampled(n_subjects, 40, seed=n_subjects)

    assert min(held.values()) >= ENOUGH, held


def test_intervals_of_independent_frames_hold_the_truth() -> None:
    """Calibrated frames: their error is 0, their accuracy the mean confidence."""
    rng = np.random.default_rng(5)
    truth = simulated.calibrated(400_000, 4, rng).probs.max(axis=1).mean()
    held = {"ece": 0, "ece_classwise": 0, "accuracy": 0}
    for _ in range(SAMPLES):
        frames = simulated.calibrated(200, 4, rng)
        found = report(frames.probs, frames.labels, rng=rng, n_draws=200)
        held["accuracy"] += found.accuracy.low <= truth <= found.accuracy.high
        held["ece"] += found.ece.low == 0.0
        held["ece_classwise"] += found.ece_classwise.low == 0.0

    assert min(held.values()) >= ENOUGH, held


def test_subjects_widen_what_frames_alone_would_claim() -> None:
    """The same frames, with and without their subjects."""
    rng = np.random.default_rng(6)
    frames = simulated.by_subject(15, 100, 4, rng)

    alone = report(frames.probs, frames.labels).accuracy
    together = report(frames.probs, frames.labels, frames.subjects).accuracy

    assert together.value == alone.value
    assert together.high - together.low > 2.0 * (alone.high - alone.low)


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (7, 10), (10, 10), (813, 1_000)])
def test_shares_of_independent_frames_are_scored_by_wilson(hits: int, n: int) -> None:
    """As SciPy has it, with Student's quantile in place of the normal's."""
    found = interval.shares(
        np.array([[float(hits)]]),
        np.array([[float(n)]]),
        level=0.95,
        are_independent=True,
    ).of(0)

    wide = 1.0 - 2.0 * stats.norm.sf(stats.t.ppf(0.975, n - 1))
    theirs = stats.binomtest(hits, n).proportion_ci(wide, method="wilson")
    assert found.value == hits / n
    assert found[1:] == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_share_of_one_is_known_by_the_number_of_subjects() -> None:
    """Six subjects of 1,000 right frames each are six, not 6,000, and not certain."""
    full = np.full((6, 1), 1_000.0)

    found = interval.shares(full, full, level=0.95, are_independent=False).of(0)

    z = stats.t.ppf(0.975, 5)
    assert found.value == found.high == 1.0
    assert found.low == pytest.approx(6.0 / (6.0 + z**2))


def test_a_share_of_nothing_may_be_anything() -> None:
    """No frame, or one subject only: the interval is all of 0 .. 1."""
    hits, sizes = np.array([[0.0, 3.0]]), np.array([[0.0, 4.0]])

    found = interval.shares(hits, sizes, level=0.95, are_independent=False)

    np.testing.assert_array_equal(found.value, [np.nan, 0.75])
    np.testing.assert_array_equal(found.low, [0.0, 0.0])
    np.testing.assert_array_equal(found.high, [1.0, 1.0])


def test_whole_subjects_alike_make_the_effective_number_the_number_of_subjects() -> (
    None
):
    """Subjects all right or all wrong: n p(1-p) / var is G - 1, by the definition."""
    sizes = np.full((20, 1), 50.0)
    hits = sizes * (np.arange(20)[:, None] < 12)

    found = interval.shares(hits, sizes, level=0.9, are_independent=False).of(0)

    z = stats.t.ppf(0.95, 19)
    low, high = interval.wilson(np.array(0.6), np.array(19.0), np.array(z))
    assert found == pytest.approx((0.6, float(low), float(high)))


def test_subjects_alike_are_no_more_than_their_frames() -> None:
    """Half of each subject's frames hit: no variance, and yet 40 frames are 40."""
    sizes = np.full((10, 1), 4.0)

    found = interval.shares(sizes / 2.0, sizes, level=0.95, are_independent=False).of(0)

    z = stats.t.ppf(0.975, 9)
    low, high = interval.wilson(np.array(0.5), np.array(40.0), np.array(z))
    assert found == pytest.approx((0.5, float(low), float(high)))


def test_quantiles_of_few_clusters_are_further_out() -> None:
    """With 10,000 clusters they are nearly .025 and .975; with five, far beyond."""
    draws = np.linspace(0.0, 1.0, 100_001)

    many = interval.quantile_pair(draws, 0.95, 10_000)
    few = interval.quantile_pair(draws, 0.95, 5)

    assert [float(x) for x in many] == pytest.approx([0.025, 0.975], abs=1e-4)
    tail = stats.norm.cdf(-np.sqrt(5 / 4) * stats.t.ppf(0.975, 4))
    assert [float(x) for x in few] == pytest.approx([tail, 1.0 - tail], abs=2e-5)


def test_draws_without_a_value_are_left_out() -> None:
    """A class missing from some draws has the quantiles of the others."""
    draws = np.full((1_000, 2), np.nan)
    draws[:500, 0] = np.linspace(0.0, 1.0, 500)

    low, high = interval.quantile_pair(draws, 0.9, 1_000)

    assert (low[0], high[0]) == pytest.approx((0.05, 0.95), abs=0.01)
    assert np.isnan(low[1])
    assert np.isnan(high[1])


def test_gaps_of_sure_sign_move_by_their_sum_and_others_both_ways() -> None:
    """|g + h| - |g| for every move h lies between the two that are used."""
    rng = np.random.default_rng(7)
    moves = rng.normal(size=(4_000, 3)) * [0.01, 0.01, 0.01]
    sure, unsure = np.array([0.2, -0.2, 0.1]), np.zeros(3)

    known = interval.absolute_sum(sure, moves, level=0.95, n_clusters=4_000)
    open_ = interval.absolute_sum(unsure, moves, level=0.95, n_clusters=4_000)

    half = 1.96 * 0.01 * np.sqrt(3)
    assert known == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=0.002)
    assert open_.low == 0.0
    assert open_.high > 0.04


def test_drawing_clusters_again_keeps_their_number() -> None:
    """Every draw holds G clusters, each once on average; one seed, the same draws."""
    times = clusters.drawn_again(50, 400, np.random.default_rng(8))

    again = clusters.drawn_again(50, 400, np.random.default_rng(8))
    np.testing.assert_array_equal(times, again)
    np.testing.assert_array_equal(times.sum(axis=1), 50.0)
    # A count has variance 1: the mean of 20,000 of them errs by .01.
    assert times.var() == pytest.approx(1.0, abs=0.1)


def test_errors_between_clusters_are_those_of_their_means() -> None:
    """12 clusters of 5 frames in one column: s / sqrt(12), by the textbook.

    Of unequal clusters in which all frames are alike nothing is open; and one cluster
    alone is taken as its frames.
    """
    values = np.random.default_rng(16).normal(size=60)
    column, groups = np.zeros(60, dtype=np.int64), np.repeat(np.arange(12), 5)

    found = clusters.by_group(groups, (60,)).errors(column, 1, values)
    alike = clusters.by_group(groups // 3 % 3, (60,)).errors(column, 1, np.ones(60))
    alone = clusters.by_group(column, (60,)).errors(column, 1, values)

    means = values.reshape(12, 5).mean(axis=1)
    assert found == pytest.approx(means.std(ddof=1) / np.sqrt(12))
    assert alike == pytest.approx(0.0, abs=1e-15)
    assert alone == pytest.approx(values.std() / np.sqrt(60))


def test_independent_frames_are_dealt_into_clusters_of_one_size() -> None:
    """2,500 frames in 1,000 clusters of two or three; 10 frames are their own."""
    rng = np.random.default_rng(9)

    many, few = clusters.dealt(2_500, rng), clusters.dealt(10, rng)

    assert set(many.size) == {2, 3}
    np.testing.assert_array_equal(few.member, np.arange(10))


def test_many_groups_are_gathered_and_none_is_torn_apart() -> None:
    """2,500 groups of two frames make 1,000 clusters of two or three groups each.

    Groups alike within and independent of each other: the half width is that of 2,500
    independent means, not of 5,000 frames.
    """
    values = np.repeat(np.random.default_rng(14).exponential(size=2_500), 2)
    groups = np.repeat(np.arange(2_500), 2)

    again = drawn(
        groups, (5_000,), np.random.default_rng(15), level=0.95, n_draws=2_000
    )

    assert again.n_groups == 2_500
    assert again.n_clusters == 1_000
    assert set(again.clusters.size) == {4, 6}
    assert (again.clusters.member[::2] == again.clusters.member[1::2]).all()
    found = again.mean(values, np.inf)
    half = 1.96 * values.std() / np.sqrt(2_500)
    assert 0.5 * (found.high - found.low) == pytest.approx(half, rel=0.1)


def test_a_bootstrap_of_the_mean_has_its_standard_error() -> None:
    """The spread of resampled means of 4,000 numbers is s / sqrt(n), within a tenth."""
    values = np.random.default_rng(10).exponential(size=4_000)
    again = drawn(None, (4_000,), np.random.default_rng(11), level=0.95, n_draws=2_000)

    found = again.mean(values, np.inf)

    half = 1.96 * values.std() / np.sqrt(4_000)
    assert isinstance(again, Bootstrap)
    assert found.high - found.value == pytest.approx(half, rel=0.15)
    assert found.value - found.low == pytest.approx(half, rel=0.15)


def test_the_interval_of_a_mean_minds_a_long_tail() -> None:
    """Log-normal means of 8 subjects of unequal size: studentised, most are held.

    Binomial for .88 of 400, once in a million; .95 is not reached with 8 so skewed.
    Quantiles of the mean alone, even moved outwards, hold fewer.
    """
    rng = np.random.default_rng(12)
    held, plainly = 0, 0
    for _ in range(400):
        sizes = rng.integers(1, 60, size=8).astype(np.float64)
        sums = sizes * rng.lognormal(size=8)
        times = clusters.drawn_again(8, 500, rng)
        found = interval.ratio(sums, sizes, times, level=0.95, most=np.inf)
        low, high = interval.quantile_pair((times @ sums) / (times @ sizes), 0.95, 8)
        held += found.low <= np.exp(0.5) <= found.high
        plainly += low <= np.exp(0.5) <= high

    assert held >= stats.binom.ppf(1e-6, 400, 0.88)
    assert held > plainly + 20


def test_clusters_that_are_alike_leave_a_mean_in_no_doubt() -> None:
    """Every draw has the same mean: the interval is that point."""
    times = clusters.drawn_again(6, 200, np.random.default_rng(13))

    found = interval.ratio(np.full(6, 2.5), np.full(6, 5.0), times, level=0.9, most=1.0)

    assert found == (0.5, 0.5, 0.5)


def test_a_measure_is_written_with_its_interval() -> None:
    """One format for all three numbers."""
    measure = interval.Measure(0.8123, 0.8, 0.824)

    assert f"{measure:.1%}" == "81.2% (80.0% to 82.4%)"
