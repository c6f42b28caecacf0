"""The best segmentation of each record, by the max-plus form of the recursion.

    ends[t, k]   = max over d of log_d[d, k] + lik(t-d .. t, k) + starts[t-d, k]
    starts[t, k] = max over j of ends[t, j] + log_a[j, k]

Both halves of a record are swept at once (maxsweep.py), each from its own end, and
joined in the middle. Which duration and state were best is not noted on the way; it is
looked up again along the one path that is followed out. Of paths that are equal, to the
last bit, it is always the same one that is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm import records as laid
from models.hsmm.edges import weights
from models.hsmm.following import follow
from models.hsmm.maxsweep import Side, maxsweep
from models.hsmm.meeting import Half
from models.hsmm.messages import RIGHT_CENSORED
from models.hsmm.segments import Segments, joined, labels

if TYPE_CHECKING:
    from models.hsmm.edges import Edges, Weights
    from models.hsmm.process import Process
    from models.hsmm.records import Records
    from models.shapes import Array, IntArray

# Durations of all states and rows added and compared for a frame: more leave the cache.
ROOM = 1 << 15


class Decoded(NamedTuple):
    """The best way to cut N records.

    labels (N, T): the state of each frame, -1 past a record's end
    segments     : see Segments
    score    (N,): log joint probability of the record and these segments
    """

    labels: IntArray
    segments: Segments
    score: Array


def viterbi(
    process: Process,
    log_lik: Array,
    lengths: IntArray | None = None,
    edges: Edges = RIGHT_CENSORED,
) -> Decoded:
    """Find the most probable segments of records log_lik (N, T, K) with `lengths` (N,).

    Refuse a record that cannot happen. Time N T D K + N T K K.
    """
    records = laid.lay(process, log_lik, lengths)
    weight = weights(process, edges)
    n_records = len(records.lengths)
    at_once = max(1, ROOM // (2 * process.log_d.size))
    paths = [
        path
        for begin in range(0, n_records, at_once)
        for path in _paths(process, weight, records, slice(begin, begin + at_once))
    ]
    score = np.array([score for _, score in paths], dtype=np.float64)
    laid.refuse_impossible(records, score)
    found = joined([segments for segments, _ in paths])
    n_records, n_frames, _ = log_lik.shape
    return Decoded(
        labels(found, n_records, n_frames),
        found,
        laid.unsorted(records, score + records.best),
    )


def _paths(
    process: Process, weight: Weights, records: Records, group: slice
) -> list[tuple[Segments, float]]:
    """Give the best path of each record of a group, and its log weight."""
    lengths, order = records.lengths[group], records.order[group]
    n_frames = int(lengths.max(initial=0))
    gain = records.gain[:n_frames, :, group].transpose(0, 2, 1)
    cuts = lengths // 2
    mirrored = np.maximum(lengths - 1 - np.arange(n_frames)[:, None], 0)
    turned = np.take_along_axis(gain, mirrored[:, :, None], axis=0)
    half = n_frames - n_frames // 2
    sides = (
        Side(gain[:half], weight.first, process.log_a),
        Side(turned[:half], weight.last, process.log_a.T),
    )
    swept = maxsweep(weight.inner, sides)
    found = []
    for row, (length, cut) in enumerate(zip(lengths, cuts, strict=True)):
        left, right = (
            Half(
                best.ends[: reach + 1, row],
                best.starts[: reach + 1, row],
                side.gain[:reach, row],
                side.first,
            )
            for best, side, reach in zip(swept, sides, (cut, length - cut), strict=True)
        )
        found.append(follow(weight, process.log_a, left, right, int(order[row])))
    return found
