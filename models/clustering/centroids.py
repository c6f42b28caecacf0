"""Clusters that are points: a row belongs to the nearest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from models.clustering.blocks import by_blocks
from models.clustering.model import predict, without

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.shapes import Array, IntArray


@dataclass(frozen=True, eq=False)
class Centroids:
    """names (K,), weights (K,) that sum to 1, means (K, F).

    origin (F,): where distances are measured from, so that a large offset of all data
    does not eat their digits.
    """

    names: IntArray
    weights: Array
    means: Array
    origin: Array

    def predict(self, features: npt.ArrayLike) -> IntArray:
        """Give the name of the nearest centroid of each row: (B,)."""
        return predict(self, features)

    def scores(self, rows: Array) -> Array:
        """Give (x . m - |m|^2 / 2) (B, K): the largest has the least distance."""
        means = self.means - self.origin
        half_squares = 0.5 * (means * means).sum(axis=1)
        columns = np.ascontiguousarray(means.T)
        return by_blocks(
            rows, len(means), lambda x: (x - self.origin) @ columns - half_squares
        )

    def costs(self, i: int) -> Array:
        """Give the squared distance of centroid i to each (K,)."""
        squared: Array = np.square(self.means - self.means[i]).sum(axis=1)
        return squared

    def taken(self, kept: IntArray) -> Centroids:
        """Give the clusters `kept`, in that order, with weights that sum to 1."""
        weights = self.weights[kept]
        return replace(
            self,
            names=self.names[kept],
            weights=weights / weights.sum(),
            means=self.means[kept],
        )

    def renamed(self, names: IntArray) -> Centroids:
        """Give the same clusters under other names."""
        return replace(self, names=names)

    def merged(self, i: int, into: int) -> Centroids:
        """Give the clusters with i and `into` as one: m = (w_i m_i + w_j m_j) / w."""
        pair = [i, into]
        weights, means = self.weights.copy(), self.means.copy()
        weights[into] = self.weights[pair].sum()
        means[into] = np.average(self.means[pair], axis=0, weights=self.weights[pair])
        return replace(self, weights=weights, means=means).taken(without(self, i))
