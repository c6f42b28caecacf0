"""Which windows are learned from, in which order: one endless sequence for a seed.

The sequence is made of passes. A pass cuts every recording end to end from a random
frame on, so that it sees each frame about once and no pass sees the windows of another,
and deals the windows in a random order. An epoch is a stretch of the sequence; what it
is depends on the seed and its number alone, after others or first after a resume.
"""

from __future__ import annotations

import numpy as np

from models.chance import stream
from models.shapes import IntArray


def count(lengths: IntArray, size: int) -> int:
    """Give how many windows a pass has, the same for every pass.

    A recording gives as many as fit whole from whatever frame it is cut.
    """
    return int(_each(lengths, size).sum())


def dealt(
    begins: IntArray, lengths: IntArray, size: int, *, seed: int, first: int, last: int
) -> IntArray:
    """Give the first frames of windows `first` to `last` - 1 of the sequence.

    begins, lengths (R,): where each recording lies
    """
    whole = count(lengths, size)
    if whole == 0:
        longest = int(lengths.max(initial=0))
        message = f"no window of {size} frames fits: the longest has {longest}"
        raise ValueError(message)
    passes = range(first // whole, (last - 1) // whole + 1)
    found = np.concatenate(
        [np.empty(0, np.int64)]
        + [_pass(begins, lengths, size, seed, number) for number in passes]
    )
    begin = first - first // whole * whole
    return found[begin : begin + last - first]


def _each(lengths: IntArray, size: int) -> IntArray:
    """Give how many windows each recording gives (R,)."""
    fitting: IntArray = np.maximum((lengths + 1) // size - 1, lengths // size > 0)
    return fitting


def _pass(
    begins: IntArray, lengths: IntArray, size: int, seed: int, number: int
) -> IntArray:
    """Cut and deal one pass."""
    rng = stream(seed, "pass", number)
    counts = _each(lengths, size)
    spare = np.minimum(lengths - counts * size, size - 1)
    offsets = rng.integers(0, np.maximum(spare, 0) + 1)
    rows = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    cut: IntArray = begins[rows] + offsets[rows] + size * place
    return rng.permutation(cut)
