"""The best labelling in which every run lasts: one dynamic programme for all.

A labelling is worth the sum of `score` over its frames, less a `fee` for each change.
It may be chosen when every run

    lasts `dwell` frames or more, and
    holds a frame at which its label is `shown`.

What is shown is one label a frame: the one that was given, or the most probable one.
The second rule is what keeps smoothing from inventing: take for each run a frame where
its label is shown; these frames lie in different runs of what was shown, for
neighbours differ, and so there are never more runs than there were.

The programme runs from the end, so that the walk from the front can break ties in a way
that is easy to say: stay while staying is as good; else the lower of the best labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray


class Ahead(NamedTuple):
    """What the frames from t on are worth at best.

    fresh (T', K, B): when a run of k begins at t; T' = T - dwell + 1
    leave (T, K, B): whether a run of k that may end had better end before t
    """

    fresh: Array
    leave: BoolArray


def solve(
    score: Array,
    shown: BoolArray | None,
    lengths: IntArray,
    *,
    dwell: int,
    fee: float,
) -> tuple[IntArray, Array]:
    """Give the best labelling (T, B) and its worth (B,), -inf where there is none.

    score and shown are (T, K, B); both are zero behind a row's end, `lengths` (B,) of
    at least `dwell` frames. Without `shown` the second rule is left out, which is right
    where no best labelling breaks it. Time T K B, whatever the dwell.
    """
    ahead = _look_ahead(score, shown, lengths, dwell, fee)
    return _walk(ahead, shown, dwell), ahead.fresh[0].max(axis=0)


def one_run(score: Array, shown: BoolArray) -> tuple[IntArray, Array]:
    """Give the same for rows that are too short to hold two runs, or even one."""
    total = np.where(shown.any(axis=0), score.sum(axis=0), -np.inf)
    best = total.argmax(axis=0)
    return np.broadcast_to(best, (len(score), len(best))), total.max(axis=0)


def _look_ahead(
    score: Array,
    shown: BoolArray | None,
    lengths: IntArray,
    dwell: int,
    fee: float,
) -> Ahead:
    """Fill in, from the end, what the rest is worth.

        settled[t, k] = max(score[t, k] + settled[t+1, k], max_j fresh[t, j] - fee)
        unshown[t, k] = score[t, k] + (settled or unshown)[t+1, k]
        fresh[t, k]   = sum score[t .. t+dwell-1, k] + (settled or unshown)[t+dwell, k]

    A run is settled once it lasts long enough and its label was shown; only then may
    it end, be it by a change or with the row.
    """
    n_frames, n_labels, n_rows = score.shape
    fresh = _windows(score, dwell, np.add)
    leave = np.zeros(score.shape, dtype=np.bool_)
    settled = np.zeros((n_frames + 1, n_labels, n_rows))
    after, soonest_end = settled, int(lengths.min(initial=n_frames))
    if shown is not None:
        seen = _windows(shown, dwell, np.logical_or)
        after = np.full(settled.shape, -np.inf)  # unshown
    for t in range(n_frames - 1, -1, -1):
        now = np.add(score[t], settled[t + 1], out=settled[t])
        if shown is not None:
            np.add(score[t], after[t + 1], out=after[t])
            np.copyto(after[t], now, where=shown[t])
        if t >= len(fresh):
            continue
        begun = fresh[t]
        if shown is None:
            begun += settled[t + dwell]
        else:
            begun += np.where(seen[t], settled[t + dwell], after[t + dwell])
        if t + dwell > soonest_end:
            begun[:, t + dwell > lengths] = -np.inf
        change = begun.max(axis=0) - fee
        np.greater(change, now, out=leave[t])
        np.maximum(change, now, out=now)
    return Ahead(fresh, leave)


def _windows(frames: npt.NDArray[Any], width: int, join: np.ufunc) -> npt.NDArray[Any]:
    """Join each `width` frames that follow each other: (T, ..) to (T - width + 1, ..).

    By doubling, and so without the difference of running sums in which -inf is lost.
    """
    joined, done, power = None, 0, frames
    for bit in range(width.bit_length()):
        step = 1 << bit
        if width & step:
            joined = (
                power
                if joined is None
                else join(joined[: len(power) - done], power[done:])
            )
            done += step
        if 2 * step <= width:
            power = join(power[:-step], power[step:])
    return np.array(joined)


def _walk(ahead: Ahead, shown: BoolArray | None, dwell: int) -> IntArray:
    """Follow the best choices from the front, run by run: labels (T, B)."""
    n_frames, _, n_rows = ahead.leave.shape
    begun = np.full((n_frames, n_rows), -1)
    ends = _next(ahead.leave)
    proofs = None if shown is None else _next(shown)
    row, t = np.arange(n_rows), np.zeros(n_rows, dtype=np.int64)
    while len(row):
        label = ahead.fresh[t, :, row].argmax(axis=1)
        begun[t, row] = label
        free = t + dwell
        if proofs is not None:
            free = np.maximum(free, proofs[t, label, row] + 1)
        end = ends[np.minimum(free, n_frames), label, row].astype(np.int64)
        row, t = row[end < n_frames], end[end < n_frames]
    latest = np.where(begun >= 0, np.arange(n_frames)[:, None], 0)
    path: IntArray = np.take_along_axis(
        begun, np.maximum.accumulate(latest, axis=0), axis=0
    )
    return path


def _next(is_so: BoolArray) -> npt.NDArray[np.int32]:
    """Give the next frame, t or later, at which it is so; T if none: (T + 1, K, B)."""
    n_frames = len(is_so)
    found = np.full((n_frames + 1, *is_so.shape[1:]), n_frames, dtype=np.int32)
    time = np.arange(n_frames, dtype=np.int32)[:, None, None]
    np.copyto(found[:-1], time, where=is_so)
    return np.minimum.accumulate(found[::-1], axis=0)[::-1]
