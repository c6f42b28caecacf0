"""The diagram shows the same bins that the errors are made of."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration import bins, mass
from models.calibration.reliability import reliability
from tests.models.calibration import simulated


@pytest.mark.parametrize("equal_mass", [False, True])
def test_the_error_can_be_read_off_the_diagram(*, equal_mass: bool) -> None:
    """Weight times |confidence - accuracy|, summed over its bars."""
    frames = simulated.calibrated(2_000, 4, np.random.default_rng(1))

    found = reliability(frames.probs, frames.labels, equal_mass=equal_mass)

    gap = np.abs(found.confidence - found.accuracy.value)
    error = np.nansum(found.frames / 2_000 * gap)
    wanted = (mass.adaptive_ece if equal_mass else bins.ece)(
        frames.probs, frames.labels
    )
    assert error == pytest.approx(wanted, abs=1e-14)
    assert found.frames.sum() == 2_000
    assert len(found.edges) == len(found.frames) + 1


def test_a_bin_without_frames_is_not_drawn_as_zero() -> None:
    """Its confidence and accuracy are nan, and its accuracy could be anything."""
    found = reliability(np.array([[0.9, 0.1]]), np.array([0]), n_bins=4)

    np.testing.assert_array_equal(found.frames, [0, 0, 0, 1])
    assert np.isnan(found.confidence[:3]).all()
    assert np.isnan(found.accuracy.value[:3]).all()
    np.testing.assert_array_equal(found.accuracy.low[:3], 0.0)
    np.testing.assert_array_equal(found.accuracy.high[:3], 1.0)


def test_every_bar_holds_the_confidence_of_calibrated_frames() -> None:
    """At level .999, of 15 bars: one would stand off once in 70 runs; seed fixed."""
    frames = simulated.calibrated(5_000, 4, np.random.default_rng(2))

    found = reliability(frames.probs, frames.labels, level=0.999)

    used = found.frames > 0
    assert (found.accuracy.low[used] <= found.confidence[used]).all()
    assert (found.accuracy.high[used] >= found.confidence[used]).all()


def test_bars_over_subjects_are_less_sure() -> None:
    """Frames of one subject fare alike: most bars are wider than frames would make.

    Over seeds the median bar is wider by 2.2, with a deviation of .25.
    """
    frames = simulated.by_subject(30, 300, 4, np.random.default_rng(3))

    alone = reliability(frames.probs, frames.labels).accuracy
    together = reliability(frames.probs, frames.labels, frames.subjects).accuracy

    wider = (together.high - together.low) / (alone.high - alone.low)
    assert np.nanmedian(wider) > 1.3
