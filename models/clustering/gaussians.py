"""Clusters that are normal densities: a row belongs where its posterior is largest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.clustering.blocks import by_blocks
from models.clustering.model import fitted_rows, predict, without
from models.logspace import log_softmax
from models.threads import one_thread

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.shapes import Array, IntArray


@dataclass(frozen=True, eq=False)
class Gaussians:
    """names (K,), weights (K,) that sum to 1, means (K, F).

    covariances: (K, F, F), or (K, F) when they are diagonal.
    origin (F,): where places are measured from, so that a large offset of all data
    does not eat their digits.
    """

    names: IntArray
    weights: Array
    means: Array
    covariances: Array
    origin: Array

    @property
    def is_diagonal(self) -> bool:
        """Whether dimensions are independent within a cluster."""
        return self.covariances.ndim == 2

    def predict(self, features: npt.ArrayLike) -> IntArray:
        """Give the name of the cluster with the largest posterior of each row: (B,)."""
        return predict(self, features)

    def posterior(self, features: npt.ArrayLike) -> Array:
        """Give p(cluster | row) (B, K), columns in the order of `names`."""
        rows = fitted_rows(self, features)
        with one_thread():
            return np.exp(log_softmax(self.scores(rows)))

    def scores(self, rows: Array) -> Array:
        """Give log w_k + log N(x; m_k, S_k) (B, K)."""
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights)
        constant = log_weights - 0.5 * (
            self.log_determinants() + self.means.shape[1] * np.log(2.0 * np.pi)
        )
        squared = self._squared_diagonal if self.is_diagonal else self._squared_full
        given: Array = constant - 0.5 * squared(rows)
        return given

    def log_determinants(self) -> Array:
        """Give log |S_k| (K,)."""
        if self.is_diagonal:
            summed: Array = np.log(self.covariances).sum(axis=1)
            return summed
        roots = np.diagonal(self._roots, axis1=1, axis2=2)
        doubled: Array = 2.0 * np.log(roots).sum(axis=1)
        return doubled

    def costs(self, i: int) -> Array:
        """Give what merging i into each would cost in relative entropy, at most (K,).

            B(i, j) = ((w_i + w_j) log |S_ij| - w_i log |S_i| - w_j log |S_j|) / 2

        where S_ij is the covariance of both as one (Runnalls 2007).
        """
        log_d, w = self.log_determinants(), self.weights
        pooled = self._with(i)
        lost: Array = pooled.weights * pooled.log_determinants() - w[i] * log_d[i]
        return 0.5 * (lost - w * log_d)

    def taken(self, kept: IntArray) -> Gaussians:
        """Give the clusters `kept`, in that order, with weights that sum to 1."""
        weights = self.weights[kept]
        return replace(
            self,
            names=self.names[kept],
            weights=weights / weights.sum(),
            means=self.means[kept],
            covariances=self.covariances[kept],
        )

    def renamed(self, names: IntArray) -> Gaussians:
        """Give the same clusters under other names."""
        return replace(self, names=names)

    def merged(self, i: int, into: int) -> Gaussians:
        """Give the clusters with i and `into` as one, with the moments of both."""
        pooled, is_into = self._with(i), np.arange(len(self.names)) == into
        line = is_into[:, None]
        block = line if self.is_diagonal else line[:, None]
        whole = replace(
            self,
            weights=np.where(is_into, pooled.weights, self.weights),
            means=np.where(line, pooled.means, self.means),
            covariances=np.where(block, pooled.covariances, self.covariances),
        )
        return whole.taken(without(self, i))

    def _with(self, i: int) -> Gaussians:
        """Give each cluster as one with cluster i, under its own name.

        w = w_i + w_j,  m = (w_i m_i + w_j m_j) / w
        S = (w_i S_i + w_j S_j) / w + (w_i w_j / w^2) (m_j - m_i)(m_j - m_i)^T
        """
        weights = self.weights[i] + self.weights
        share, away = (self.weights / weights)[:, None], self.means - self.means[i]
        between = np.square(away)
        block = share
        if not self.is_diagonal:
            between, block = away[:, :, None] * away[:, None, :], share[:, None]
        within = (1.0 - block) * self.covariances[i] + block * self.covariances
        return replace(
            self,
            weights=weights,
            means=self.means[i] + share * away,
            covariances=within + block * (1.0 - block) * between,
        )

    @cached_property
    def _roots(self) -> Array:
        """The lower triangular L_k (K, F, F) with L_k L_k^T = S_k."""
        return np.linalg.cholesky(self.covariances).astype(np.float64, copy=False)

    @cached_property
    def _whitening(self) -> Array:
        """The inverses of the roots (K, F, F): they make a cluster round."""
        return np.linalg.inv(self._roots).astype(np.float64, copy=False)

    def _squared_diagonal(self, rows: Array) -> Array:
        """Give sum_f (x_f - m_kf)^2 / s_kf (B, K), from one product for all."""
        means, precision = self.means - self.origin, 1.0 / self.covariances
        columns = np.ascontiguousarray(
            np.hstack([precision, -2.0 * means * precision]).T
        )
        constant = (means * means * precision).sum(axis=1)

        def squared(block: Array) -> Array:
            x = block - self.origin
            summed: Array = np.hstack([x * x, x]) @ columns + constant
            return summed

        return by_blocks(rows, len(means), squared)

    def _squared_full(self, rows: Array) -> Array:
        """Give |L_k^-1 (x - m_k)|^2 (B, K), where L_k L_k^T = S_k."""
        n_clusters, n_dims = self.means.shape
        whiten = self._whitening
        columns = np.ascontiguousarray(whiten.reshape(-1, n_dims).T)  # (F, K F)
        centres = ((self.means - self.origin)[:, None, :] * whiten).sum(axis=2)

        def squared(block: Array) -> Array:
            white = (block - self.origin) @ columns
            apart = white.reshape(-1, n_clusters, n_dims) - centres
            summed: Array = np.square(apart).sum(axis=2)
            return summed

        return by_blocks(rows, n_clusters, squared)
