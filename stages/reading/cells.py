"""A block of a CSV file, parted into cells without copying any."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.reading.decimals import LONGEST, decimals
from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.shapes import Array, IntArray
    from stages.reading.file import File

NEWLINE, QUOTE, UNDERSCORE = ord("\n"), ord('"'), ord("_")
LONGEST_NUMBER = 40
LONGEST_WORD = 200
NOT_MEASURED = frozenset({b"", b"na", b"nan", b"null", b"none"})


class Words(NamedTuple):
    """A column of text: names, each once, and which of them stands in each row (T,)."""

    names: tuple[str, ...]
    which: IntArray

    @classmethod
    def joined(cls, parts: Sequence[Words]) -> Words:
        """Put columns behind one another."""
        number: dict[str, int] = {}
        for name in (name for part in parts for name in part.names):
            number.setdefault(name, len(number))
        which = [
            np.array([number[name] for name in part.names], dtype=np.int64)[part.which]
            for part in parts
        ]
        return cls(tuple(number), np.concatenate(which))


class Cells(NamedTuple):
    """The cells of T rows: cell (t, c) is text[start[t, c] : end[t, c]], quotes off.

    line: of the first row in the file
    """

    file: File
    line: int
    text: npt.NDArray[np.uint8]
    start: IntArray
    end: IntArray

    def cell(self, row: int, column: int) -> bytes:
        """Give the bytes of one cell."""
        return self.text[self.start[row, column] : self.end[row, column]].tobytes()

    def numbers(self, column: int, name: str) -> Array:
        """Give a column as numbers (T,)."""
        start, end = self.start[:, column].copy(), self.end[:, column].copy()
        values, right = decimals(self.text, start, end)
        is_empty = start == end
        values[is_empty] = np.nan
        if len(rows := np.flatnonzero(~(right | is_empty))):
            values[rows] = self._others(rows, column, name)
        return values

    def _others(self, rows: IntArray, column: int, name: str) -> Array:
        """Give the numbers of rows in which they are written in no simple way."""
        letter = _letters(self.text, self.start[rows, column], self.end[rows, column])
        if letter.shape[1] <= LONGEST_NUMBER and not (letter == UNDERSCORE).any():
            try:
                read: Array = letter.view(f"S{letter.shape[1]}")[:, 0].astype(float)
            except ValueError:
                pass
            else:
                return read
        return np.array([self._number(int(row), column, name) for row in rows])

    def _number(self, row: int, column: int, name: str) -> float:
        """Give a number that is written in no simple way."""
        text = self.cell(row, column).strip()
        if text.lower() in NOT_MEASURED:
            return float("nan")
        try:
            if b"_" not in text:
                return float(text)
        except ValueError:
            pass
        shown = text[:40].decode(errors="replace")
        advice = "write a point for the decimals" if b"," in text else ""
        where = self.file.line(self.line + row)
        raise Unreadable(where, f"column {name!r}: {shown!r} is no number", advice)

    def words(self, column: int) -> Words:
        """Give a column as text; its runs of one word are looked at once each."""
        start, end = self.start[:, column], self.end[:, column]
        width = int((end - start).max())
        if width > LONGEST_WORD:
            row = int((end - start).argmax())
            reason = f"a cell of {width} bytes: the most is {LONGEST_WORD}"
            raise Unreadable(self.file.line(self.line + row), reason)
        letter = _letters(self.text, start, end)
        differs = (letter[1:] != letter[:-1]).any(axis=1)
        heads = np.concatenate([[0], 1 + np.flatnonzero(differs)])
        number: dict[str, int] = {}
        of_heads = [
            number.setdefault(self._word(int(row), column), len(number))
            for row in heads
        ]
        lasts = np.diff(np.concatenate([heads, [len(start)]]))
        return Words(tuple(number), np.repeat(np.array(of_heads), lasts))

    def _word(self, row: int, column: int) -> str:
        """Give the text of one cell."""
        text = self.cell(row, column).replace(b'""', b'"')
        try:
            return text.decode().strip()
        except UnicodeDecodeError:
            shown = text[:40].decode(errors="replace")
            where = self.file.line(self.line + row)
            advice = "save it as CSV in UTF-8"
            raise Unreadable(where, f"{shown!r} is not UTF-8", advice) from None


def parted(file: File, line: int, text: bytes, delimiter: str, n_columns: int) -> Cells:
    """Part whole lines into cells; refuse a row that has not as many as it must."""
    if b"\0" in text:
        row = text[: text.index(b"\0")].count(b"\n")
        raise Unreadable(file.line(line + row), "holds a zero byte: this is no text")
    letters = np.frombuffer(text + bytes(LONGEST + 1), dtype=np.uint8)
    is_mark = (letters == ord(delimiter)) | (letters == NEWLINE)
    if b'"' in text:
        _check_quotes(file, line, letters)
        is_mark &= np.cumsum(letters == QUOTE) % 2 == 0
    marks = np.flatnonzero(is_mark)
    lasts = np.flatnonzero(letters[marks] == NEWLINE)
    _check_counts(file, line, np.diff(lasts, prepend=-1), n_columns)
    end = marks.reshape(-1, n_columns)
    start = np.concatenate([[-1], marks[:-1]]).reshape(-1, n_columns) + 1
    is_quoted = (letters[start] == QUOTE) & (end > start)
    return Cells(file, line, letters, start + is_quoted, end - is_quoted)


def _letters(
    text: npt.NDArray[np.uint8], start: IntArray, end: IntArray
) -> npt.NDArray[np.uint8]:
    """Copy text[start:end] into rows (N, longest), with zeros behind."""
    size = end - start
    along = np.arange(min(max(int(size.max()), 1), LONGEST_WORD))
    letter: npt.NDArray[np.uint8] = text[
        np.minimum(start[:, None] + along, len(text) - 1)
    ]
    letter[along >= size[:, None]] = 0
    return letter


def _check_counts(file: File, line: int, counts: IntArray, n_columns: int) -> None:
    """Refuse rows with too few or too many cells."""
    wrong = np.flatnonzero(counts != n_columns)
    if not len(wrong):
        return
    row = int(wrong[0])
    reason = f"has {counts[row]} cells: wanted {n_columns}, as the first line has names"
    is_last = row == len(counts) - 1 and counts[row] < n_columns
    advice = "it is the last line: was the file cut off?" if is_last else ""
    raise Unreadable(file.line(line + row), reason, advice)


def _check_quotes(file: File, line: int, letters: npt.NDArray[np.uint8]) -> None:
    """Refuse a cell that goes on behind the end of its line."""
    so_far = np.cumsum(letters == QUOTE)[letters == NEWLINE] % 2
    if so_far.any():
        where = file.line(line + int(so_far.argmax()))
        raise Unreadable(where, "a quote that is not closed on its line")
