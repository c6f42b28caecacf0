"""Clustering by the nearest of k centroids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.chance import stream
from models.clustering.clustering import ENOUGH, Clustering, Support, settle
from models.clustering.lloyd import lloyd
from models.clustering.matching import prior_rows
from models.clustering.points import points
from models.clustering.wanted import at_least, possible
from models.threads import one_thread

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.shapes import IntArray


@dataclass(frozen=True)
class KMeansClusterer:
    """k-means from several starts, with names that stay.

    A plain value: it holds settings and no result, and every fit draws from a stream of
    its own, so that the same rows give the same labels however often they are fitted.
    """

    random_state: int = 0
    starts: int = 4
    rounds: int = 300
    support: Support = ENOUGH

    def __post_init__(self) -> None:
        """Refuse what are no counts."""
        at_least(0, "random_state", self.random_state)
        at_least(1, "starts", self.starts)
        at_least(1, "rounds", self.rounds)

    @one_thread()
    def fit(
        self,
        features: npt.ArrayLike,
        k: int,
        *,
        prior_labels: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
        next_label: int = 0,
    ) -> Clustering:
        """Cluster features (B, F) into k, or fewer where fewer are distinct.

        prior_labels (B,): earlier labels of the same rows, to be kept where they can.
        sample_weight (B,): how much each row counts. next_label: the least label that a
        new cluster may get; an earlier audit's "next_label" keeps old names out of use.
        """
        given = points(features, sample_weight)
        prior = prior_rows(prior_labels, len(given.place))
        at_least(0, "next_label", next_label)
        n = possible(k, given)
        rng = stream(self.random_state, "k-means")
        found = lloyd(given, n, rng, starts=self.starts, rounds=self.rounds)
        audit = {
            "strategy": "k-means",
            "random_state": self.random_state,
            "k_asked": k,
            "k": n,
            "starts": self.starts,
            "rounds": found.rounds,
            "settled": found.settled,
            "spread": found.spread,
        }
        return settle(found.model, given, self.support, prior, next_label, audit)

    def fit_predict(
        self,
        features: npt.ArrayLike,
        k: int,
        prior_labels: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> IntArray:
        """Give the labels (B,) of features (B, F); `fit` tells how they came about."""
        fitted = self.fit(
            features, k, prior_labels=prior_labels, sample_weight=sample_weight
        )
        return fitted.labels
