"""New clusters get the labels of the old ones that they share most with.

One to one, by the assignment that keeps the most weight under its old label (Kuhn
1955). A new cluster that shares nothing gets a label that nobody had, and a label whose
cluster is gone is given to no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.shapes import Array, IntArray


LARGEST_LABEL = 2**53  # what a reader of JSON keeps exactly


class Matching(NamedTuple):
    """How clusters got their names.

    names (K,): of each new cluster. prior (J,): the old labels, in ascending order.
    overlap (K, J): the weight that both share. fresh: new names that no old cluster
    had. vanished: old labels that no new cluster has. next_label: above all of them.
    """

    names: IntArray
    prior: IntArray
    overlap: Array
    fresh: tuple[int, ...]
    vanished: tuple[int, ...]
    next_label: int


def prior_rows(prior_labels: npt.ArrayLike | None, n_rows: int) -> IntArray:
    """Check earlier labels (B,): whole numbers, -1 for unknown; None for all so."""
    if prior_labels is None:
        return np.full(n_rows, -1)
    prior = np.asarray(prior_labels)
    if prior.dtype.kind not in "iu":
        raise ValueError(f"prior_labels must be whole numbers, found {prior.dtype}")
    if prior.shape != (n_rows,):
        raise ValueError(
            f"prior_labels must be ({n_rows},), one for each row of features, "
            f"found {prior.shape}"
        )
    bad = (prior < -1) | (prior > LARGEST_LABEL)
    if bad.any():
        row = int(bad.argmax())
        raise ValueError(
            f"prior_labels holds {prior[row]} at row {row}: "
            f"labels are 0 .. {LARGEST_LABEL}, and -1 where none was known"
        )
    return prior.astype(np.int64)


def match(
    index: IntArray, n_clusters: int, prior: IntArray, weights: Array, next_label: int
) -> Matching:
    """Name the clusters that rows have by `index` (B,) as `prior` does.

    prior (B,) of labels, -1 for none; weights (B,). Fresh names begin at `next_label`
    or above all old ones. Time O(B + K J min(K, J)).
    """
    known = prior >= 0
    labels, place = np.unique(prior[known], return_inverse=True)
    overlap = np.zeros((n_clusters, len(labels)))
    np.add.at(overlap, (index[known], place), weights[known])
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    shares = overlap[rows, columns] > 0
    names = np.full(n_clusters, -1)
    names[rows[shares]] = labels[columns[shares]]
    first = max(next_label, int(labels.max(initial=-1)) + 1)
    is_fresh = names < 0
    fresh = first + np.arange(int(is_fresh.sum()))
    names[is_fresh] = fresh
    return Matching(
        names=names,
        prior=labels,
        overlap=overlap,
        fresh=tuple(fresh.tolist()),
        vanished=tuple(sorted(set(labels.tolist()) - set(names.tolist()))),
        next_label=first + len(fresh),
    )
