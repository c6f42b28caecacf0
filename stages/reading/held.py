"""What one file holds of a recording: arrays by name, whatever its format is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.reading.cells import Words
from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.shapes import Array
    from stages.reading.file import File


class Held(NamedTuple):
    """Some arrays of a file.

    numbers: (T,), or (T, 3), by name; words: the labels (T,), where they were wanted
    line: of the first row, in a file that has lines
    """

    file: File
    numbers: Mapping[str, Array]
    words: Words | None
    line: int | None = None

    def row(self, number: int) -> str:
        """Name a row in messages: its line where there are lines; else its number."""
        if self.line is None:
            return f"{self.file.name}: row {number}"
        return self.file.line(self.line + number)


def as_numbers(file: File, name: str, given: npt.NDArray[np.generic]) -> Array:
    """Give an array as real numbers (T,) or (T, 3); refuse another."""
    if given.dtype.kind not in "fiu":
        reason = f"{name!r} is of type {given.dtype}: wanted numbers"
        raise Unreadable(file.name, reason)
    if given.ndim not in {1, 2} or given.shape[1:] not in {(), (3,)}:
        reason = f"{name!r} has shape {given.shape}: wanted (T,) or (T, 3)"
        advice = "turn it round: one row for each time" if given.ndim == 2 else ""
        raise Unreadable(file.name, reason, advice)
    if not len(given):
        raise Unreadable(file.name, f"{name!r} has no rows")
    return given.astype(np.float64)


def as_words(file: File, name: str, given: npt.NDArray[np.generic]) -> Words:
    """Give an array of whole numbers or text (T,) as words; refuse another."""
    if given.dtype.kind not in "iuUS" or given.ndim != 1:
        reason = (
            f"{name!r} is of type {given.dtype} and shape {given.shape}: wanted whole "
            "numbers or text, (T,)"
        )
        raise Unreadable(file.name, reason)
    found, which = np.unique(given, return_inverse=True)
    try:
        names = tuple(
            each.decode() if isinstance(each, bytes) else str(each)
            for each in found.tolist()
        )
    except UnicodeDecodeError:
        raise Unreadable(file.name, f"{name!r} holds text that is not UTF-8") from None
    return Words(names, which.reshape(-1))
