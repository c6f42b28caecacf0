"""From what devices measured to frames on one grid: nothing measured is nothing read.

All rates become one: between readings runs a cubic spline, and where the rate is
lowered a filter comes first (models/recordings/pieces.py). Short gaps are bridged and
counted, long ones part a recording. A channel that no device has is 0 throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.recordings.device import GRAVITY
from models.recordings.findings import inspect, measured
from models.recordings.pieces import Piece, pieces
from models.recordings.together import Together, together
from stages.reading.account import Tally
from stages.reading.herd import CHANNELS, PLACES, UNLABELLED, Recorded

if TYPE_CHECKING:
    from models.recordings.findings import Findings
    from models.shapes import Array, BoolArray, IntArray
    from stages.reading.measured import Measured, Worn
    from stages.reading.source import Source

# How much of an SI unit is one of ours.
OURS = {"m/s^2": GRAVITY, "rad/s": 1.0, "T": 50e-6, "1": 1.0}


class Gridded(NamedTuple):
    """The pieces of one recording, and what was found in it."""

    pieces: tuple[Recorded, ...]
    tally: Tally


def gridded(read: Measured, source: Source) -> Gridded:
    """Bring one recording to the grid of `source`."""
    worn = [each for each in read.worn if each is not None]
    found = [inspect(each.device, full_scale=each.full_scale) for each in worn]
    on_grid = [
        _on_grid(*pair, source.rate_hz) for pair in zip(worn, found, strict=True)
    ]
    whole = [_until(each, source) for each in together(*on_grid)]
    shortest = source.shortest_s * source.rate_hz
    kept = [each for each in whole if len(each.frames) >= max(shortest, 1.0)]
    made = tuple(_recorded(read, each, source.rate_hz) for each in kept)
    counted = _counted(worn, found)
    return Gridded(made, _timed(counted, worn, kept, made, source))


def absent(read: Measured) -> BoolArray:
    """Say which channels (V, P) a recording has not."""
    missing = np.ones((CHANNELS, PLACES), dtype=np.bool_)
    for place, worn in enumerate(read.worn):
        if worn is not None:
            missing[list(worn.channels), place] = False
    return missing


def _on_grid(worn: Worn, found: Findings, rate_hz: float) -> tuple[Piece, ...]:
    """Give the pieces (T, V) of one device, in our units, on the common clock."""
    good = measured(worn.device, found)
    factor = np.array([1.0 / OURS[unit] for unit in good.units])
    return tuple(
        piece._replace(frames=_widened(piece.frames * factor, worn.channels))
        for piece in pieces(good, rate_hz, clock=worn.clock)
    )


def _widened(frames: Array, channels: tuple[int, ...]) -> Array:
    """Put columns (T, C) where they belong among the nine."""
    wide = np.zeros((len(frames), CHANNELS))
    wide[:, list(channels)] = frames
    return wide


def _until(piece: Together, source: Source) -> Together:
    """Cut a piece off where the seconds asked for are over."""
    if source.seconds is None:
        return piece
    left = max(0, round(source.seconds * source.rate_hz) - piece.first)
    return Together(piece.first, piece.frames[:left], piece.bridged[:left])


def _recorded(read: Measured, piece: Together, rate_hz: float) -> Recorded:
    """Lay the devices at their places, and the truth beside them."""
    frames = np.zeros((CHANNELS, PLACES, len(piece.frames)), dtype=np.float32)
    places = [place for place, worn in enumerate(read.worn) if worn is not None]
    frames[:, places] = piece.frames.transpose(1, 2, 0)
    seconds = (piece.first + np.arange(len(piece.frames))) / rate_hz
    truth = read.truth.at(seconds)
    return Recorded(frames, truth, read.subject, read.name, piece.first, "")


def _counted(worn: list[Worn], found: list[Findings]) -> Tally:
    """Count what was found in the rows of all devices."""
    whole = Tally()
    for each, seen in zip(worn, found, strict=True):
        whole = whole.plus(
            Tally(
                rows=len(each.device.times),
                readings=each.device.readings.size,
                gaps=len(seen.gaps),
                out_of_order=len(seen.backward) + len(seen.repeated),
                missing=_rows(seen.missing),
                stuck=_rows(seen.flat),
                saturated=_rows(seen.saturated),
            )
        )
    return whole


def _rows(spans: IntArray) -> int:
    """Count the rows of spans (N, 3): channel, first, end."""
    return int((spans[:, 2] - spans[:, 1]).sum())


def _timed(
    counted: Tally,
    worn: list[Worn],
    kept: list[Together],
    made: tuple[Recorded, ...],
    source: Source,
) -> Tally:
    """Add how long what is handed on lasts, and what is not."""
    frames = sum(len(each.frames) for each in kept)
    spans = [float(np.ptp(each.device.times)) for each in worn]
    # n frames span n - 1 steps.
    could_be = round(min(spans) * source.rate_hz) + 1
    if source.seconds is not None:
        could_be = min(could_be, round(source.seconds * source.rate_hz))
    unlabelled = sum(int((each.truth == UNLABELLED).sum()) for each in made)
    return counted._replace(
        seconds=frames / source.rate_hz,
        bridged_s=sum(int(each.bridged.sum()) for each in kept) / source.rate_hz,
        unlabelled_s=unlabelled / source.rate_hz,
        lost_s=max(0, could_be - frames) / source.rate_hz,
    )
