"""What a sequence of behaviours is like in numbers: how often, how long, what next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.temporal.rows import Labels
from models.temporal.runs import runs

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


class Behaviour(NamedTuple):
    """Labels 0 .. K-1 over all rows. NaN where there is nothing to take a mean of.

    frames      (K,): frames of each label
    runs        (K,): runs of each label
    mean_dwell  (K,): frames / runs; a run that a row's end cuts off counts as it is
    follows     (K, K): changes from row to column; the diagonal is empty
    rate:        changes for each frame at which there could have been one
    entropy:     -sum_ij p(i, j) log p(j | i) in nats, of the changes: how open it is
                 what comes next, 0 when each label is always followed by the same
    """

    frames: IntArray
    runs: IntArray
    mean_dwell: Array
    follows: IntArray
    rate: float
    entropy: float


def behaviour(
    labels: Labels, n_labels: int, lengths: Labels | None = None
) -> Behaviour:
    """Describe labels (B, T) or (T,), each from 0 to n_labels - 1."""
    if n_labels < 1:
        raise ValueError(f"n_labels is {n_labels}: wanted a whole number from 1 on")
    found = runs(labels, lengths)
    off = (found.label < 0) | (found.label >= n_labels)
    if off.any():
        first = int(off.argmax())
        message = (
            f"labels hold {found.label[first]} at row {found.row[first]}, frame "
            f"{found.start[first]}: wanted 0 to {n_labels - 1}"
        )
        raise ValueError(message)
    frames = np.bincount(found.label, found.length, n_labels).astype(np.int64)
    n_runs = np.bincount(found.label, minlength=n_labels)
    goes_on = found.row[1:] == found.row[:-1]
    follows = np.zeros((n_labels, n_labels), dtype=np.int64)
    np.add.at(follows, (found.label[:-1][goes_on], found.label[1:][goes_on]), 1)
    chances = int(frames.sum()) - len(np.unique(found.row))
    return Behaviour(
        frames=frames,
        runs=n_runs,
        mean_dwell=_ratio(frames, n_runs),
        follows=follows,
        rate=float(follows.sum() / chances) if chances else float("nan"),
        entropy=_entropy(follows),
    )


def _ratio(above: IntArray, below: IntArray) -> Array:
    """Divide, and give NaN for what is divided by nothing."""
    ratio = np.full(len(below), np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio


def _entropy(follows: IntArray) -> float:
    """Give the entropy of what follows, given what was, in nats."""
    changes = follows[follows > 0]
    if not len(changes):
        return float("nan")
    leaving = np.broadcast_to(follows.sum(axis=1, keepdims=True), follows.shape)
    odds = np.log(changes / leaving[follows > 0])
    return float(-(changes / changes.sum() * odds).sum() + 0.0)
