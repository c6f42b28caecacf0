"""One recording as its files hold it, before anything is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from models.recordings.clocks import Clock
from models.recordings.labels import UNLABELLED, labelled
from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.recordings.device import Device
    from models.shapes import Array, IntArray

# In any SI unit: ten thousand g, a hundred thousand rad/s or tesla.
MOST = 1e5
SENSORS = ("accelerometer", "gyroscope", "magnetometer")


class Truth(Protocol):
    """Whatever can say what was done when."""

    def at(self, seconds: Array) -> IntArray:
        """Give the behaviour at times (T,) of the common clock, -1 where not known."""
        ...


class Spoken(NamedTuple):
    """A label for each row: times (N,), numbers (N,); good for `within_s` around."""

    times: Array
    numbers: IntArray
    within_s: float

    def at(self, seconds: Array) -> IntArray:
        """Give the label of the nearest row."""
        return labelled(seconds, self.times, self.numbers, self.within_s)


class Stretches(NamedTuple):
    """Labels of stretches in order and apart: begin (N,), end (N,), numbers (N,)."""

    begin: Array
    end: Array
    numbers: IntArray

    def at(self, seconds: Array) -> IntArray:
        """Give the label of the stretch that holds each time; its end is outside."""
        if not len(self.begin):
            return np.full(len(seconds), UNLABELLED)
        last = np.searchsorted(self.begin, seconds + 1e-9, side="right") - 1
        is_in = (last >= 0) & (seconds + 1e-9 < self.end[last])
        return np.where(is_in, self.numbers[last], UNLABELLED)


class Worn(NamedTuple):
    """What one device measured, and where its columns belong.

    channels: of each column, which of the nine it is
    full_scale: the end of each column's scale, SI; None: not known
    """

    device: Device
    channels: tuple[int, ...]
    clock: Clock = Clock()
    full_scale: tuple[float, ...] | None = None


class Measured(NamedTuple):
    """One recording of one subject.

    worn: of each place, or None where nothing was worn
    """

    subject: str
    name: str
    worn: tuple[Worn | None, ...]
    truth: Truth


def believable(made: Device, row: Callable[[int], str]) -> Device:
    """Give a device that reads what can be; refuse it by its row if it does not.

    row: the name of a row in messages.
    """
    with np.errstate(invalid="ignore"):
        beyond = np.abs(made.readings) > MOST
    if beyond.any():
        at, channel = (int(i) for i in np.argwhere(beyond)[0])
        reason = (
            f"{made.channels[channel]} reads {made.readings[at, channel]:.3g} "
            f"{made.units[channel]}, which nothing that is worn does"
        )
        raise Unreadable(row(at), reason, "leave the cell empty where nothing was read")
    return made
