"""Labels of a recording as stretches of time: begin_s, end_s, behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stages.reading.measured import Stretches
from stages.reading.table import table
from stages.reading.unreadable import Unreadable
from stages.reading.wording import near

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.shapes import Array, IntArray
    from stages.reading.cells import Words
    from stages.reading.file import File

COLUMNS = ("begin_s", "end_s", "behaviour")


def stretches(file: File, words: Mapping[str, int], origin_s: float) -> Stretches:
    """Read the stretches, in any order; two may meet but not overlap."""
    read = table(file, COLUMNS[:2], COLUMNS[2:])
    begin, end = read.numbers.T
    wrong = np.flatnonzero(~(begin < end))
    if len(wrong):
        row = int(wrong[0])
        reason = f"goes from {begin[row]:g} to {end[row]:g} s: wanted forward"
        raise Unreadable(file.line(read.line + row), reason)
    order = np.argsort(begin, kind="stable")
    over = np.flatnonzero(begin[order][1:] < end[order][:-1] - 1e-9)
    if len(over):
        one, other = (int(order[over[0] + k]) for k in (0, 1))
        reason = f"overlaps line {read.line + one}"
        advice = "whatever is done at a time is one behaviour"
        raise Unreadable(file.line(read.line + other), reason, advice)
    numbers = numbered(read.words[0], words, file, read.line)
    begin_s: Array = begin[order] - origin_s
    return Stretches(begin_s, end[order] - origin_s, numbers[order])


def numbered(
    said: Words, words: Mapping[str, int], file: File, line: int | None
) -> IntArray:
    """Give the number of each label (T,); refuse one that was not announced."""
    for k, name in enumerate(said.names):
        if name not in words:
            row = int((said.which == k).argmax())
            where = file.line(line + row) if line else f"{file.name}: row {row}"
            known = [each for each in words if each]
            reason = f"{name!r} is no behaviour: wanted {', '.join(known)[:300]}"
            advice = near(name, known) or "name it in `behaviours` or in `unlabelled`"
            raise Unreadable(where, reason, advice)
    known_as = np.array([words[name] for name in said.names], dtype=np.int64)
    return known_as[said.which]
