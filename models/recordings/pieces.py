"""Readings on an even grid of time, in pieces; what was not measured is in none.

    short gaps   are bridged by a straight line, and said to be
    long gaps    end a piece, and are never bridged
    rates        are lowered through a filter, never by leaving readings out

Frame n of a grid is the time n / rate_hz of the common clock, in all pieces and all
devices, so that pieces of two devices can be laid side by side.

Between readings a cubic spline, which allows for a clock that is uneven; then, where
the rate is lowered, a symmetric filter (Kaiser, 60 dB) on a grid of some multiple of
the rate. Amplitudes are right to 0.5 % up to 0.4 of the new rate and 0.2 of the old
one; what would fold back below 0.4 of the new rate is 60 dB down. Frames for which the
filter would need readings beyond the piece's ends are left out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import interpolate, signal

from models.recordings.clocks import Clock
from models.recordings.device import Device
from models.recordings.findings import LATE
from models.recordings.spans import meet

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray

ATTENUATION_DB = 60.0
PASS, STOP = 0.4, 0.6  # of the new rate
ROUNDING = 1e-3  # frames: what lies on the grid but for rounding lies on it
SAME_RATE = 0.01  # a clock's error: so little is not lowered


class Piece(NamedTuple):
    """Frames without a hole.

    first: the number of its first frame on the grid
    frames  (T, C): the readings
    bridged (T,): which lie in a short gap that was bridged, or within a frame of one
    """

    first: int
    frames: Array
    bridged: BoolArray


def pieces(
    read: Device, rate_hz: float, *, bridge_s: float = 0.05, clock: Clock | None = None
) -> tuple[Piece, ...]:
    """Bring a device's readings to `rate_hz`, gaps of up to `bridge_s` bridged.

    The rows must be in order of time (findings.measured makes them so); NaN is a gap.
    A device with fewer than two readings in a row gives no piece.
    """
    if not (0.0 < rate_hz < math.inf and bridge_s >= 0.0):
        message = f"rate_hz is {rate_hz} and bridge_s {bridge_s}: wanted positive"
        raise ValueError(message)
    times = (clock or Clock()).common(read.times)
    steps = np.diff(times)
    if not (steps > 0.0).all():
        row = int((steps > 0.0).argmin()) + 1
        message = (
            f"device {read.name!r}, row {row}: its time, {times[row]}, does not come "
            f"behind that of the row before, {times[row - 1]}: take findings.measured "
            "first, and a clock that goes forward"
        )
        raise ValueError(message)
    if len(times) < 2 or not len(read.channels):
        return ()
    period = float(np.median(steps))
    whole = max(bridge_s, LATE * period)
    channels = [
        _Channel(times[kept], column[kept])
        for column in read.readings.T
        for kept in [~np.isnan(column)]
    ]
    found = (
        _piece(channels, float(low), float(high), rate_hz, period)
        for low, high in meet([channel.stretches(whole) for channel in channels])
    )
    return tuple(piece for piece in found if len(piece.frames))


class _Channel(NamedTuple):
    """What one channel measured: times (M,), values (M,)."""

    times: Array
    values: Array

    def stretches(self, whole: float) -> Array:
        """Give from .. to (N, 2) of what has no step longer than `whole`."""
        if not len(self.times):
            return np.zeros((0, 2))
        ends = np.flatnonzero(np.diff(self.times) > whole * (1.0 + 1e-9))
        first, last = np.r_[0, ends + 1], np.r_[ends, len(self.times) - 1]
        return np.stack([self.times[first], self.times[last]], axis=1)

    def at(self, low: float, high: float, grid: Array, late: float) -> Array:
        """Give the values on a grid between two times of one stretch."""
        known = self._around(low, high)
        times, values = self.times[known], self.values[known]
        if len(times) < 4:
            straight: Array = np.interp(grid, times, values)
            return straight
        on_grid: Array = interpolate.CubicSpline(times, values)(grid)
        bridged = _between(grid, *self.bridges(low, high, late))
        on_grid[bridged] = np.interp(grid[bridged], times, values)
        return on_grid

    def bridges(self, low: float, high: float, late: float) -> tuple[Array, Array]:
        """Give begins and ends of the steps that are longer than `late`."""
        times = self.times[self._around(low, high)]
        gap = np.flatnonzero(np.diff(times) > late)
        return times[gap], times[gap + 1]

    def _around(self, low: float, high: float) -> slice:
        """Give the readings from the last one before to the first one behind."""
        first = int(np.searchsorted(self.times, low, side="right")) - 1
        return slice(first, int(np.searchsorted(self.times, high)) + 1)


def _piece(
    channels: list[_Channel], low: float, high: float, rate_hz: float, period: float
) -> Piece:
    """Put what lies between two times on the grid."""
    times_finer = max(1, math.ceil(1.0 / (period * rate_hz) - SAME_RATE))
    fine_hz = rate_hz * times_finer
    number = np.arange(
        math.ceil(low * fine_hz - ROUNDING), math.floor(high * fine_hz + ROUNDING) + 1
    )
    grid, late = np.clip(number / fine_hz, low, high), LATE * period
    fine = np.stack([each.at(low, high, grid, late) for each in channels], axis=1)
    first, frames = _lowered(number, fine, times_finer)
    at = np.arange(first, first + len(frames)) / rate_hz
    bridged = np.zeros(len(frames), dtype=np.bool_)
    for each in channels:
        begin, end = each.bridges(low, high, late)
        bridged |= _between(at, begin - 1.0 / rate_hz, end + 1.0 / rate_hz)
    return Piece(first, frames, bridged)


def _lowered(number: IntArray, fine: Array, times_finer: int) -> tuple[int, Array]:
    """Filter frames (T', C) of a finer grid and keep one of each `times_finer`."""
    if times_finer == 1:
        return int(number[0]) if len(number) else 0, fine
    n_taps, beta = signal.kaiserord(ATTENUATION_DB, 2.0 * (STOP - PASS) / times_finer)
    n_taps += 1 - n_taps % 2  # a middle, and so no delay
    if len(fine) < n_taps:
        return 0, fine[:0]
    cutoff = (PASS + STOP) / times_finer
    taps = signal.firwin(n_taps, cutoff, window=("kaiser", beta))
    smooth = signal.oaconvolve(fine, taps[:, None], mode="valid", axes=0)
    centre = int(number[0]) + n_taps // 2
    offset = -centre % times_finer
    return (centre + offset) // times_finer, smooth[offset::times_finer]


def _between(times: Array, begin: Array, end: Array) -> BoolArray:
    """Say which times (T,) lie strictly within one of some stretches, in order."""
    within: BoolArray = np.searchsorted(begin, times) > np.searchsorted(
        end, times, side="right"
    )
    return within
