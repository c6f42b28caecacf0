"""Whether the units are what was declared: gravity knows.

A device at rest reads one gravity, and when it turns, gravity turns against it as fast
as the gyroscope says. The first tells g from m/s^2, the second rad/s from deg/s. A
recording without rest, or without turning, cannot be judged, and is not refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.recordings.device import GRAVITY, SI, Device

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

REST_S = 1.0
STEADY = 0.05  # deviation of the acceleration at rest, of its mean
WITHIN = 0.15  # of gravity: a cheap sensor's gain and offset
SLOWEST_HZ, QUICKEST_HZ = 1.0, 20_000.0  # of anything that is worn
FASTEST = 70.0  # rad/s: twice the range of a gyroscope of 2000 deg/s
SLOW_S = 0.2  # what is faster than this is shaking, not turning


class Units(NamedTuple):
    """What gravity says. NaN where it says nothing.

    norm: of the acceleration at rest, m/s^2, as declared
    rest: first row and the row behind the last of that rest
    turning: how fast gravity turns, over what the gyroscope says: about 1
    """

    norm: float
    rest: tuple[int, int]
    turning: float


def check_units(read: Device) -> Units:
    """Compare the first accelerometer and gyroscope with gravity.

    Raise ValueError, with channel and rows, where they contradict what was declared.
    """
    acceleration, gyroscope = triad(read, "m/s^2"), triad(read, "rad/s")
    norm, rest, turning = float("nan"), (0, 0), float("nan")
    _check_rate(read)
    if gyroscope is not None:
        _check_speed(read, gyroscope)
    if acceleration is not None:
        norm, rest = _at_rest(read, acceleration)
        _check_norm(read, acceleration, norm, rest)
    if acceleration is not None and gyroscope is not None:
        turning = _turning(read, acceleration, gyroscope)
        _check_turning(read, gyroscope, turning)
    return Units(norm, rest, turning)


def triad(read: Device, unit: str) -> IntArray | None:
    """Give the first three channels that have this unit, or None."""
    found = np.flatnonzero([each == unit for each in read.units])[:3]
    return found if len(found) == 3 else None


def _rate(read: Device) -> float:
    """Give rows a second, by the median."""
    steps = np.diff(read.times)
    steps = steps[steps > 0.0]
    return float(1.0 / np.median(steps)) if len(steps) else 0.0


def _check_rate(read: Device) -> None:
    """Refuse times that cannot be seconds."""
    rate = _rate(read)
    if rate and not SLOWEST_HZ <= rate <= QUICKEST_HZ:
        message = (
            f"device {read.name!r}: its times step by {1.0 / rate:.3g} s, which is "
            f"{rate:.3g} Hz: wanted {SLOWEST_HZ:g} to {QUICKEST_HZ:g} Hz; are they in "
            "another unit?"
        )
        raise ValueError(message)


def _at_rest(read: Device, columns: IntArray) -> tuple[float, tuple[int, int]]:
    """Give the mean norm of the stillest second, and its rows."""
    width = max(2, round(REST_S * _rate(read)))
    if len(read.times) < width:
        return float("nan"), (0, 0)
    view = np.lib.stride_tricks.sliding_window_view(
        read.readings[:, columns], width, axis=0
    )[:: width // 2]
    mean = np.linalg.norm(view.mean(axis=2), axis=1)
    moving = np.sqrt(view.var(axis=2).sum(axis=1))
    # A device that reads one value, bit for bit, is stuck and not at rest.
    unfit = ~(np.isfinite(moving) & (moving > 0.0))
    moving[unfit], mean[unfit] = np.inf, 1.0
    best = int((moving / mean).argmin())
    if moving[best] > STEADY * mean[best]:
        return float("nan"), (0, 0)
    first = best * (width // 2)
    return float(mean[best]), (first, first + width)


def _check_norm(
    read: Device, columns: IntArray, norm: float, rest: tuple[int, int]
) -> None:
    """Refuse a rest at which there is not one gravity."""
    if np.isnan(norm) or abs(norm / GRAVITY - 1.0) <= WITHIN:
        return
    declared = read.declared[columns[0]]
    plain = norm / SI[declared][1]
    fits = [
        unit
        for unit, (si, factor) in SI.items()
        if si == "m/s^2" and abs(plain * factor / GRAVITY - 1.0) <= WITHIN
    ]
    verdict = f"that is {fits[0]}" if fits else "no unit makes that one gravity"
    message = (
        f"device {read.name!r}, channel {read.channels[columns[0]]!r}: declared "
        f"{declared}, but at rest (rows {rest[0]} to {rest[1]}) the norm is "
        f"{plain:.3g}: {verdict}"
    )
    raise ValueError(message)


def _check_speed(read: Device, columns: IntArray) -> None:
    """Refuse turning that no gyroscope can measure."""
    speed = np.abs(read.readings[:, columns])
    if (speed > FASTEST).any():
        row, column = (int(i) for i in np.argwhere(speed > FASTEST)[0])
        channel = int(columns[column])
        factor = SI[read.declared[channel]][1]
        message = (
            f"device {read.name!r}, channel {read.channels[channel]!r}, row {row}: "
            f"declared {read.declared[channel]}, but {speed[row, column] / factor:.4g} "
            f"is more than {FASTEST / factor:.4g}, which no gyroscope measures"
        )
        raise ValueError(message)


def _turning(read: Device, acceleration: IntArray, gyroscope: IntArray) -> float:
    """Fit c in d(gravity)/dt = -c (rotation x gravity); NaN where it fits badly."""
    rate = _rate(read)
    width = max(1, round(SLOW_S * rate))
    rows = np.isfinite(read.readings).all(axis=1)
    if rows.sum() < 10 * width:
        return float("nan")
    gravity = _smooth(read.readings[rows][:, acceleration], width)
    gravity /= np.maximum(np.linalg.norm(gravity, axis=1, keepdims=True), 1e-9)
    said = -np.cross(_smooth(read.readings[rows][:, gyroscope], width), gravity)
    done = np.gradient(gravity, 1.0 / rate, axis=0)
    both = float((said * done).sum())
    size, other = float((said**2).sum()), float((done**2).sum())
    if min(size, other) == 0.0 or both < 0.8 * np.sqrt(size * other):
        return float("nan")
    return both / size


def _smooth(values: Array, width: int) -> Array:
    """Give the running means of `width` rows (T, 3)."""
    summed = np.cumsum(np.pad(values, ((1, 0), (0, 0))), axis=0)
    means: Array = (summed[width:] - summed[:-width]) / width
    return means


def _check_turning(read: Device, columns: IntArray, turning: float) -> None:
    """Refuse a gyroscope that is off by about 57, the degrees of a radian."""
    if np.isnan(turning) or 1 / 7.5 < turning < 7.5:
        return
    message = (
        f"device {read.name!r}, channel {read.channels[columns[0]]!r}: declared "
        f"{read.declared[columns[0]]}, but gravity turns {turning:.3g} times as fast: "
        f"that is {'rad/s' if turning > 1.0 else 'deg/s'}"
    )
    raise ValueError(message)
