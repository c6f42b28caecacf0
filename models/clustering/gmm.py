"""Clustering by a mixture of normal densities, with as many as BIC finds worth it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.chance import stream
from models.clustering.clustering import ENOUGH, Clustering, Support, settle
from models.clustering.em import Fit, em
from models.clustering.lloyd import lloyd
from models.clustering.matching import prior_rows
from models.clustering.points import Points, points
from models.clustering.wanted import Covariance, at_least, known, possible
from models.threads import one_thread

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.shapes import IntArray


# With more the prior, which keeps densities from growing without end, would be lost.
LARGEST_TOTAL = 1e8


class _Candidate(NamedTuple):
    """One way to describe the rows."""

    k: int
    covariance: Covariance
    fit: Fit
    bic: float


@dataclass(frozen=True)
class GMMClusterer:
    """A normal mixture fitted by EM from k-means groups, with names that stay.

    A plain value: it holds settings and no result, and every fit draws from a stream of
    its own. With k given the best of `covariances` is chosen by BIC; without, the best
    k of min_clusters .. max_clusters as well. A tie goes to what was tried first, the
    simpler one. Since k-means makes the first groups, columns should be of like scale.
    """

    random_state: int = 0
    min_clusters: int = 1
    max_clusters: int = 10
    covariances: tuple[Covariance, ...] = ("diagonal", "full")
    starts: int = 1
    rounds: int = 200
    support: Support = ENOUGH

    def __post_init__(self) -> None:
        """Refuse settings that leave nothing to choose from."""
        at_least(0, "random_state", self.random_state)
        least = at_least(1, "min_clusters", self.min_clusters)
        at_least(least, "max_clusters", self.max_clusters)
        at_least(1, "starts", self.starts)
        at_least(1, "rounds", self.rounds)
        known("covariances", self.covariances)

    @one_thread()
    def fit(
        self,
        features: npt.ArrayLike,
        k: int | None = None,
        *,
        prior_labels: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
        next_label: int = 0,
    ) -> Clustering:
        """Cluster features (B, F) into k, or into as many as BIC chooses.

        prior_labels (B,): earlier labels of the same rows, to be kept where they can.
        sample_weight (B,): how often each row came, and no shares: BIC takes their sum
        for the count.
        next_label: the least label that a new cluster may get; an earlier audit's
        "next_label" keeps old names out of use.
        """
        given = points(features, sample_weight)
        prior = prior_rows(prior_labels, len(given.place))
        at_least(0, "next_label", next_label)
        _refuse_total(given)
        counts = self._counts(k, given)
        tried = [one for n in counts for one in self._candidates(given, n)]
        best = min(tried, key=lambda c: c.bic)
        audit = {
            "strategy": "gmm",
            "random_state": self.random_state,
            "k_asked": k,
            "k": best.k,
            "covariance": best.covariance,
            "bic": [self._row(candidate) for candidate in tried],
        }
        model = best.fit.model
        return settle(model, given, self.support, prior, next_label, audit)

    def fit_predict(
        self,
        features: npt.ArrayLike,
        k: int | None = None,
        prior_labels: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> IntArray:
        """Give the labels (B,) of features (B, F); `fit` tells how they came about."""
        fitted = self.fit(
            features, k, prior_labels=prior_labels, sample_weight=sample_weight
        )
        return fitted.labels

    def _counts(self, k: int | None, given: Points) -> list[int]:
        """Give every count of clusters to try."""
        if k is not None:
            return [possible(k, given)]
        asked = range(self.min_clusters, self.max_clusters + 1)
        return sorted({possible(n, given) for n in asked})

    def _candidates(self, given: Points, k: int) -> Iterator[_Candidate]:
        """Fit k densities of each sort, from groups that depend on nothing else."""
        rng = stream(self.random_state, "gmm", k)
        groups = lloyd(given, k, rng, starts=self.starts, rounds=self.rounds)
        for covariance in self.covariances:
            fit = em(given, groups.group, k, covariance, rounds=self.rounds)
            yield _Candidate(k, covariance, fit, fit.bic(given.total))

    @staticmethod
    def _row(candidate: _Candidate) -> dict[str, object]:
        """Write a candidate as plain data."""
        fit = candidate.fit
        return {
            "k": candidate.k,
            "covariance": candidate.covariance,
            "log_likelihood": fit.log_likelihood,
            "parameters": fit.n_parameters,
            "bic": candidate.bic,
            "rounds": len(fit.objective),
            "settled": fit.settled,
        }


def _refuse_total(given: Points) -> None:
    """Refuse weights that were normalised, or that count more than ever came."""
    is_one = np.count_nonzero(given.weights) == 1
    if not (given.total >= 2 or is_one) or given.total > LARGEST_TOTAL:
        raise ValueError(
            f"sample_weight sums to {given.total:g}: it says how often each row came, "
            f"so it must sum to 2 or more, and {LARGEST_TOTAL:g} at most"
        )
