"""What cannot be used is refused, by name and by place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.calibration import (
    bins,
    classwise,
    conformity,
    mass,
    reliability,
    report,
    sets,
    temperature,
    threshold,
    uncertainty,
    verdict,
)

GOOD = np.full((2, 3, 4), 0.25)
LABELS = np.zeros((2, 3), dtype=np.int64)


def _with(value: float, dtype: type[np.floating] = np.float64) -> np.ndarray:
    """GOOD with a value at frame (1, 2), class 3."""
    probs = GOOD.astype(dtype)
    probs[1, 2, 3] = value
    return probs


PROBABILITIES = [
    ("nan", _with(np.nan), r"probs holds nan at \(1, 2, 3\): it must be finite"),
    ("infinity", _with(np.inf), r"probs holds inf at \(1, 2, 3\): it must be finite"),
    ("negative", _with(-0.1), r"probs holds -0.1 at \(1, 2, 3\): it must not be neg"),
    ("sum", _with(0.26), r"probs sums to 1.01 at frame \(1, 2\): it must be 1 within"),
    (
        "single nan",
        _with(np.nan, np.float32),
        r"probs holds nan at \(1, 2, 3\): it must be finite",
    ),
    (
        "whole numbers",
        GOOD.astype(int),
        "probs is int64: it must be float32 or float64",
    ),
    ("no frame", GOOD[:0], r"probs has shape \(0, 3, 4\): it must hold frames"),
    ("no class", GOOD[..., :0], r"probs has shape \(2, 3, 0\): it must hold frames"),
]

READERS: list[Callable[[np.ndarray, np.ndarray], object]] = [
    bins.by_width,
    mass.by_mass,
    classwise.by_class,
    verdict.verdicts,
    report.report,
    reliability.reliability,
    lambda probs, _: conformity.lac(probs),
    lambda probs, _: conformity.raps(probs),
    lambda probs, _: uncertainty.entropy(probs),
]


@pytest.mark.parametrize(
    ("probs", "message"),
    [row[1:] for row in PROBABILITIES],
    ids=[row[0] for row in PROBABILITIES],
)
@pytest.mark.parametrize("read", READERS)
def test_what_is_no_distribution_is_refused_by_every_reader(
    read: Callable[[np.ndarray, np.ndarray], object], probs: np.ndarray, message: str
) -> None:
    """The argument is named, and the first place, as the caller counts."""
    with pytest.raises(ValueError, match=message):
        read(probs, LABELS)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:1], r"labels has shape \(1, 3\): the frames have \(2, 3\)"),
        (LABELS - 1, r"labels holds -1 at \(0, 0\): it must lie in 0 .. 3"),
        (LABELS + 4, r"labels holds 4 at \(0, 0\): it must lie in 0 .. 3"),
        (LABELS + 0.0, "labels is float64: it must hold whole numbers"),
        (LABELS > 0, "labels is bool: it must hold whole numbers"),
    ],
    ids=["shape", "negative", "too large", "real", "boolean"],
)
@pytest.mark.parametrize("read", [*READERS[:6], temperature.fit])
def test_labels_that_do_not_fit_are_refused(
    read: Callable[[np.ndarray, np.ndarray], object], labels: np.ndarray, message: str
) -> None:
    """Shape, range and kind are checked against the probabilities."""
    with pytest.raises(ValueError, match=message):
        read(GOOD, labels)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_must_be_finite(value: float, dtype: type[np.floating]) -> None:
    """Nan and infinities are told by their place."""
    with pytest.raises(ValueError, match=r"logits holds -?(nan|inf) at \(1, 2, 3\)"):
        temperature.fit(_with(value, dtype), LABELS)


REFUSED: list[tuple[str, Callable[[], object], str]] = [
    (
        "groups of another shape",
        lambda: report.report(GOOD, LABELS, np.zeros(6, dtype=int)),
        r"groups has shape \(6,\): the frames have \(2, 3\)",
    ),
    (
        "real groups",
        lambda: report.report(GOOD, LABELS, np.zeros((2, 3))),
        "groups is float64: it must hold whole numbers or text",
    ),
    (
        "predictions out of range",
        lambda: report.report(GOOD, LABELS, predictions=LABELS + 7),
        "predictions holds 7",
    ),
    ("no bin", lambda: bins.ece(GOOD, LABELS, n_bins=0), "n_bins is 0"),
    (
        "nan bins",
        lambda: bins.ece(GOOD, LABELS, n_bins=float("nan")),  # type: ignore[arg-type]
        "n_bins is nan: it must be whole, from 1 on",
    ),
    ("level 1", lambda: report.report(GOOD, LABELS, level=1.0), "level is 1.0"),
    (
        "few draws",
        lambda: report.report(GOOD, LABELS, n_draws=10),
        "n_draws is 10: it must be whole, from 100 on",
    ),
    ("miss 0", lambda: threshold.split(np.ones(3), miss=0.0), "miss is 0.0"),
    (
        "nan scores",
        lambda: threshold.split(np.array([0.0, np.nan]), miss=0.1),
        r"scores holds nan at \(1,\)",
    ),
    (
        "no scores",
        lambda: threshold.split(np.empty(0), miss=0.1),
        r"scores has shape \(0,\)",
    ),
    (
        "share above 1",
        lambda: threshold.by_sequence(np.ones(3), np.arange(3), miss=0.1, share=1.1),
        "share is 1.1",
    ),
    ("nan limit", lambda: sets.within(GOOD, np.nan), "limit holds nan"),
    (
        "limits of another number",
        lambda: sets.within(GOOD, np.ones(3)),
        r"limit has shape \(3,\)",
    ),
    (
        "sets of numbers",
        lambda: sets.holds(GOOD, LABELS),
        "inside is float64",
    ),
    ("penalty below 0", lambda: conformity.raps(GOOD, penalty=-1.0), "penalty is -1.0"),
    (
        "bounds without 1",
        lambda: temperature.fit(GOOD, LABELS, bounds=(2.0, 3.0)),
        r"bounds are \(2.0, 3.0\)",
    ),
    (
        "negative weights",
        lambda: temperature.fit(GOOD, LABELS, weights=LABELS - 1.0),
        "weights must not be negative",
    ),
    (
        "logits beyond squaring",
        lambda: temperature.fit(GOOD * 1e300, LABELS),
        "logits hold 2.5e\\+299: wanted <= 1e\\+100",
    ),
    ("temperature 0", lambda: temperature.scaled(GOOD, 0.0), "temperature is 0.0"),
    (
        "samples without frames",
        lambda: uncertainty.uncertainty(np.ones(1)),
        r"samples has shape \(1,\)",
    ),
    (
        "nan samples",
        lambda: uncertainty.uncertainty(_with(np.nan)),
        r"samples holds nan at \(1, 2, 3\)",
    ),
    (
        "unit",
        lambda: uncertainty.entropy(GOOD, unit="hartleys"),  # type: ignore[arg-type]
        "unit is 'hartleys'",
    ),
]


@pytest.mark.parametrize(
    ("act", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_every_other_argument_is_checked(
    act: Callable[[], object], message: str
) -> None:
    """One message, which names the argument and what was found."""
    with pytest.raises(ValueError, match=message):
        act()


def test_a_fault_deep_in_a_large_array_is_found_at_its_place() -> None:
    """The place is that of the whole array, not of the block it was found in."""
    probs = np.full((70, 1_000, 4), 0.25, dtype=np.float32)
    probs[69, 998, 2] = np.nan

    with pytest.raises(ValueError, match=r"at \(69, 998, 2\)"):
        bins.ece(probs, np.zeros((70, 1_000), dtype=np.int64))


def test_a_sum_at_the_edge_is_accepted_or_refused_and_nothing_else() -> None:
    """The quick look and the close one add up in another order: the close one rules."""
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(300):
        row = rng.random((1, 20))
        row *= (1.0 + 1e-5) / row.sum()
        try:
            bins.ece(row, np.array([0]))
        except ValueError as error:
            refused += "sums to 1.00001" in str(error)

    assert 0 < refused < 300


def test_lists_are_taken_as_arrays() -> None:
    """Of a hurried caller: the same answers."""
    probs, labels, groups = [[0.75, 0.25], [0.5, 0.5]], [0, 1], ["rex", "ada"]

    found = report.report(probs, labels, groups)  # type: ignore[arg-type]
    outcome = sets.outcome([[True, False], [True, True]], labels)  # type: ignore[arg-type]

    assert found.accuracy.value == 0.5
    assert outcome.coverage.value == 1.0


def test_single_precision_may_miss_one_by_more_than_double() -> None:
    """Rows that went through half precision sum to 1 within 1e-3, and are accepted."""
    half = np.array([[0.3, 0.3, 0.3999]])

    assert bins.ece(half.astype(np.float32), np.array([2])) > 0.5
    with pytest.raises(ValueError, match=r"probs sums to 0\.9999"):
        bins.ece(half, np.array([2]))
