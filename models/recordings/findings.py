"""What is wrong with a recording, as data: found and counted before it is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.recordings.device import Device

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray

LATE = 1.5  # periods: the next row is missing


class Findings(NamedTuple):
    """What is wrong with a device's rows.

    period_s: the median step of its clock; NaN where there is none
    backward (N,), repeated (N,): rows whose time is before, or is, that of a row before
    gaps (N, 2): rows between which rows are missing
    missing, flat, saturated (N, 3): channel, first row, and the row behind the last, of
        readings that are NaN, stuck at one value, or at the end of the scale
    """

    period_s: float
    backward: IntArray
    repeated: IntArray
    gaps: IntArray
    missing: IntArray
    flat: IntArray
    saturated: IntArray


def inspect(
    read: Device,
    *,
    flat_s: float = 1.0,
    full_scale: tuple[float, ...] | None = None,
) -> Findings:
    """Find what is wrong.

    flat_s: how long one value must stand, bit for bit, for the channel to be stuck.
    full_scale: the end of each channel's scale in SI units; without it no reading is
    taken for saturated.
    """
    if not 0.0 < flat_s < np.inf:
        raise ValueError(f"flat_s is {flat_s}: wanted a positive number of seconds")
    latest = np.maximum.accumulate(read.times)
    before = np.concatenate([[-np.inf], latest[:-1]])
    backward = np.flatnonzero(read.times < before)
    repeated = np.flatnonzero(read.times == before)
    kept = np.flatnonzero(read.times > before)
    steps = np.diff(read.times[kept])
    period_s = float(np.median(steps)) if len(steps) else float("nan")
    late = np.flatnonzero(steps > LATE * period_s)
    n_flat = max(2, round(flat_s / period_s)) if period_s > 0.0 else 2
    return Findings(
        period_s,
        backward,
        repeated,
        np.stack([kept[late], kept[late + 1]], axis=1),
        _spans(np.isnan(read.readings)),
        _flat(read.readings, n_flat),
        _spans(_saturated(read, full_scale)),
    )


def measured(read: Device, found: Findings) -> Device:
    """Keep what was measured: rows in time's order, NaN for stuck and cut-off readings.

    Of rows with one time the first is kept; a row from before an earlier one is not.
    """
    readings = read.readings.copy()
    for channel, first, last in np.concatenate([found.flat, found.saturated]):
        readings[first:last, channel] = np.nan
    kept = np.ones(len(readings), dtype=np.bool_)
    kept[found.backward] = False
    kept[found.repeated] = False
    return read._replace(times=read.times[kept], readings=readings[kept])


def _saturated(read: Device, full_scale: tuple[float, ...] | None) -> BoolArray:
    """Say which readings (T, C) are at the end of their scale, or beyond."""
    if full_scale is None:
        return np.zeros(read.readings.shape, dtype=np.bool_)
    ends = np.asarray(full_scale, dtype=np.float64)
    if ends.shape != (len(read.channels),) or not (ends > 0.0).all():
        message = (
            f"device {read.name!r}: full_scale is {full_scale}: wanted a positive "
            f"number for each of {read.channels}"
        )
        raise ValueError(message)
    # A scale is rarely declared to the last bit of the converter.
    at_end: BoolArray = np.abs(read.readings) >= 0.999 * ends
    return at_end


def _flat(readings: Array, n_flat: int) -> IntArray:
    """Give channel, first row and end of what stands still for n_flat rows."""
    same = np.zeros((len(readings) + 1, readings.shape[1]), dtype=np.bool_)
    same[1:-1] = readings[1:] == readings[:-1]
    # Row i of `same` joins rows i - 1 and i: a span of joints has one row more.
    spans = _spans(same)
    spans[:, 1] -= 1
    return spans[spans[:, 2] - spans[:, 1] >= n_flat]


def _spans(is_so: BoolArray) -> IntArray:
    """Give channel, first row and end (N, 3) of the stretches in (T, C) that are so."""
    edges = np.diff(np.pad(is_so, ((1, 1), (0, 0))).astype(np.int8), axis=0)
    channel, first = np.nonzero(edges.T == 1)
    _, last = np.nonzero(edges.T == -1)
    spans: IntArray = np.stack([channel, first, last], axis=1)
    return spans
