"""The report holds every metric, each equal to its own function."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from models.calibration import bins, classwise, mass, verdict
from models.calibration.interval import Measure, Measures
from models.calibration.reliability import reliability
from models.calibration.report import report
from tests.models.calibration import simulated


def _measures(found: object) -> dict[str, Measure]:
    fields = found._asdict()  # type: ignore[attr-defined]
    return {name: m for name, m in fields.items() if isinstance(m, Measure)}


@given(simulated.distributions())
def test_every_value_lies_in_its_own_interval(
    frames: tuple[np.ndarray, np.ndarray],
) -> None:
    """Down to one frame and one class; nan only where nothing was offered."""
    probs, labels = frames

    found = report(probs, labels, n_draws=100)

    for name, (value, low, high) in _measures(found).items():
        if not (name == "offered_accuracy" and math.isnan(value)):
            assert low <= value <= high, name


@given(
    simulated.distributions(),
)
def test_values_are_those_of_their_own_functions(
    frames: tuple[np.ndarray, np.ndarray],
) -> None:
    """One pass for all gives what each gives alone, but for the order of sums."""
    probs, labels = frames

    found = report(probs, labels, np.zeros(len(labels), dtype=int), n_draws=100)

    alone = {
        "ece": bins.ece(probs, labels),
        "mce": bins.mce(probs, labels),
        "ece_adaptive": mass.adaptive_ece(probs, labels),
        "ece_classwise": classwise.classwise_ece(probs, labels),
        "brier": verdict.brier(probs, labels),
        "nll": verdict.nll(probs, labels),
    }
    for name, value in alone.items():
        assert getattr(found, name).value == pytest.approx(value, abs=1e-13), name


def test_an_error_less_its_bias_lies_in_its_interval_at_any_level() -> None:
    """At a level of .01 the interval is all but a point, and the bias is more."""
    rng = np.random.default_rng(94)
    probs = rng.dirichlet([0.5] * 3, size=1_000)
    labels = rng.integers(3, size=1_000)

    found = report(probs, labels, level=0.01, n_draws=100)

    assert found.ece_debiased.value < found.ece.low
    assert found.ece_debiased.low <= found.ece_debiased.value <= found.ece.value


def test_the_largest_gap_is_known_with_all_bins_at_once() -> None:
    """At level 1 - .05 / M for M bins in use, by the diagram's intervals."""
    frames = simulated.calibrated(400, 3, np.random.default_rng(9))

    found = report(frames.probs, frames.labels, n_bins=5).mce

    n_used = len(np.unique(bins.place(frames.probs.max(axis=1), 5)))
    seen = reliability(frames.probs, frames.labels, n_bins=5, level=1 - 0.05 / n_used)
    ends = [seen.confidence - seen.accuracy.low, seen.confidence - seen.accuracy.high]
    assert found.high == pytest.approx(np.nanmax(np.abs(ends)), abs=1e-12)
    nearest = np.where(ends[0] * ends[1] < 0.0, 0.0, np.abs(ends).min(axis=0))
    assert found.low == pytest.approx(np.nanmax(nearest), abs=1e-12)


def test_one_seed_gives_one_report_and_none_gives_always_the_same() -> None:
    """Bit for bit; another seed moves the intervals and no value."""
    frames = simulated.by_subject(8, 30, 3, np.random.default_rng(1))
    given = (frames.probs, frames.labels, frames.subjects)

    first, again = report(*given), report(*given)
    other = report(*given, np.random.default_rng(2))

    assert _measures(first) == _measures(again)
    assert _measures(first) != _measures(other)
    assert {k: m.value for k, m in _measures(first).items()} == {
        k: m.value for k, m in _measures(other).items()
    }


def test_subjects_may_be_named_by_text_and_come_in_any_order() -> None:
    """Names are labels: what they are called moves only which is drawn when."""
    frames = simulated.by_subject(5, 20, 3, np.random.default_rng(3))
    names = np.array(["rex", "ada", "zoe", "bob", "kim"])[frames.subjects]

    found = report(frames.probs, frames.labels, names)

    assert found.n_groups == 5
    assert found.accuracy.low < found.accuracy.value < found.accuracy.high


def test_one_subject_says_nothing_of_the_others() -> None:
    """Its intervals are all that is possible, up to an infinite likelihood."""
    frames = simulated.calibrated(200, 3, np.random.default_rng(4))

    found = report(frames.probs, frames.labels, np.zeros(200, dtype=int))

    assert found.accuracy[1:] == (0.0, 1.0)
    assert found.ece[1:] == (0.0, 1.0)
    assert found.macro_f1[1:] == (0.0, 1.0)
    assert found.brier[1:] == (0.0, 2.0)
    assert found.nll[1:] == (0.0, math.inf)


def test_coverage_is_the_share_that_reaches_the_threshold() -> None:
    """A confidence equal to the threshold is offered; accuracy is told of those."""
    probs = np.array([[0.75, 0.25], [0.25, 0.75], [0.5, 0.5], [0.625, 0.375]])

    found = report(probs, np.array([0, 0, 0, 1]), threshold=0.75)

    assert found.coverage.value == 0.5
    assert found.offered_accuracy.value == 0.5
    assert found.accuracy.value == 0.5


def test_a_label_held_impossible_makes_the_likelihood_infinite() -> None:
    """Its high end is infinite as well, and its low end is that of draws without it."""
    frames = simulated.calibrated(50, 2, np.random.default_rng(5))
    probs = frames.probs.copy()
    probs[0] = [1.0 - frames.labels[0] * 1.0, frames.labels[0] * 1.0]
    probs[0] = probs[0][::-1]

    found = report(probs, frames.labels)

    assert found.nll.value == found.nll.high == math.inf
    assert math.isfinite(found.nll.low)


def test_where_every_subject_has_an_impossible_label_no_draw_is_without() -> None:
    """Then the likelihood is infinite at its low end too."""
    probs = np.tile([[0.5, 0.5], [1.0, 0.0]], (4, 1))

    found = report(probs, np.ones(8, dtype=int), np.repeat(np.arange(4), 2))

    assert found.nll == (math.inf, math.inf, math.inf)


def test_absent_classes_are_named_and_in_no_mean() -> None:
    """Class 2 has no label and no prediction: its F1 is nan, the mean is of two."""
    probs = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]])

    found = report(probs, np.array([0, 1]))

    assert found.absent == (2,)
    assert found.macro_f1.value == 1.0
    assert isinstance(found.f1, Measures)
    assert math.isnan(found.f1.of(2).value)
    assert found.f1.of(0).value == 1.0


def test_brier_parts_sum_to_the_brier_score() -> None:
    """By their definition, on frames in general position."""
    frames = simulated.calibrated(3_000, 4, np.random.default_rng(6))

    found = report(frames.probs, frames.labels, n_draws=100)

    parts = found.brier_parts
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(found.brier.value, abs=1e-14)
    # What is within bins of a fifteenth is small beside what is between them.
    assert abs(parts.within) < 0.02


def test_single_precision_gives_nearly_the_same_report() -> None:
    """Probabilities rounded to 24 bits: metrics move by their rounding."""
    frames = simulated.by_subject(6, 100, 5, np.random.default_rng(7))

    double = report(frames.probs, frames.labels, frames.subjects)
    single = report(frames.probs.astype(np.float32), frames.labels, frames.subjects)

    for name, measure in _measures(double).items():
        assert getattr(single, name) == pytest.approx(measure, abs=1e-5), name
