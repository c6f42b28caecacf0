"""What is wrong with a recording is found, counted and blanked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models import chance
from models.recordings.device import Device, device
from models.recordings.findings import inspect, measured
from models.shapes import Array


def read(times: Array, readings: Array) -> Device:
    """Read channels of no unit."""
    n_channels = readings.shape[1]
    names = tuple(f"c{i}" for i in range(n_channels))
    return device("x", times, readings, names, ("1",) * n_channels)


def noise(n_rows: int, n_channels: int = 2) -> Array:
    """Draw readings (T, C), no two alike."""
    return chance.stream(1, "readings").normal(size=(n_rows, n_channels))


def test_a_good_recording_has_nothing() -> None:
    """Its period is told."""
    found = inspect(read(np.arange(50) / 100.0, noise(50)))

    assert found.period_s == pytest.approx(0.01)
    assert not any(len(each) for each in found[1:])


def test_gaps_repeats_and_steps_back_are_found() -> None:
    """By row; what goes back does not hide the gap around it."""
    times = np.array([0, 1, 2, 2, 3, 4, 2.5, 3.5, 5, 9, 10, 11.0])

    found = inspect(read(times, noise(12)))

    np.testing.assert_array_equal(found.repeated, [3])
    np.testing.assert_array_equal(found.backward, [6, 7])
    np.testing.assert_array_equal(found.gaps, [[8, 9]])
    kept = measured(read(times, noise(12)), found)
    np.testing.assert_array_equal(kept.times, [0, 1, 2, 3, 4, 5, 9, 10, 11])
    assert (np.diff(kept.times) > 0.0).all()


def test_missing_stuck_and_cut_off_readings_are_found_and_blanked() -> None:
    """By channel and rows; a value that repeats by chance is not stuck."""
    readings = noise(40)
    readings[5:8, 0] = np.nan
    readings[10:20, 1] = 0.25
    readings[30:33, 1] = 0.5
    readings[35:37, 0] = -4.0
    one = read(np.arange(40.0), readings)

    found = inspect(one, flat_s=10.0, full_scale=(4.0, 8.0))

    np.testing.assert_array_equal(found.missing, [[0, 5, 8]])
    np.testing.assert_array_equal(found.flat, [[1, 10, 20]])
    np.testing.assert_array_equal(found.saturated, [[0, 35, 37]])
    left = measured(one, found).readings
    assert np.isnan(left[10:20, 1]).all()
    assert np.isnan(left[35:37, 0]).all()
    assert np.isnan(left).sum() == 3 + 10 + 2


def test_a_device_that_never_moves_measured_nothing() -> None:
    """All of it is stuck, and blanked."""
    one = read(np.arange(30.0), np.ones((30, 1)))

    found = inspect(one, flat_s=5.0)

    np.testing.assert_array_equal(found.flat, [[0, 0, 30]])
    assert np.isnan(measured(one, found).readings).all()


@settings(deadline=None)
@given(data=st.data())
def test_spans_tell_every_missing_reading(data: st.DataObject) -> None:
    """Written out again they are the NaN that were there."""
    shape = data.draw(st.tuples(st.integers(0, 12), st.integers(1, 3)))
    gone = data.draw(hnp.arrays(np.bool_, shape))

    found = inspect(read(np.arange(float(shape[0])), np.where(gone, np.nan, 1.0)))

    spelt = np.zeros(shape, dtype=np.bool_)
    for channel, first, last in found.missing:
        assert first < last
        assert not spelt[first:last, channel].any()
        spelt[first:last, channel] = True
    np.testing.assert_array_equal(spelt, gone)


@pytest.mark.parametrize("n_rows", [0, 1])
def test_almost_nothing_has_no_period(n_rows: int) -> None:
    """And nothing is wrong with it but that."""
    found = inspect(read(np.arange(float(n_rows)), noise(n_rows)))

    assert np.isnan(found.period_s)
    assert not any(len(each) for each in found[1:])


@pytest.mark.parametrize("flat_s", [0.0, -1.0, np.nan, np.inf])
def test_stuck_takes_some_time(flat_s: float) -> None:
    """A positive number of seconds."""
    with pytest.raises(ValueError, match=r"flat_s is .* wanted a positive number"):
        inspect(read(np.arange(3.0), noise(3)), flat_s=flat_s)


def test_a_scale_must_be_said_for_each_channel() -> None:
    """Positive, and as many as channels."""
    with pytest.raises(ValueError, match="wanted a positive number for each"):
        inspect(read(np.arange(3.0), noise(3)), full_scale=(1.0,))
