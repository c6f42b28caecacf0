"""Runs: the longest stretches of one label."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.temporal.rows import Labels, rows

if TYPE_CHECKING:
    from models.shapes import IntArray


class Runs(NamedTuple):
    """The runs of a batch, row after row; R of them.

    row    (R,): the row that it lies in
    label  (R,): the label that it holds
    start  (R,): its first frame within the row
    length (R,): how many frames it lasts
    """

    row: IntArray
    label: IntArray
    start: IntArray
    length: IntArray


def runs(labels: Labels, lengths: Labels | None = None) -> Runs:
    """Give the runs of sequences (B, T) or (T,), ragged by `lengths` (B,)."""
    read = rows(labels, lengths)
    begin = begins(read.flat, read.row)
    length = np.diff(begin, append=len(read.flat))
    frame = np.nonzero(read.inside)[1]
    return Runs(read.row[begin], read.flat[begin], frame[begin], length)


def begins(flat: IntArray, row: IntArray) -> IntArray:
    """Give where the runs begin among frames (J,) that lie row after row."""
    fresh = np.ones(len(flat), dtype=np.bool_)
    fresh[1:] = (flat[1:] != flat[:-1]) | (row[1:] != row[:-1])
    return np.flatnonzero(fresh)


def transitions(labels: Labels, lengths: Labels | None = None) -> IntArray:
    """Count the changes of label in each row (B,); a sequence (T,) is one row."""
    found = runs(labels, lengths)
    n_rows = len(np.atleast_2d(labels))
    n_runs = np.bincount(found.row, minlength=n_rows)
    changes: IntArray = np.maximum(n_runs - 1, 0)
    return changes
