"""A device's declared units are converted, and contradicted by gravity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import chance
from models.recordings.device import GRAVITY, Device, device
from models.recordings.units import check_units
from models.shapes import Array

CHANNELS = ("ax", "ay", "az", "gx", "gy", "gz")
RATE = 50.0


def motion(turns: float = 1.0) -> tuple[Array, Array]:
    """Give times (T,) and m/s^2 and rad/s (T, 6): 4 s of rest, then slow rolling."""
    times = np.arange(0.0, 24.0, 1.0 / RATE)
    speed = turns * np.where(times < 4.0, 0.0, np.sin(0.5 * (times - 4.0)))
    angle = np.cumsum(speed) / RATE
    read = np.zeros((len(times), 6))
    read[:, 1] = GRAVITY * np.sin(angle)
    read[:, 2] = GRAVITY * np.cos(angle)
    read[:, 3] = speed
    return times, read + chance.stream(1, "noise").normal(0.0, 0.02, read.shape)


def written(acceleration: str, rotation: str, factors: tuple[float, float]) -> Device:
    """Write the motion down in some units, and declare these."""
    times, read = motion()
    units = (acceleration,) * 3 + (rotation,) * 3
    return device("collar", times, read * np.repeat(factors, 3), CHANNELS, units)


@pytest.mark.parametrize(
    ("acceleration", "rotation", "factors"),
    [
        ("m/s^2", "rad/s", (1.0, 1.0)),
        ("g", "deg/s", (1.0 / GRAVITY, 180.0 / np.pi)),
        ("mg", "rad/s", (1000.0 / GRAVITY, 1.0)),
    ],
)
def test_declared_units_are_converted(
    acceleration: str, rotation: str, factors: tuple[float, float]
) -> None:
    """To SI, and gravity agrees: its norm at rest, and how fast it turns."""
    found = written(acceleration, rotation, factors)

    said = check_units(found)

    assert found.units == ("m/s^2",) * 3 + ("rad/s",) * 3
    np.testing.assert_allclose(found.readings, motion()[1], rtol=1e-12)
    assert said.norm == pytest.approx(GRAVITY, rel=0.01)
    assert said.rest[1] <= 4 * RATE
    assert said.turning == pytest.approx(1.0, abs=0.1)


def test_metres_declared_as_g_are_refused() -> None:
    """The channel, the rows of the rest, and what it must be, are named."""
    wanted = (
        r"device 'collar', channel 'ax': declared g, but at rest \(rows \d+ to \d+\) "
        r"the norm is 9.81: that is m/s\^2"
    )
    with pytest.raises(ValueError, match=wanted):
        check_units(written("g", "rad/s", (1.0, 1.0)))


def test_g_declared_as_metres_are_refused() -> None:
    """And the other way round."""
    with pytest.raises(ValueError, match=r"declared m/s\^2.* the norm is 1: that is g"):
        check_units(written("m/s^2", "rad/s", (1.0 / GRAVITY, 1.0)))


def test_an_acceleration_without_gravity_is_refused() -> None:
    """Someone took gravity away: no unit makes half a gravity one."""
    with pytest.raises(ValueError, match="no unit makes that one gravity"):
        check_units(written("m/s^2", "rad/s", (0.5, 1.0)))


def test_degrees_declared_as_radians_are_refused() -> None:
    """57 degrees a second turn gravity by one radian a second, not by 57."""
    with pytest.raises(ValueError, match=r"'gx': declared rad/s.*that is deg/s"):
        check_units(written("m/s^2", "rad/s", (1.0, 180.0 / np.pi)))


def test_radians_declared_as_degrees_are_refused() -> None:
    """The numbers are small enough; only gravity shows it."""
    with pytest.raises(ValueError, match=r"'gx': declared deg/s.*that is rad/s"):
        check_units(written("m/s^2", "deg/s", (1.0, 1.0)))


def test_what_no_gyroscope_measures_is_refused_by_row() -> None:
    """2000 declared as rad/s."""
    times, read = motion()
    read[77, 4] = -2000.0

    with pytest.raises(
        ValueError, match=r"channel 'gy', row 77: declared rad/s, but 20"
    ):
        check_units(device("x", times, read, CHANNELS, ("m/s^2",) * 3 + ("rad/s",) * 3))


def test_times_of_another_unit_are_converted_or_refused() -> None:
    """Milliseconds as said; milliseconds taken for seconds are 0.05 Hz."""
    times, read = motion()
    units = ("m/s^2",) * 3 + ("rad/s",) * 3

    said = device("x", 1000.0 * times, read, CHANNELS, units, times_in="ms")

    np.testing.assert_allclose(said.times, times, rtol=1e-12)
    with pytest.raises(ValueError, match=r"step by 20 s, which is 0.05 Hz"):
        check_units(device("x", 1000.0 * times, read, CHANNELS, units))
    with pytest.raises(ValueError, match="times are in 'h': wanted s, ms"):
        device("x", times, read, CHANNELS, units, times_in="h")


def test_without_rest_or_turning_nothing_is_said() -> None:
    """Shaking all the time, and too short a recording: NaN, and no refusal."""
    times, read = motion()
    read += 30.0 * chance.stream(2, "shaking").normal(size=read.shape)
    units = ("g",) * 3 + ("rad/s",) * 3

    shaken = check_units(device("x", times, read * 0.1, CHANNELS, units))
    short = check_units(device("x", times[:9], read[:9] * 0.1, CHANNELS, units))
    alone = check_units(device("x", times, read[:, :1], ("t",), ("1",)))

    for said in (shaken, short, alone):
        assert np.isnan(said.norm)
        assert np.isnan(said.turning)


T3 = np.arange(3.0)
REFUSED: tuple[tuple[str, Any, Any, Any, str], ...] = (
    ("objects", T3, np.full((3, 1), None), ("1",), "readings are of type object"),
    ("text", np.array(["a"]), np.ones((1, 1)), ("1",), "times are of type <U1"),
    ("shape", T3, np.ones((2, 1)), ("1",), r"shape \(3,\) and readings \(2, 1\)"),
    (
        "time",
        np.array([0, 1, np.inf]),
        np.ones((3, 1)),
        ("1",),
        "row 2 has the time inf",
    ),
    ("unit", T3, np.ones((3, 1)), ("furlong",), "wanted one for each, of m/s"),
    ("units", T3, np.ones((3, 1)), ("1", "1"), "wanted one for each"),
)


@pytest.mark.parametrize(
    ("times", "readings", "units", "says"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_what_is_no_recording_is_refused(
    times: Any, readings: Any, units: Any, says: str
) -> None:
    """With what was found and what was wanted."""
    with pytest.raises(ValueError, match=says):
        device("collar", times, readings, ("c",), units)


def test_integers_are_read_and_infinities_are_not_measured() -> None:
    """A converter's counts are numbers; inf is none."""
    found = device("x", [0, 1], np.array([[1], [2]], dtype=np.int16), ("c",), ("1",))
    other = device("x", [0, 1], [[np.inf], [1.0]], ("c",), ("1",))

    np.testing.assert_array_equal(found.readings, [[1.0], [2.0]])
    np.testing.assert_array_equal(other.readings, [[np.nan], [1.0]])


def test_names_in_a_list_and_readings_beyond_all_numbers_are_taken() -> None:
    """They are tuples then; and what overflows in SI was not measured."""
    found = device("x", [0, 1], [[1e308], [1.0]], ["c"], ["g"])

    assert (found.channels, found.declared) == (("c",), ("g",))
    np.testing.assert_array_equal(found.readings, [[np.nan], [GRAVITY]])
