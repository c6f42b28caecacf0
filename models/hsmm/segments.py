"""The segments of records, as flat arrays: what Viterbi finds and samplers draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from models.shapes import IntArray


class Segments(NamedTuple):
    """All segments of N records, record after record, in order of time; M in all.

    record (M,): which record it is of, 0..N-1
    state  (M,): its state
    begin  (M,): its first frame
    length (M,): its frames in the record
    """

    record: IntArray
    state: IntArray
    begin: IntArray
    length: IntArray


def of_record(segments: Segments, n: int) -> Segments:
    """Give the segments of one record."""
    here = segments.record == n
    return Segments(*(part[here] for part in segments))


def labels(segments: Segments, n_records: int, n_frames: int) -> IntArray:
    """Give the state of each frame (N, T), and -1 past a record's end."""
    found = np.full((n_records, n_frames), -1, dtype=np.int64)
    within = np.arange(segments.length.sum()) - np.repeat(
        segments.length.cumsum() - segments.length, segments.length
    )
    frames = np.repeat(segments.begin, segments.length) + within
    rows = np.repeat(segments.record, segments.length)
    found[rows, frames] = np.repeat(segments.state, segments.length)
    return found


def joined(steps: list[Segments]) -> Segments:
    """Put together what was found step by step: by record, and by time within it."""
    if not steps:
        return Segments(*(np.zeros(0, dtype=np.int64) for _ in Segments._fields))
    found = [np.concatenate(parts) for parts in zip(*steps, strict=True)]
    order = np.lexsort((found[2], found[0]))
    return Segments(*(part[order] for part in found))
