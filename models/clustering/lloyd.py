"""k-means: centroids that are the mean of what is nearest to them (Lloyd 1982)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from models.clustering.centroids import Centroids
from models.clustering.model import nearest_index

if TYPE_CHECKING:
    from models.clustering.points import Points
    from models.shapes import IntArray


class Lloyd(NamedTuple):
    """The best of several starts.

    group (U,): the centroid of each row. spread: sum of weight * squared distance.
    rounds: of the best start. settled: whether it ended before its rounds did.
    """

    model: Centroids
    group: IntArray
    spread: float
    rounds: int
    settled: bool


def lloyd(
    points: Points, k: int, rng: np.random.Generator, *, starts: int, rounds: int
) -> Lloyd:
    """Start `starts` times by k-means++ and keep the least spread.

    At least k rows must have weight; those without have no part. A centroid may be left
    without rows where rows are too near each other to be told apart by distance. Time
    O(starts * rounds * U k F). Run it on one thread.
    """
    has_weight = points.weights > 0
    rows, weights = points.rows[has_weight], points.weights[has_weight]
    seed = int(rng.integers(2**32))
    solver = KMeans(k, n_init=starts, max_iter=rounds, tol=0.0, random_state=seed)
    with warnings.catch_warnings():
        # It warns of centroids without rows, which whoever comes next can do with.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = solver.fit(rows, sample_weight=weights)
    support = np.bincount(found.labels_, weights, minlength=k)
    model = Centroids(
        names=np.arange(k),
        weights=support / support.sum(),
        means=found.cluster_centers_,
        origin=np.average(rows, axis=0, weights=weights),
    )
    return Lloyd(
        model=model,
        group=nearest_index(model, points.rows),
        spread=float(found.inertia_),
        rounds=int(found.n_iter_),
        settled=found.n_iter_ < rounds,
    )
