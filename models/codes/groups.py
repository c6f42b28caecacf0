"""Codes gathered into clusters by where their vectors lie, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.clustering.clustering import Audit
from models.clustering.gmm import GMMClusterer
from models.clustering.kmeans import KMeansClusterer
from models.codes.principal import Principal, enough
from models.hsmm.agreement import ari

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

# So much of the variance is kept for clustering, in so many dimensions at most: a
# density of 64 dimensions has more parameters than there are codes.
KEPT, DIMENSIONS = 0.9, 6


class Groups(NamedTuple):
    """Clusters of C codes, the most used first.

    of_code (C,): each code's cluster. audit: how it came about, with every BIC.
    dimensions: how many components were looked at. agreement: adjusted Rand index with
    as many clusters of k-means, 1 when the two agree on every pair of codes.
    """

    of_code: IntArray
    audit: Audit
    dimensions: int
    agreement: float


def groups(
    seen: Principal, weights: Array | None, *, seed: int = 0, most: int = 12
) -> Groups:
    """Cluster codes by a mixture of as many densities as BIC finds worth it.

    weights (C,): how often each code came; they are scaled to count as many rows as
    there are codes in use, for frames of one code are no news of where codes lie.
    """
    n_codes = len(seen.places)
    count = np.ones(n_codes) if weights is None else weights.astype(np.float64)
    scaled = count * np.count_nonzero(count) / count.sum()
    dimensions = enough(seen.explained, KEPT, DIMENSIONS)
    rows = seen.places[:, :dimensions]
    mixture = GMMClusterer(seed, max_clusters=most).fit(rows, sample_weight=scaled)
    means = KMeansClusterer(seed).fit(
        rows, len(mixture.model.names), sample_weight=scaled
    )
    of_code = np.unique(mixture.labels, return_inverse=True)[1].astype(np.int64)
    return Groups(
        of_code, mixture.audit, dimensions, _agreement(of_code, means.labels, count)
    )


def _agreement(ours: IntArray, others: IntArray, weights: Array) -> float:
    """Compare two labellings of the codes in use."""
    is_used = weights > 0
    _, column = np.unique(others[is_used], return_inverse=True)
    table = np.zeros((int(ours.max()) + 1, int(column.max()) + 1), dtype=np.int64)
    np.add.at(table, (ours[is_used], column), 1)
    return ari(table)
