"""Every short sequence there is, and every labelling that a dwell allows."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from models.temporal.runs import runs, transitions

Ints = npt.NDArray[np.int64]

DWELLS = (1, 2, 3, 4, 5)
SHORT = [(n, k) for n in range(1, 9) for k in (1, 2, 3)]


def every(n_frames: int, n_labels: int) -> Ints:
    """List every sequence (n_labels ** n_frames, n_frames)."""
    return np.array(list(itertools.product(range(n_labels), repeat=n_frames)))


def in_order(sequences: Ints) -> Ints:
    """Keep those whose labels come in order, 0 first: the rest is renaming."""
    top = np.maximum.accumulate(sequences, axis=1)
    new = np.diff(top, axis=1, prepend=-1)
    kept: Ints = sequences[(new <= 1).all(axis=1) & (sequences[:, 0] == 0)]
    return kept


def shortest(sequences: Ints, *, censored: bool) -> Ints:
    """Give the shortest run of each row; runs at the ends count unless censored."""
    n_rows, n_frames = sequences.shape
    found = runs(sequences)
    ends = (found.start == 0) | (found.start + found.length == n_frames)
    length = np.where(ends & censored, 99, found.length)
    least: Ints = np.full(n_rows, 99)
    np.minimum.at(least, found.row, length)
    return least


def allowed(n_frames: int, n_labels: int, dwell: int, *, censored: bool) -> Ints:
    """List every labelling that has no run shorter than the dwell, or one run only."""
    whole = every(n_frames, n_labels)
    fine = shortest(whole, censored=censored) >= dwell
    kept: Ints = whole[fine | (transitions(whole) == 0)]
    return kept
