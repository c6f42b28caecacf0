"""Which bouts a window looks on, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from models.shapes import IntArray
    from models.synthetic.bouts import Bouts


class Views(NamedTuple):
    """The windows that look on m bouts each: B of them.

    row (B,): which windows; bout (B, m): which bouts; seen (B, m): frames in view;
    inside (B, m): frames in the window itself, 0 for a bout that only precedes it
    """

    row: IntArray
    bout: IntArray
    seen: IntArray
    inside: IntArray

    def blocks(self, size: int) -> list[Views]:
        """Part them into views of `size` windows or fewer."""
        at = range(0, len(self.row), size)
        return [Views(*(column[i : i + size] for column in self)) for i in at]


def views(bouts: Bouts, start: IntArray, size: int, reach: int) -> list[Views]:
    """Sort windows at `start` (B,) by how many bouts they look on.

    A view is the window and the `reach` frames before it, on which it may depend.
    """
    ends = bouts.starts + bouts.durations
    since, until = np.maximum(0, start - reach), start + size
    first = np.searchsorted(ends, since, side="right")
    count = np.searchsorted(ends, until - 1, side="right") - first + 1
    found = []
    for m in np.unique(count):
        row = np.flatnonzero(count == m)
        bout = first[row, None] + np.arange(m)
        begin, end = bouts.starts[bout], np.minimum(ends[bout], until[row, None])
        seen = end - np.maximum(begin, since[row, None])
        inside = np.maximum(0, end - np.maximum(begin, start[row, None]))
        found.append(Views(row, bout, seen, inside))
    return found
