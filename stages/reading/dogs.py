"""The dog-movement data of Vehkaoja et al. (2022): DogMoveData.csv, some 10^7 rows.

Two devices at 100 Hz, the neck first, then the back: acceleration (g) and rotation
(deg/s); no magnetometer. A dog (DogID) is a subject, a test of it (TestNum) a recording
with its own clock (t_sec). Up to three behaviours stand in a row: the first that is
defined is taken. What is <undefined> is not labelled, nor is what synchronises the
cameras. Task and PointEvent say what people did, and are not looked at; DogInfo is not
read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from models.recordings.device import device
from models.recordings.labels import UNLABELLED
from models.recordings.units import check_units
from stages.reading.file import inside
from stages.reading.gathering import Gathered
from stages.reading.measured import Measured, Spoken, Worn, believable
from stages.reading.table import blocks
from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.recordings.device import Device
    from models.shapes import Array, IntArray
    from stages.reading.cells import Words
    from stages.reading.file import File
    from stages.reading.table import Table

FILE = "DogMoveData.csv"
DEVICES = ("Neck", "Back")
COLUMNS = tuple(
    f"{kind}{place}_{axis}" for place in DEVICES for kind in "AG" for axis in "xyz"
)
UNITS = ("g",) * 3 + ("deg/s",) * 3
WORDS = ("DogID", "TestNum", "Behavior_1", "Behavior_2", "Behavior_3")
UNDEFINED = frozenset({"<undefined>", "", "NaN", "NA"})
SYNCHRONISING = frozenset({"Synchronization", "Extra_Synchronization"})
RATE_HZ = 100.0
NOT_SAID, SYNC = -1, -2


class Rows(NamedTuple):
    """Some rows of one recording: seconds (T,), readings (T, C), behaviour (T,)."""

    seconds: Array
    readings: npt.NDArray[np.float32]
    behaviour: IntArray


def dogs(folder: Path, most: int | None = None) -> Gathered:
    """Read the first `most` dogs of the file; all of it passes by, in blocks."""
    number: dict[str, int] = {}
    parts: dict[tuple[str, str], list[Rows]] = {}
    known: list[str] = []
    file = inside(folder, FILE, str(folder))
    for block in blocks(file, ("t_sec", *COLUMNS), WORDS):
        for dog, test, rows in _rows(file, block, number):
            if dog not in known:
                known.append(dog)
            if most is None or dog in known[:most]:
                parts.setdefault((dog, test), []).append(rows)
    labels = tuple(sorted(number))
    ranks = [labels.index(name) for name in number]
    known_as = np.array([*ranks, UNLABELLED], dtype=np.int64)
    remarks: list[str] = []
    # One after the other, for all of them twice would be too much for most memories.
    reads = (_measured(*key, parts[key], known_as, remarks) for key in parts)
    return Gathered(labels, reads, remarks)


def _rows(
    file: File, block: Table, number: dict[str, int]
) -> Iterator[tuple[str, str, Rows]]:
    """Part a block by dog and test: name, name, rows."""
    seconds, readings = block.numbers[:, 0], block.numbers[:, 1:]
    if not np.isfinite(seconds).all():
        row = int((~np.isfinite(seconds)).argmax())
        raise Unreadable(file.line(block.line + row), "t_sec is no number")
    behaviour = _behaviour(block.words[2:], number)
    dog, test = block.words[:2]
    differs = (np.diff(dog.which) != 0) | (np.diff(test.which) != 0)
    first = np.concatenate([[0], 1 + np.flatnonzero(differs)])
    for low, high in zip(first, np.append(first[1:], len(seconds)), strict=True):
        with np.errstate(over="ignore"):
            read = readings[low:high].astype(np.float32)
        rows = Rows(seconds[low:high], read, behaviour[low:high])
        yield dog.names[dog.which[low]], test.names[test.which[low]], rows


def _behaviour(columns: tuple[Words, ...], number: dict[str, int]) -> IntArray:
    """Give the first behaviour that is defined in each row (T,), as a new number."""
    found = np.full(len(columns[0].which), NOT_SAID)
    is_sync = np.zeros(len(found), dtype=np.bool_)
    for column in columns:
        codes = np.array([_code(name, number) for name in column.names])[column.which]
        is_sync |= codes == SYNC
        found = np.where(found == NOT_SAID, codes, found)
    return np.where(is_sync, NOT_SAID, found).astype(np.int64)


def _code(name: str, number: dict[str, int]) -> int:
    """Give the number of a name; a name that is new gets the next."""
    if name in UNDEFINED:
        return NOT_SAID
    if name in SYNCHRONISING:
        return SYNC
    return number.setdefault(name, len(number))


def _measured(
    dog: str, test: str, parts: list[Rows], known_as: IntArray, remarks: list[str]
) -> Measured:
    """Put the rows of a recording together; units that seem wrong are remarked on."""
    seconds, readings, behaviour = (
        np.concatenate(columns) for columns in zip(*parts, strict=True)
    )
    parts.clear()
    name = f"dog {dog}, test {test}"
    worn = tuple(
        Worn(
            _device(
                f"{name}, {place}", seconds, readings[:, 6 * n : 6 * n + 6], remarks
            ),
            tuple(range(6)),
        )
        for n, place in enumerate(DEVICES)
    )
    truth = Spoken(seconds, known_as[behaviour], 1.0 / RATE_HZ)
    return Measured(f"dog {dog}", name, worn, truth)


def _device(
    name: str, seconds: Array, readings: npt.NDArray[np.float32], remarks: list[str]
) -> Device:
    """Give one device in SI units."""
    channels = [f"{kind}_{axis}" for kind in ("acc", "gyr") for axis in "xyz"]
    made = device(name, seconds, readings, channels, UNITS)
    believable(made, lambda row: f"{name}: row {row}")
    try:
        check_units(made)
    except ValueError as error:
        remarks.append(str(error))
    return made
