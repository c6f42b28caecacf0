"""Clocks that began elsewhere and go at another pace."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from models.shapes import Array


class Clock(NamedTuple):
    """common = offset_s + pace * own, in seconds.

    residual_s: the largest distance of an event from that line, when it was fitted
    """

    offset_s: float = 0.0
    pace: float = 1.0
    residual_s: float = 0.0

    def common(self, own: Array) -> Array:
        """Give the common time of times (T,) of this clock."""
        return self.offset_s + self.pace * own


def fitted(own: Array, common: Array) -> Clock:
    """Fit a clock to events that both clocks saw (N,), by least squares.

    One event gives the offset alone. Taps on both devices at the begin and the end of
    a recording do; what the line leaves over is told, and is for the caller to judge.
    """
    if own.shape != common.shape or own.ndim != 1 or not len(own):
        message = f"events have shapes {own.shape} and {common.shape}: wanted (N,) both"
        raise ValueError(message)
    if not (np.isfinite(own).all() and np.isfinite(common).all()):
        raise ValueError("events hold times that are no numbers")
    centre, spread = own.mean(), own - own.mean()
    pace = 1.0
    if (size := float(spread @ spread)) > 0.0:
        pace = float(spread @ (common - common.mean())) / size
    offset = float(common.mean() - pace * centre)
    if pace <= 0.0:
        message = f"events give a pace of {pace:.3g}: a clock goes forward"
        raise ValueError(message)
    left = float(np.abs(common - offset - pace * own).max())
    return Clock(offset, pace, left)


def lag_s(one: Array, other: Array, rate_hz: float, longest_s: float) -> float:
    """Give by how much `other` comes later than `one`, both (T,) on one grid.

    Where the correlation of what is left without their means is largest, refined by a
    parabola through its neighbours. Two places of one body really do move one after the
    other; use this for clocks only where a jolt reached both at once.
    """
    if one.shape != other.shape or one.ndim != 1 or len(one) < 3:
        message = f"signals have shapes {one.shape} and {other.shape}: wanted (T,) both"
        raise ValueError(message)
    if not (0.0 < rate_hz < np.inf and 0.0 <= longest_s < np.inf):
        message = f"rate_hz is {rate_hz} and longest_s {longest_s}: wanted positive"
        raise ValueError(message)
    if not (0.0 < np.ptp(one) < np.inf and 0.0 < np.ptp(other) < np.inf):
        raise ValueError("signals must be finite and move: else no lag is the best one")
    furthest = min(round(longest_s * rate_hz), len(one) - 1)
    size = 2 * len(one)
    spectrum = np.fft.rfft(other - other.mean(), size)
    spectrum *= np.fft.rfft(one - one.mean(), size).conj()
    likeness = np.roll(np.fft.irfft(spectrum, size), furthest)[: 2 * furthest + 1]
    best = int(likeness.argmax())
    within = 0.0
    if 0 < best < 2 * furthest:
        before, top, behind = likeness[best - 1 : best + 2]
        bend = before - 2.0 * top + behind
        within = float(0.5 * (before - behind) / bend) if bend < 0.0 else 0.0
    return (best - furthest + within) / rate_hz
