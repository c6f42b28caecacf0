"""Numbers in columns that blanks part, as UCI-HAR has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stages.reading.file import whole
from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from models.shapes import Array
    from stages.reading.file import File


def rows(file: File) -> list[list[str]]:
    """Give the words of each line; empty lines are none at the end."""
    try:
        text = whole(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(file.name, "is no text in UTF-8", "copy it again") from None
    lines = text.replace("\r\n", "\n").rstrip().split("\n")
    return [line.split() for line in lines]


def matrix(file: File, n_columns: int) -> Array:
    """Read lines of so many numbers each; refuse by its number a line that is not."""
    lines = whole(file).rstrip().split(b"\n")
    try:
        # numpy would pass over an empty line, and count the lines behind it wrongly.
        if all(line.strip() for line in lines):
            read = np.loadtxt(file.path, comments=None, ndmin=2, encoding="utf-8")
            if read.shape == (len(lines), n_columns) and np.isfinite(read).all():
                return read
    except ValueError:
        pass
    raise _first_wrong(file, n_columns)


def _first_wrong(file: File, n_columns: int) -> Unreadable:
    """Find the line that is wrong."""
    for line, row in enumerate(rows(file), 1):
        if len(row) != n_columns:
            reason = f"has {len(row)} numbers: wanted {n_columns}"
            return Unreadable(file.line(line), reason, "was the file cut off?")
        for word in row:
            try:
                is_number = bool(np.isfinite(float(word)))
            except ValueError:
                is_number = False
            if not is_number:
                return Unreadable(file.line(line), f"{word[:40]!r} is no number")
    return Unreadable(file.name, "cannot be read as numbers", "copy it again")
