"""Two families beside each other: what either says, added up."""

from __future__ import annotations

import numpy as np
import pytest

from models.hdp.beside import Beside
from models.hdp.components import Categorical
from models.hdp.gaussian import Gaussian
from models.shapes import Array

PLACES = np.random.default_rng(0).standard_normal((6, 2))
COUNTS = np.random.default_rng(1).integers(0, 4, (6, 3)).astype(np.float64)
ONE, OTHER = Gaussian.around(PLACES), Categorical(0.5)
BOTH = Beside.of(ONE, OTHER, PLACES)


def summed(family: Gaussian | Categorical | Beside, points: Array) -> Array:
    """Give statistics of one cluster of all points."""
    found: Array = family.statistics(points).sum(axis=0, keepdims=True)
    return found


def test_evidence_and_prediction_are_those_of_both() -> None:
    """Neither kind of features tells anything of the other."""
    points = BOTH.checked(np.hstack([PLACES, COUNTS]))
    one, other, both = (
        summed(ONE, PLACES),
        summed(OTHER, COUNTS),
        summed(BOTH, points),
    )

    evidence = ONE.log_evidence(one) + OTHER.log_evidence(other)
    said = ONE.log_predictive(PLACES, one) + OTHER.log_predictive(COUNTS, other)

    assert np.allclose(BOTH.log_evidence(both), evidence)
    assert np.allclose(BOTH.log_predictive(points, both), said)


def test_parameters_are_drawn_one_family_after_the_other() -> None:
    """From the same stream, so that a seed says all."""
    points, rng = np.hstack([PLACES, COUNTS]), np.random.default_rng(2)
    one, other = summed(ONE, PLACES), summed(OTHER, COUNTS)

    drawn = BOTH.log_drawn(points, summed(BOTH, points), np.random.default_rng(2))

    wanted = ONE.log_drawn(PLACES, one, rng) + OTHER.log_drawn(COUNTS, other, rng)
    assert np.allclose(drawn, wanted)


def test_counts_below_zero_are_refused() -> None:
    """Fractions are none: a count may weigh less than one."""
    points = np.hstack([PLACES, 0.5 * COUNTS])
    assert np.array_equal(BOTH.checked(points), points)
    points[3, 4] = -1.0

    with pytest.raises(ValueError, match="below zero"):
        BOTH.checked(points)
