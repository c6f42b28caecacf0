"""What one device wrote down, checked at the door and brought to SI units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.shapes import Array

GRAVITY = 9.80665  # m/s^2, by definition

# What a unit is called here, and how much of it one of the declared unit is.
SI = {
    "m/s^2": ("m/s^2", 1.0),
    "g": ("m/s^2", GRAVITY),
    "mg": ("m/s^2", GRAVITY / 1000.0),
    "rad/s": ("rad/s", 1.0),
    "deg/s": ("rad/s", math.pi / 180.0),
    "T": ("T", 1.0),
    "uT": ("T", 1e-6),
    "gauss": ("T", 1e-4),
    "1": ("1", 1.0),
}


SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


class Device(NamedTuple):
    """The readings of one device, in SI units; T rows of C channels.

    name, channels: what it and its channels are called
    units: of each channel, SI
    declared: of each channel, what the file said
    times    (T,): seconds of its own clock, in the order of the file
    readings (T, C): NaN where nothing was measured
    """

    name: str
    channels: tuple[str, ...]
    units: tuple[str, ...]
    declared: tuple[str, ...]
    times: Array
    readings: Array


def device(
    name: str,
    times: npt.ArrayLike,
    readings: npt.ArrayLike,
    channels: Sequence[str],
    units: Sequence[str],
    *,
    times_in: str = "s",
) -> Device:
    """Check times (T,) and readings (T, C) and convert them from the declared units.

    Rows may be out of order, repeated or NaN: that is found later, not refused here. An
    infinite reading is none, and becomes NaN. Raise ValueError for other shapes and
    types, for times that are not numbers, and for units nobody knows.
    """
    read, when = _numbers(name, "readings", readings), _numbers(name, "times", times)
    if when.ndim != 1 or read.shape != (len(when), len(channels)):
        message = (
            f"device {name!r}: times have shape {when.shape} and readings "
            f"{read.shape}: wanted (T,) and (T, {len(channels)})"
        )
        raise ValueError(message)
    if not np.isfinite(when).all():
        row = int((~np.isfinite(when)).argmax())
        message = f"device {name!r}: row {row} has the time {when[row]}"
        raise ValueError(message)
    if len(units) != len(channels) or set(units) - set(SI):
        message = (
            f"device {name!r}: units are {units} for the channels {channels}: wanted "
            f"one for each, of {', '.join(SI)}"
        )
        raise ValueError(message)
    if times_in not in SECONDS:
        message = (
            f"device {name!r}: times are in {times_in!r}: wanted {', '.join(SECONDS)}"
        )
        raise ValueError(message)
    si, factors = zip(*(SI[unit] for unit in units), strict=True) if units else ((), ())
    with np.errstate(over="ignore"):
        scaled = read * np.array(factors)
    scaled[~np.isfinite(scaled)] = np.nan
    seconds = when * SECONDS[times_in]
    return Device(name, tuple(channels), si, tuple(units), seconds, scaled)


def _numbers(name: str, what: str, values: npt.ArrayLike) -> Array:
    """Refuse whatever is not real numbers: objects, text, truth values."""
    given = np.asarray(values)
    if given.dtype.kind not in "fiu":
        message = f"device {name!r}: {what} are of type {given.dtype}: wanted numbers"
        raise ValueError(message)
    return given.astype(np.float64)
