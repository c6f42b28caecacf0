"""UCI-HAR as it is distributed: people with a telephone at the waist.

Windows of 128 readings at 50 Hz of which each shares its second half with the next one.
Where the halves really are the same, of the same person, windows are stitched back to
the recording that they were cut from; where two windows of one recording have other
labels, their common half has none. What was never joined stays apart.

Total acceleration (g) and gyroscope (rad/s) are the first place; the second place and
both magnetometers are absent. 50 Hz become the rate asked for by a spline. The parts
`train` and `test` of the distribution are read alike: who is learned from is decided by
the split, by subject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.recordings.device import device
from models.recordings.labels import UNLABELLED
from stages.reading.file import inside
from stages.reading.gathering import Gathered
from stages.reading.lines import matrix, rows
from stages.reading.measured import Measured, Spoken, Worn, believable
from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.shapes import Array, IntArray
    from stages.reading.file import File

FOLDER = "UCI HAR Dataset"
PARTS = ("train", "test")
SIZE, HOP, RATE_HZ = 128, 64, 50.0
SIGNALS = tuple(
    f"{kind}_{axis}" for kind in ("total_acc", "body_gyro") for axis in "xyz"
)
UNITS = ("g",) * 3 + ("rad/s",) * 3
SAME = 1e-6  # the files have eight digits


class Windows(NamedTuple):
    """The windows of one part, in order.

    readings (B, C, T); activity (B,): number of the name; subject (B,)
    """

    part: str
    readings: Array
    activity: IntArray
    subject: IntArray


def uci_har(folder: Path, most: int | None = None) -> Gathered:
    """Read the windows of up to `most` subjects, the lowest numbers first."""
    top = folder / FOLDER if (folder / FOLDER).is_dir() else folder
    labels, number = _activities(inside(top, "activity_labels.txt", str(top)))
    parts = [_windows(top, part, number) for part in PARTS]
    everyone = np.unique(np.concatenate([each.subject for each in parts]))
    chosen = everyone[:most]
    runs = [run for each in parts for run in _runs(each, chosen)]
    n_windows = sum(int(np.isin(each.subject, chosen).sum()) for each in parts)
    remark = f"{n_windows} windows stitched to {len(runs)} recordings"
    return Gathered(labels, runs, (remark,))


def _activities(file: File) -> tuple[tuple[str, ...], dict[int, int]]:
    """Give the names, and of each number in the files its place among them."""
    names: dict[int, str] = {}
    for line, row in enumerate(rows(file), 1):
        if len(row) != 2 or not row[0].isdigit() or int(row[0]) in names:
            reason = f"{' '.join(row)[:60]!r}: wanted a new number and a name"
            raise Unreadable(file.line(line), reason)
        names[int(row[0])] = row[1]
    return tuple(names.values()), {n: k for k, n in enumerate(names)}


def _windows(top: Path, part: str, number: dict[int, int]) -> Windows:
    """Read the windows of `train` or `test`."""
    y, who = (
        inside(top, f"{part}/{name}_{part}.txt", str(top)) for name in ("y", "subject")
    )
    activity, subject = (_whole(file) for file in (y, who))
    _check_rows(who, len(subject), y, len(activity))
    unknown = np.flatnonzero(~np.isin(activity, list(number)))
    if len(unknown):
        row = int(unknown[0])
        reason = f"activity {activity[row]} is not in activity_labels.txt"
        raise Unreadable(y.line(row + 1), reason)
    readings = np.empty((len(activity), len(SIGNALS), SIZE))
    for channel, signal in enumerate(SIGNALS):
        name = f"{part}/Inertial Signals/{signal}_{part}.txt"
        file = inside(top, name, str(top))
        read = matrix(file, SIZE)
        _check_rows(file, len(read), y, len(activity))
        readings[:, channel] = read
    known_as = np.array([number[int(each)] for each in activity], dtype=np.int64)
    return Windows(part, readings, known_as, subject)


def _whole(file: File) -> IntArray:
    """Read one whole number a line."""
    read = matrix(file, 1)[:, 0]
    wrong = np.flatnonzero(read != np.rint(read))
    if len(wrong):
        where = file.line(int(wrong[0]) + 1)
        raise Unreadable(where, f"{read[wrong[0]]:g} is no whole number")
    return read.astype(np.int64)


def _check_rows(file: File, found: int, other: File, wanted: int) -> None:
    """Refuse files of one part that have not as many lines."""
    if found != wanted:
        reason = f"has {found} lines, and {other.name} has {wanted}"
        raise Unreadable(file.name, reason, "copy both again from one distribution")


def _runs(read: Windows, chosen: IntArray) -> Iterator[Measured]:
    """Stitch windows to recordings, as far as they go on."""
    before, behind = read.readings[:-1, :, HOP:], read.readings[1:, :, :HOP]
    goes_on = (np.abs(before - behind) <= SAME).all(axis=(1, 2))
    goes_on &= read.subject[1:] == read.subject[:-1]
    first = np.concatenate([[0], 1 + np.flatnonzero(~goes_on)])
    last = np.append(first[1:], len(read.subject))
    for low, high in zip(first.tolist(), last.tolist(), strict=True):
        if read.subject[low] in chosen:
            yield _stitched(read, low, high)


def _stitched(read: Windows, low: int, high: int) -> Measured:
    """Give the recording of which windows low .. high were cut."""
    halves = read.readings[low:high, :, :HOP].transpose(1, 0, 2).reshape(6, -1)
    readings = np.concatenate([halves, read.readings[high - 1, :, HOP:]], axis=1)
    said = read.activity[low:high]
    agreed = np.where(said[1:] == said[:-1], said[1:], UNLABELLED)
    numbers = np.repeat(np.concatenate([said[:1], agreed, said[-1:]]), HOP)
    times = np.arange(readings.shape[1]) / RATE_HZ
    made = device("telephone", times, readings.T, SIGNALS, UNITS)
    subject = f"person {read.subject[low]}"
    name = f"{subject}, {read.part} windows {low + 1} to {high}"
    believable(made, lambda row: f"{name}: reading {row}")
    worn = Worn(made, tuple(range(len(SIGNALS))))
    return Measured(subject, name, (worn, None), Spoken(times, numbers, 1.0 / RATE_HZ))
