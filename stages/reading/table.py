"""Columns of a CSV file, read in blocks: what is wrong in it is named by its line.

One line is one row, the first holds the names. Commas, semicolons and tabs part the
cells, whichever the first line has most of; quotes may stand around a cell; UTF-8, with
or without a mark at its begin; lines may end as on Windows. An empty cell, NA, NaN and
null are numbers that were not measured.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stages.reading.cells import Cells, Words, parted
from stages.reading.unreadable import Unreadable
from stages.reading.wording import near

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.shapes import Array
    from stages.reading.file import File

BLOCK = 8 * 2**20
LONGEST_LINE = 2**20
MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"PK\x03\x04": "a zip file"}
MARKS |= {b"\x89HDF": "an HDF5 file", b"\x1f\x8b": "compressed by gzip"}


class Table(NamedTuple):
    """Some columns, T rows.

    line: of the first row in the file
    numbers (T, N): NaN where a cell is empty
    words: of each text column
    """

    line: int
    numbers: Array
    words: tuple[Words, ...]


def table(file: File, numbers: Sequence[str], words: Sequence[str] = ()) -> Table:
    """Read all rows of some columns."""
    read = list(blocks(file, numbers, words))
    columns = zip(*(block.words for block in read), strict=True)
    return Table(
        read[0].line,
        np.concatenate([block.numbers for block in read]),
        tuple(Words.joined(parts) for parts in columns),
    )


def blocks(
    file: File, numbers: Sequence[str], words: Sequence[str] = ()
) -> Iterator[Table]:
    """Read some columns, some ten thousand rows at a time; one block or more."""
    head, delimiter = header(file)
    at = [_column(file, head, name) for name in (*numbers, *words)]
    line = 2
    for text in _texts(file):
        cells = parted(file, line, text, delimiter, len(head))
        yield _block(cells, at[: len(numbers)], at[len(numbers) :], head)
        line += len(cells.start)
    if line == 2:
        raise Unreadable(file.name, "has a first line but no rows", "copy it again")


def header(file: File) -> tuple[list[str], str]:
    """Give the names of the columns, and what parts them."""
    with file.path.open("rb") as opened:
        line = opened.readline(LONGEST_LINE)
    _check_text(file, line)
    text = _decoded(file, 1, line.removeprefix(b"\xef\xbb\xbf")).rstrip("\r\n")
    delimiter = max(",;\t", key=text.count)
    try:
        names = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise Unreadable(file.line(1), f"is no row of names: {error}") from None
    names = [name.strip() for name in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Unreadable(file.line(1), f"two columns are called {twice[0]!r}")
    if all(_is_number(name) for name in names):
        advice = "write a first line that names the columns"
        raise Unreadable(file.line(1), "holds numbers, not names of columns", advice)
    return names, delimiter


def _texts(file: File) -> Iterator[bytes]:
    """Give what is behind the first line, in blocks of whole lines."""
    with file.path.open("rb") as opened:
        opened.readline()
        kept = b""
        while read := opened.read(BLOCK):
            kept += read
            if len(kept) > 2 * BLOCK:
                raise Unreadable(file.name, f"has a line longer than {BLOCK} bytes")
            # Empty lines are none at the end of a file, and so are kept until then.
            rows = kept[: kept.rfind(b"\n") + 1].rstrip(b"\r\n")
            if rows:
                yield rows.replace(b"\r\n", b"\n") + b"\n"
                kept = kept[len(rows) :].removeprefix(b"\r").removeprefix(b"\n")
    if rows := kept.rstrip(b"\r\n"):
        yield rows.replace(b"\r\n", b"\n") + b"\n"


def _block(
    cells: Cells, numbers: Sequence[int], words: Sequence[int], head: Sequence[str]
) -> Table:
    """Read the cells of some columns."""
    columns = np.empty((len(cells.start), len(numbers)))
    for n, column in enumerate(numbers):
        columns[:, n] = cells.numbers(column, head[column])
    return Table(cells.line, columns, tuple(cells.words(column) for column in words))


def _column(file: File, head: Sequence[str], name: str) -> int:
    """Give the number of a column."""
    if name in head:
        return list(head).index(name)
    reason = f"has no column {name!r}; it has: {', '.join(head)[:300]}"
    raise Unreadable(file.line(1), reason, near(name, head))


def _check_text(file: File, line: bytes) -> None:
    """Refuse what is no text, by how it begins."""
    for mark, what in MARKS.items():
        if line.startswith(mark):
            raise Unreadable(file.name, f"is {what}", "save it as CSV in UTF-8")
    if b"\0" in line:
        raise Unreadable(file.name, "is no text", "save it as CSV in UTF-8")
    if b"\r" in line.rstrip(b"\r\n"):
        advice = "save it with line ends of Unix or Windows"
        raise Unreadable(file.line(1), "has lines that end in CR alone", advice)
    if len(line) == LONGEST_LINE:
        raise Unreadable(file.line(1), f"is longer than {LONGEST_LINE} bytes")


def _decoded(file: File, line: int, text: bytes) -> str:
    """Give text, if it is UTF-8."""
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        reason = f"byte {error.start + 1} is not UTF-8"
        raise Unreadable(file.line(line), reason, "save it as CSV in UTF-8") from None


def _is_number(text: str) -> bool:
    """Say whether this reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
