"""How well unnamed states agree with named behaviours.

States are named once, one-to-one, on some subjects, and judged on others: naming and
judging on the same frames would flatter a model with many states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import xlogy

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

UNNAMED = -1


def joint(states: IntArray, labels: IntArray, n_states: int, n_labels: int) -> IntArray:
    """Count frames by state and label: two arrays of one shape -> (K, L)."""
    if states.shape != labels.shape:
        message = f"states {states.shape} and labels {labels.shape} must be alike"
        raise ValueError(message)
    for name, values, count in (
        ("states", states, n_states),
        ("labels", labels, n_labels),
    ):
        if values.dtype.kind not in "iu":
            message = f"{name} are of {values.dtype}: whole numbers are wanted"
            raise ValueError(message)
        wrong = np.flatnonzero((values.ravel() < 0) | (values.ravel() >= count))
        if len(wrong):
            message = (
                f"{name} hold {values.ravel()[wrong[0]]} at frame {wrong[0]}: "
                f"they are 0 .. {count - 1}"
            )
            raise ValueError(message)
    flat = states.ravel().astype(np.int64) * n_labels + labels.ravel()
    counts: IntArray = np.bincount(flat, minlength=n_states * n_labels)
    return counts.reshape(n_states, n_labels)


def names(counts: IntArray) -> IntArray:
    """Name each state by the Hungarian method: counts (K, L) -> (K,).

    No two states share a label and the frames that agree are as many as can be. With
    more states than labels the rest are UNNAMED; so is a state without a common frame.
    """
    rows, columns = linear_sum_assignment(counts, maximize=True)
    named: IntArray = np.full(len(counts), UNNAMED)
    shared = counts[rows, columns] > 0
    named[rows[shared]] = columns[shared]
    return named


def commonest(counts: IntArray) -> IntArray:
    """Name each state by its commonest label, labels shared: counts (K, L) -> (K,)."""
    named: IntArray = np.where(counts.any(axis=1), counts.argmax(axis=1), UNNAMED)
    return named


def share_right(counts: IntArray, named: IntArray) -> float:
    """Share of frames whose state is named as their label: counts (K, L).

    Frames of unnamed states are wrong.
    """
    known = np.flatnonzero(named != UNNAMED)
    return float(counts[known, named[known]].sum() / _n_frames(counts))


def mutual_information(counts: IntArray) -> float:
    """Mutual information of state and label, in nats: counts (K, L).

    I = H(state) + H(label) - H(both)
    """
    return max(
        0.0, _entropy(counts.sum(1)) + _entropy(counts.sum(0)) - _entropy(counts)
    )


def nmi(counts: IntArray) -> float:
    """Mutual information over the mean of both entropies, in 0 .. 1: counts (K, L).

    Two partitions of one part each agree: 1.
    """
    mean = 0.5 * (_entropy(counts.sum(1)) + _entropy(counts.sum(0)))
    return mutual_information(counts) / mean if mean > 0.0 else 1.0


def ari(counts: IntArray) -> float:
    """Adjusted Rand index: pairs of frames that agree, 0 by chance, 1 at best.

        (both - expected) / ((rows + columns) / 2 - expected),
        expected = rows * columns / all

    where each is a number of pairs of frames (Hubert and Arabie, 1985).
    """
    both, every = _pairs(counts), _pairs(counts.sum())
    rows, columns = _pairs(counts.sum(axis=1)), _pairs(counts.sum(axis=0))
    expected = rows * columns / every if every else 0.0
    most = 0.5 * (rows + columns)
    return (both - expected) / (most - expected) if most != expected else 1.0


def duration_errors(found: Array, true: Array, named: IntArray) -> Array:
    """Relative error of each label's mean duration: found (K,), true (L,) -> (L,).

    found / true - 1 for the state of that name, and nan for a label without one.
    """
    errors = np.full(len(true), np.nan)
    known = np.flatnonzero(named != UNNAMED)
    errors[named[known]] = found[known] / true[named[known]] - 1.0
    return errors


def _entropy(counts: IntArray) -> float:
    """Entropy of shares, in nats."""
    shares = counts / _n_frames(counts)
    return float(-xlogy(shares, shares).sum())


def _n_frames(counts: IntArray) -> int:
    """Count the frames; without any there is nothing to agree on."""
    if not counts.any():
        raise ValueError("counts hold no frames: one or more is wanted")
    return int(counts.sum())


def _pairs(counts: IntArray) -> float:
    """Number of pairs within each count, added up."""
    return float(np.sum(counts * (counts - 1.0)) / 2.0)
