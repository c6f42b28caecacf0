"""Long sequences cut where the answer is certain, so that pieces go side by side.

Let a label be shown for four dwells or more without a break. Then every labelling of
the fewest changes has that label in the middle two: take one that has not, hand the
frames from one dwell behind the stretch's begin to one dwell before its end back to
that label (and with them what is left too short of a run that began or ended within the
stretch), and it is worth more, and still no run is too short. The row may therefore be
cut in the middle, and the pieces solved one by one: each still begins and ends with a
run that lasts.

A sequence of a million frames becomes thousands of short ones, and the programme's
loop over time as short as the longest of them.

This is not so where each run must hold a frame that shows its label, and each other
frame has its own price: a run that is shown on one side of the stretch may reach across
it to frames that it suits, though none shows it. Such rows are not cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.temporal.runs import begins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.shapes import BoolArray, IntArray

CERTAIN = 4  # dwells, see above
AT_ONCE = 1 << 19  # frames x labels that fit a cache


class Batch(NamedTuple):
    """Pieces of like length, front to front, each with labels numbered for itself.

    frame   (T, B): which frame of all it is, and 0 behind a piece's end
    inside  (T, B): whether it lies in its piece
    codes   (T, B): its label within the piece, -1 if it has none
    names   (K, B): what each label of the piece is called, in the order of the names
    lengths (B,): of each piece
    """

    frame: IntArray
    inside: BoolArray
    codes: IntArray
    names: IntArray
    lengths: IntArray


def batches(codes: IntArray, start: IntArray) -> Iterator[Batch]:
    """Gather pieces of like length, of frames (J,); each begins at one of `start`."""
    if not len(start):
        return
    length = np.diff(start, append=len(codes))
    local, names, n_names = _renumbered(codes, length)
    order = np.argsort(length, kind="stable")
    # Lengths within a factor of two go together: no more than half of it is padding,
    # and where one is under a dwell, none holds two runs.
    octave = np.frexp(length[order].astype(np.float64))[1]
    for same in np.split(order, np.flatnonzero(np.diff(octave)) + 1):
        size = int(length[same].max()) * int(n_names[same].max())
        n_pieces = max(1, AT_ONCE // size)
        for first in range(0, len(same), n_pieces):
            some = same[first : first + n_pieces]
            frame, inside = _gathered(start[some], length[some])
            numbered = np.where(inside, local[frame], -1)
            called = names[some, : n_names[some].max()].T
            yield Batch(frame, inside, numbered, called, length[some])


def cuts(codes: IntArray, row: IntArray, dwell: int) -> IntArray:
    """Give where pieces begin: at each row, and midway in a stretch that is certain.

    Frames that nobody saw are always fewer than a dwell.
    """
    begin = begins(codes, row)
    length = np.diff(begin, append=len(codes))
    certain = length >= CERTAIN * dwell
    middle = (begin + length // 2)[certain]
    return np.union1d(begins(row, row), middle)


def _renumbered(
    codes: IntArray, length: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Number the labels of each piece, in their order, without those it has not.

    Give the number of each frame (J,), the labels of each piece (M, .), those it has
    first, and how many these are (M,).
    """
    piece = np.repeat(np.arange(len(length)), length)
    has = np.zeros((len(length), int(codes.max()) + 1), dtype=np.bool_)
    has[piece[codes >= 0], codes[codes >= 0]] = True
    place = np.cumsum(has, axis=1) - 1
    local = np.where(codes >= 0, place[piece, codes], -1)
    return local, np.argsort(~has, axis=1, kind="stable"), has.sum(axis=1)


def _gathered(start: IntArray, length: IntArray) -> tuple[IntArray, BoolArray]:
    """Lay pieces side by side, time first: the frames (T, B), and which there are."""
    time = np.arange(int(length.max()))[:, None]
    inside = time < length
    return np.where(inside, start + time, 0), inside
