"""A user's own folder of recordings, by its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.recordings.clocks import Clock
from models.recordings.device import SECONDS, device
from models.recordings.findings import inspect, measured
from models.recordings.units import QUICKEST_HZ, SLOWEST_HZ, check_units
from stages.reading import hdf5, npz
from stages.reading.gathering import Gathered
from stages.reading.held import Held
from stages.reading.intervals import numbered, stretches
from stages.reading.manifest import manifest
from stages.reading.measured import SENSORS, Measured, Spoken, Worn, believable
from stages.reading.table import table
from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from models.shapes import Array
    from stages.reading.file import File
    from stages.reading.manifest import Declared, Entry
    from stages.reading.measured import Truth

ENDINGS = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".npz": "npz"}
ENDINGS |= {".h5": "hdf5", ".hdf5": "hdf5"}
AXES = "xyz"


def recordings(folder: Path, most: int | None = None) -> Gathered:
    """Find the recordings of up to `most` subjects; each is read in its turn."""
    said = manifest(folder)
    subjects = list(dict.fromkeys(entry.subject for entry in said.entries))[:most]
    chosen = [entry for entry in said.entries if entry.subject in subjects]
    reads = (_measured(entry, said.words) for entry in chosen)
    return Gathered(said.behaviours, reads)


def _measured(entry: Entry, words: Mapping[str, int]) -> Measured:
    """Read one recording; its time begins with the first row of its first device."""
    files = {each.file for each in entry.devices}
    first = entry.devices[0]
    read = {
        file: _held(file, entry, entry.labels if file == first.file else None)
        for file in files
    }
    times = [_times(each, read[each.file]) for each in entry.devices]
    origin_s = float(first.clock.common(times[0][:1])[0])
    worn = tuple(
        _worn(each, read[each.file], own, origin_s, checked=entry.check_units)
        for each, own in zip(entry.devices, times, strict=True)
    )
    truth: Truth
    if entry.intervals is not None:
        truth = stretches(entry.intervals, words, origin_s)
    else:
        truth = _spoken(read[first.file], words, worn[0])
    places = (*worn, None)[:2]
    return Measured(entry.subject, entry.name, places, truth)


def _held(file: File, entry: Entry, labels: str | None) -> Held:
    """Read from a file all that any device of a recording has there."""
    names = [
        name
        for each in entry.devices
        if each.file == file
        for name in (each.timing.column, *(c for s in each.sensors for c in s.columns))
        if name is not None
    ]
    wanted = list(dict.fromkeys(names))
    match ENDINGS.get(file.path.suffix.lower()):
        case "csv":
            read = table(file, wanted, [labels] if labels else [])
            columns = dict(zip(wanted, read.numbers.T, strict=True))
            return Held(file, columns, read.words[0] if labels else None, read.line)
        case "npz":
            return npz.held(file, wanted, labels)
        case "hdf5":
            return hdf5.held(file, wanted, labels)
        case _:
            reason = f"is of no known format: wanted {', '.join(ENDINGS)}"
            raise Unreadable(file.name, reason)


def _times(said: Declared, read: Held) -> Array:
    """Give the time of each row, in seconds of the device's clock."""
    name = said.timing.column
    if name is None:
        n_rows = len(read.numbers[said.sensors[0].columns[0]])
        return np.arange(n_rows) / said.timing.rate_hz
    times = read.numbers[name]
    if times.ndim != 1:
        reason = f"{name!r} has shape {times.shape}: wanted (T,)"
        raise Unreadable(read.file.name, reason)
    if not np.isfinite(times).all():
        row = int((~np.isfinite(times)).argmax())
        raise Unreadable(read.row(row), f"time {name!r} is no number")
    back = np.flatnonzero(np.diff(times) < 0.0)
    if len(back):
        row = int(back[0]) + 1
        reason = (
            f"time {name!r} goes back from {times[row - 1]:.10g} to {times[row]:.10g}"
        )
        advice = "two recordings in one file? cut it there"
        raise Unreadable(read.row(row), reason, advice)
    seconds: Array = times * SECONDS[said.timing.unit]
    steps = np.diff(seconds)
    step_s = float(np.median(steps[steps > 0.0])) if (steps > 0.0).any() else 0.0
    if len(steps) and not 1.0 / QUICKEST_HZ <= step_s <= 1.0 / SLOWEST_HZ:
        reason = (
            f"time {name!r} goes on by {step_s:.3g} s from row to row: wanted "
            f"{1.0 / QUICKEST_HZ:g} to {1.0 / SLOWEST_HZ:g} s"
        )
        raise Unreadable(read.file.name, reason, "is it in another unit?")
    return seconds


def _worn(
    said: Declared, read: Held, own: Array, origin_s: float, *, checked: bool
) -> Worn:
    """Lay the columns of a device side by side, in SI units."""
    columns, channels, units, ends = [], [], [], []
    for sensor in said.sensors:
        for axis, column in enumerate(_axes(read, sensor.columns)):
            columns.append(column)
            channels.append(3 * SENSORS.index(sensor.kind) + axis)
            units.append(sensor.unit)
            ends.append(sensor.full_scale or np.inf)
    lengths = {len(own), *map(len, columns)}
    if len(lengths) > 1:
        reason = f"device {said.name!r} has arrays of {sorted(lengths)} rows"
        raise Unreadable(read.file.name, reason, "wanted as many rows each")
    names = [f"{SENSORS[c // 3]} {AXES[c % 3]}" for c in channels]
    try:
        made = device(said.name, own, np.stack(columns, axis=1), names, units)
        believable(made, read.row)
        if checked:
            # What is cut off at the end of the scale stands still, and is no rest.
            found = inspect(made, full_scale=tuple(ends))
            check_units(measured(made, found._replace(flat=found.flat[:0])))
    except Unreadable:
        raise
    except ValueError as error:
        advice = "`check_units: false` takes the units as declared" if checked else ""
        raise Unreadable(read.file.name, str(error), advice) from None
    clock = Clock(said.clock.offset_s - origin_s, said.clock.pace)
    return Worn(made, tuple(channels), clock, tuple(ends))


def _axes(read: Held, names: Sequence[str]) -> list[Array]:
    """Give x, y and z (T,), out of three arrays (T,) or one (T, 3)."""
    wanted = 2 if len(names) == 1 else 1
    for name in names:
        if read.numbers[name].ndim != wanted:
            shape = "(T, 3)" if wanted == 2 else "(T,)"
            reason = f"{name!r} has shape {read.numbers[name].shape}: wanted {shape}"
            raise Unreadable(read.file.name, reason)
    if wanted == 2:
        return list(read.numbers[names[0]].T)
    return [read.numbers[name] for name in names]


def _spoken(read: Held, words: Mapping[str, int], worn: Worn) -> Spoken:
    """Give the labels of the rows of the first device."""
    said = read.words
    times = worn.clock.common(worn.device.times)
    assert said is not None
    if len(said.which) != len(times):
        reason = f"has {len(said.which)} labels for {len(times)} rows"
        raise Unreadable(read.file.name, reason)
    steps = np.diff(times)
    period_s = float(np.median(steps)) if len(steps) else 0.0
    return Spoken(times, numbered(said, words, read.file, read.line), period_s)
