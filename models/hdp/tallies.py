"""What drawn segments add up to: all that a sweep's other draws want to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm.segments import Segments, labels

if TYPE_CHECKING:
    from models.shapes import IntArray


class Tallies(NamedTuple):
    """What segments add up to.

    first (K,): states that begin a sequence; moves (K, K): from row to column
    whole (D, K): durations d in row d-1; cut (D, K): those that a sequence's end cut
    emitted (K, C): codes by state
    """

    first: IntArray
    moves: IntArray
    whole: IntArray
    cut: IntArray
    emitted: IntArray


def tally(
    segments: Segments,
    codes: IntArray,
    *,
    n_states: int,
    max_duration: int,
    n_codes: int,
) -> Tallies:
    """Add up the segments that tile codes (N, T); the last of each record is cut.

    One of more than D frames, which only a start can have, counts as one of D.
    """
    follows = segments.record[1:] == segments.record[:-1]
    is_first = np.append(True, ~follows)
    is_last = np.append(~follows, True)
    state, length = segments.state, segments.length
    lasting = (np.minimum(length, max_duration) - 1) * n_states + state
    steps = (state[:-1] * n_states + state[1:])[follows]
    by_frame = labels(segments, *codes.shape)
    inside = by_frame >= 0
    emitted = by_frame[inside] * n_codes + codes[inside]
    return Tallies(
        first=_tabulate(state[is_first], (n_states,)),
        moves=_tabulate(steps, (n_states, n_states)),
        whole=_tabulate(lasting[~is_last], (max_duration, n_states)),
        cut=_tabulate(lasting[is_last], (max_duration, n_states)),
        emitted=_tabulate(emitted, (n_states, n_codes)),
    )


def runs(by_frame: IntArray, lengths: IntArray) -> Segments:
    """Cut labels (N, T) of records of lengths (N,) into runs of equal labels.

    No state follows itself, so that these are the segments the labels came from. What
    stands past a record's end is not read.
    """
    inside = np.arange(by_frame.shape[1]) < lengths[:, None]
    changes = inside.copy()
    changes[:, 1:] &= by_frame[:, 1:] != by_frame[:, :-1]
    record, begin = np.nonzero(changes)
    at = np.flatnonzero(changes[inside])
    length = np.diff(np.append(at, np.count_nonzero(inside)))
    return Segments(record, by_frame[record, begin], begin, length)


def _tabulate(cells: IntArray, shape: tuple[int, ...]) -> IntArray:
    """Count how often each cell occurs, in a table of `shape`."""
    tallied = np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape)
    return tallied.astype(np.int64, copy=False)
