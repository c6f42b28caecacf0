"""The median of labels: a label takes over when it wins more than half of a window.

The filter that gives each frame the most frequent label around it can add transitions
(0011100 becomes 0110110 with a window of 7 that is cut at the ends), and where labels
tie it needs a rule that means something. This one asks for more than half of the whole
window, ends included, and else lets the last winner hold. It then never adds a
transition: the frame that gives a new winner its majority is the one that enters its
window, so it has the winner's label; and these frames, one for each change, lie in
different runs of what was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.temporal.rows import Labels, check_frames, rows

if TYPE_CHECKING:
    from models.shapes import IntArray


def majority(
    labels: Labels, window_size: int, lengths: Labels | None = None
) -> IntArray:
    """Smooth labels (B, T) or (T,), each row for itself, ragged by `lengths` (B,).

    A frame gets the last label that won more than half of the `window_size` frames
    around one up to it; before the first winner, the first winner. Frames beyond the
    ends vote for nobody. A row in which nobody wins stays as it is. Of two labels this
    is the median. Time J window_size for J frames, whatever the number of labels.
    """
    check_frames("window_size", window_size, odd=True)
    read = rows(labels, lengths)
    half = window_size // 2
    wins = _votes(read.flat, read.row, window_size) > half
    winner = _holding(np.flatnonzero(wins), half, read.row)
    return read.filled(np.where(winner >= 0, read.flat[winner], read.flat))


def _votes(flat: IntArray, row: IntArray, width: int) -> IntArray:
    """Count, of the `width` frames that end at each, those of its row and label."""
    votes = np.ones(len(flat), dtype=np.int64)
    longest = int(np.bincount(row).max(initial=0))
    for back in range(1, min(width, longest)):
        votes[back:] += (flat[back:] == flat[:-back]) & (row[back:] == row[:-back])
    return votes


def _holding(winning: IntArray, half: int, row: IntArray) -> IntArray:
    """Give for each frame (J,) the winning frame whose label holds it, -1 if none.

    The window that a frame enters is centred half a window before it.
    """
    first = np.full(row.max(initial=-1) + 1, -1)
    opens = winning[np.diff(row[winning], prepend=-1) != 0]
    first[row[opens]] = opens
    latest = np.full(len(row), -1)
    latest[winning - half] = winning
    latest = np.maximum.accumulate(latest)
    is_own = (latest >= 0) & (row[latest] == row)
    holding: IntArray = np.where(is_own, latest, first[row])
    return holding
