"""Clustering by any sampler that can say which rows belong together.

A Dirichlet process gives a partition of the rows it saw and no rule for others. So each
group becomes a normal density, and rows, old and new, go by the posterior; how many
rows this moves is part of the account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.chance import stream
from models.clustering.clustering import ENOUGH, Clustering, Support, settle
from models.clustering.em import maximum, prior_of
from models.clustering.matching import prior_rows
from models.clustering.model import nearest_index
from models.clustering.points import Points, points
from models.clustering.wanted import Covariance, at_least, known
from models.shapes import Array, IntArray
from models.threads import one_thread

if TYPE_CHECKING:
    import numpy.typing as npt

# Rows (B, F) in an order of their own, and a stream to draw from, to groups (B,).
Partition = Callable[[Array, np.random.Generator], IntArray]


@dataclass(frozen=True)
class HDPClusterer:
    """As many clusters as `partition` finds, with names that stay.

    partition: takes rows (B, F), equal ones as often as they came, and a stream, and
    gives a whole number for each row; rows of one number are one group.
    """

    partition: Partition
    random_state: int = 0
    covariance: Covariance = "full"
    support: Support = ENOUGH

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing."""
        at_least(0, "random_state", self.random_state)
        known("covariance", [self.covariance])

    @one_thread()
    def fit(
        self,
        features: npt.ArrayLike,
        *,
        prior_labels: npt.ArrayLike | None = None,
        next_label: int = 0,
    ) -> Clustering:
        """Cluster features (B, F); see GMMClusterer.fit for the other arguments."""
        given = points(features, None)
        earlier = prior_rows(prior_labels, len(given.place))
        at_least(0, "next_label", next_label)
        order = np.argsort(given.place, kind="stable")
        rows = given.rows[given.place[order]]
        found = self.partition(rows, stream(self.random_state, "partition"))
        group = _checked(found, len(rows))
        k = int(group.max()) + 1
        share = _shares(group, given.place[order], given, k)
        prior = prior_of(given, k, self.covariance)
        model = maximum(given, share, prior, self.covariance)
        moved = nearest_index(model, given.rows)[given.place[order]] != group
        audit = {
            "strategy": "hdp",
            "random_state": self.random_state,
            "k": k,
            "covariance": self.covariance,
            "moved_by_posterior": float(moved.mean()),
        }
        return settle(model, given, self.support, earlier, next_label, audit)

    def fit_predict(
        self, features: npt.ArrayLike, prior_labels: npt.ArrayLike | None = None
    ) -> IntArray:
        """Give the labels (B,) of features (B, F); `fit` tells how they came about."""
        return self.fit(features, prior_labels=prior_labels).labels


def _checked(found: npt.ArrayLike, n_rows: int) -> IntArray:
    """Give groups as 0, 1, ...; refuse what is no partition of the rows."""
    group = np.asarray(found)
    if group.shape != (n_rows,) or group.dtype.kind not in "iu":
        raise ValueError(
            f"partition must give {n_rows} whole numbers, one for each row, "
            f"found {group.shape} {group.dtype}"
        )
    return np.unique(group, return_inverse=True)[1].astype(np.int64)


def _shares(group: IntArray, place: IntArray, given: Points, k: int) -> Array:
    """Give the share of each group in each distinct row (U, K)."""
    share = np.zeros((len(given.rows), k))
    np.add.at(share, (place, group), 1.0)
    return share / given.weights[:, None]
