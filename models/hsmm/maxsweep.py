"""The max-plus form of the recursion in sweep.py: the best path to each boundary.

Maxima need no exponentials, so everything stays in logs. Frames go by in blocks in the
same way: durations that reach back before the block are one large operation, and only
those within it go frame by frame. Sums over frames are made by adding, so a frame that
a state cannot emit needs no special case.

A step costs as much for two rows as for one. So each record goes as two: its first half
from the left and, mirrored, its second half from the right; meeting.py joins them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from models.shapes import Array

BLOCK = 16


class Side(NamedTuple):
    """Rows (R, ..) that go by one law, from the left or from the right.

    gain (T, R, K): log likelihoods; first (D, K): weight of the segment at the row's
    beginning; log_a (K, K): from the state before, in the row's direction, to the next
    """

    gain: Array
    first: Array
    log_a: Array


class Best(NamedTuple):
    """Log weight of the best path to each boundary of each row.

    ends   (T+1, R, K): of those with a segment that ends there
    starts (T+1, R, K): of those with a segment that begins there; starts[0] is -inf
    """

    ends: Array
    starts: Array


def maxsweep(inner: Array, sides: tuple[Side, Side]) -> tuple[Best, Best]:
    """Find the best paths of both sides at once; inner (D, K) weighs durations."""
    n_durations, n_states = inner.shape
    n_rows = sides[0].gain.shape[1]
    n_frames = max(len(side.gain) for side in sides)
    gain = np.zeros((-(-n_frames // BLOCK) * BLOCK, 2 * n_rows, n_states))
    for i, side in enumerate(sides):
        gain[: len(side.gain), i * n_rows : (i + 1) * n_rows] = side.gain
    first = np.repeat(np.stack([side.first for side in sides], axis=1), n_rows, axis=1)
    into = np.repeat(np.stack([side.log_a for side in sides], axis=1), n_rows, axis=1)
    ends = np.full((len(gain) + 1, 2 * n_rows, n_states), -np.inf)
    starts = np.full_like(ends, -np.inf)
    begun = np.full((n_durations, 2 * n_rows, n_states), -np.inf)
    origin = np.zeros((2 * n_rows, n_states))
    block = _Block(inner, into)
    for begin in range(0, len(gain), BLOCK):
        kept = gain[begin : begin + BLOCK]
        block.reach_back(begun)
        if begin < n_durations:
            opening = first[begin : begin + BLOCK] + origin
            reached = block.ends[: len(opening)]
            np.maximum(reached, opening, out=reached)
            origin += kept.sum(axis=0)
        block.fill(kept)
        ends[begin + 1 : begin + BLOCK + 1] = block.ends
        starts[begin + 1 : begin + BLOCK + 1] = block.starts
        begun = _moved_on(begun, kept, block.starts)
    left, right = slice(0, n_rows), slice(n_rows, 2 * n_rows)
    return Best(ends[:, left], starts[:, left]), Best(ends[:, right], starts[:, right])


def _moved_on(begun: Array, kept: Array, starts: Array) -> Array:
    """Let a block pass: what has begun (D, R, K) survives it, its own starts join."""
    n_new = min(BLOCK, len(begun))
    since = np.zeros_like(kept)
    np.cumsum(kept[:0:-1], axis=0, out=since[1:])
    moved = np.empty_like(begun)
    np.add(begun[: len(begun) - n_new], since[-1] + kept[0], out=moved[n_new:])
    np.add(starts[::-1][:n_new], since[:n_new], out=moved[:n_new])
    return moved


class _Block:
    """Room for one block of R rows, with its views cut once, as in sweep.py.

    What is maximised over comes first, so that maxima are of whole arrays.
    """

    def __init__(self, inner: Array, into: Array) -> None:
        n_durations, n_states = inner.shape
        n_rows = into.shape[1]
        padded = np.full((n_durations + BLOCK, n_states), -np.inf)
        padded[:n_durations] = inner
        windows = np.lib.stride_tricks.sliding_window_view(padded, BLOCK, axis=0)
        windows = windows[:n_durations].transpose(0, 2, 1)[:, :, None]
        # Laid out once for every row: adding arrays of one shape is twice as fast.
        self.later = np.repeat(windows, n_rows, axis=2)
        self.reached = np.empty_like(self.later)
        self.into = into
        self.ends = np.empty((BLOCK, n_rows, n_states))
        self.starts = np.empty_like(self.ends)
        self.pairs = np.empty_like(into)
        within = padded[:BLOCK, None]
        passed = np.empty_like(self.ends)
        self.moves = [
            (
                self.ends[t:],
                self.ends[t].T[:, :, None],
                self.starts[t],
                within[:rest],
                passed[:rest],
                self.ends[t + 1 :],
            )
            for t, rest in enumerate(range(BLOCK - 1, -1, -1))
        ]

    def reach_back(self, begun: Array) -> None:
        """Set `ends` to the best of what began before the block, but for emissions."""
        np.add(self.later, begun[:, None], out=self.reached)
        np.maximum.reduce(self.reached, axis=0, out=self.ends)

    def fill(self, kept: Array) -> None:
        """Finish `ends` and find `starts`, given the gains kept (BLOCK, R, K)."""
        into, pairs = self.into, self.pairs
        steps = zip(self.moves, kept, strict=True)
        for (going, end, start, within, passed, later), gained in steps:
            np.add(going, gained, out=going)
            np.add(end, into, out=pairs)
            np.maximum.reduce(pairs, axis=0, out=start)
            np.add(within, start, out=passed)
            np.maximum(later, passed, out=later)
