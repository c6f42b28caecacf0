"""What segments add up to, be they expected by a posterior or given as labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm.emission import checked_indices

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


class Counts(NamedTuple):
    """How often each part of a process was used.

    first   (K,): records that begin in k
    moves (K, K): segments of the row's state that one of the column's state follows
    ended (D, K): segments of d frames (row d-1) that are known to have ended
    cut   (D, K): segments of which d frames were seen before the record ended: censored
    """

    first: Array
    moves: Array
    ended: Array
    cut: Array


def from_labels(
    labels: IntArray, lengths: IntArray, n_states: int, max_duration: int
) -> Counts:
    """Count the runs of labels (N, T) as if they were the segments.

    Labels are 0 .. K-1 in all frames of a record. Its last run is cut by its end. A run
    of more than D frames is cut at D: that much of it is known, and that it goes on.
    """
    counts = Counts(
        np.zeros(n_states),
        np.zeros((n_states, n_states)),
        np.zeros((max_duration, n_states)),
        np.zeros((max_duration, n_states)),
    )
    states = checked_indices("labels", labels, lengths, n_states)
    for row, length in zip(states, lengths, strict=True):
        _add(counts, row[:length])
    return counts


def runs(labels: IntArray) -> tuple[IntArray, IntArray]:
    """Give states (M,) and lengths (M,) of the runs of labels (T,)."""
    begins = np.flatnonzero(np.diff(labels, prepend=labels[:1] - 1))
    lasting: IntArray = np.diff(begins, append=len(labels))
    return labels[begins], lasting


def _add(counts: Counts, labels: IntArray) -> None:
    """Add the runs of one record's labels (T,)."""
    if not len(labels):
        return
    states, lasting = runs(labels)
    longest = len(counts.ended)
    known = (lasting <= longest) & (np.arange(len(lasting)) < len(lasting) - 1)
    rows = np.minimum(lasting, longest) - 1
    counts.first[states[0]] += 1.0
    np.add.at(counts.moves, (states[:-1], states[1:]), 1.0)
    np.add.at(counts.ended, (rows[known], states[known]), 1.0)
    np.add.at(counts.cut, (rows[~known], states[~known]), 1.0)
