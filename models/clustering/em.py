"""A mixture of normal densities, fitted to weighted rows by EM under a weak prior.

Without a prior a component may shrink onto one row, or onto one code that came often,
and its density grows without end; then BIC would want ever more of them. So each
covariance has the conjugate prior of Fraley and Raftery (2007), whose scale is what
each of k clusters would have if they shared the space of the data evenly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.clustering.gaussians import Gaussians
from models.logspace import log_softmax, logsumexp

if TYPE_CHECKING:
    from models.clustering.points import Points
    from models.clustering.wanted import Covariance
    from models.shapes import Array, IntArray

# A dimension with less than this share of the largest variance is taken to have it.
FLAT = 1e-12
# What each variance of a full prior has in addition: rows may all lie in a plane.
RIDGE = 1e-4
# Stop when a round gains less than this for each unit of weight, in nats.
LEAST_GAIN = 1e-4


class Prior(NamedTuple):
    """Inverse Wishart (full) or inverse gamma (diagonal) for every covariance alike.

    freedom: nu = F + 2, or 3 for each dimension by itself.
    scale: S / k^(2 / F), (F, F) or (F,), for the covariance S of all rows.
    """

    freedom: float
    scale: Array


class Fit(NamedTuple):
    """Where EM ended.

    log_likelihood: sum of weight * log p(row), without the prior.
    objective: after each round, log likelihood and log prior together; never falls.
    """

    model: Gaussians
    log_likelihood: float
    n_parameters: int
    objective: tuple[float, ...]
    settled: bool

    def bic(self, total: float) -> float:
        """Give -2 log likelihood + parameters * log(total weight): less is better."""
        return -2.0 * self.log_likelihood + self.n_parameters * float(np.log(total))


def em(
    points: Points, index: IntArray, k: int, covariance: Covariance, *, rounds: int
) -> Fit:
    """Fit k densities, beginning with the groups `index` (U,) of the rows.

    A round gives every row to every component by its posterior, then takes the mode of
    the posterior of each component's parameters. Time O(rounds * U k F^2), without the
    square for diagonal ones.
    """
    prior = prior_of(points, k, covariance)
    share = np.eye(k)[index]
    objective: list[float] = []
    settled = False
    while not settled and len(objective) < rounds:
        model = maximum(points, share, prior, covariance)
        log_joint = model.scores(points.rows)
        log_lik = float(points.weights @ logsumexp(log_joint))
        objective.append(log_lik + log_prior(model, prior))
        share = np.exp(log_softmax(log_joint))
        gained = objective[-1] - objective[-2] if len(objective) > 1 else np.inf
        settled = gained < LEAST_GAIN * points.total
    n_dims = points.rows.shape[1]
    return Fit(model, log_lik, _count(k, n_dims, covariance), tuple(objective), settled)


def prior_of(points: Points, k: int, covariance: Covariance) -> Prior:
    """Give the prior that k components of these rows have."""
    n_dims = points.rows.shape[1]
    origin = np.average(points.rows, axis=0, weights=points.weights)
    away = points.rows - origin
    shrink = k ** (2.0 / n_dims)
    variance = np.average(np.square(away), axis=0, weights=points.weights)
    top = variance.max()
    variance = np.maximum(variance, FLAT * top if top > 0 else 1.0)
    if covariance == "diagonal":
        return Prior(3.0, variance / shrink)
    spread = (away.T * points.weights) @ away / points.total
    spread[np.diag_indices(n_dims)] = variance * (1.0 + RIDGE)
    return Prior(n_dims + 2.0, spread / shrink)


def maximum(
    points: Points, share: Array, prior: Prior, covariance: Covariance
) -> Gaussians:
    """Give the most probable parameters for shares (U, K) of the rows.

        n_k = sum_u w_u r_uk     m_k = sum_u w_u r_uk x_u / n_k
        S_k = (scale + sum_u w_u r_uk (x_u - m_k)(x_u - m_k)^T) / (n_k + nu + F + 1)

    and with F = 1 for each dimension of a diagonal one.
    """
    origin = np.average(points.rows, axis=0, weights=points.weights)
    x = points.rows - origin
    counted = (share * points.weights[:, None]).T  # (K, U)
    n = np.maximum(counted.sum(axis=1), np.finfo(float).tiny)
    means = (counted @ x) / n[:, None]
    scatter = _scatter(x, counted, means, covariance) + prior.scale
    pull = prior.freedom + (2.0 if covariance == "diagonal" else x.shape[1] + 1.0)
    divisor = (n + pull).reshape(-1, *[1] * (scatter.ndim - 1))
    names = np.arange(len(n))
    return Gaussians(names, n / n.sum(), means + origin, scatter / divisor, origin)


def _scatter(x: Array, counted: Array, means: Array, covariance: Covariance) -> Array:
    """Give sum_u n_ku (x_u - m_k)(x_u - m_k)^T (K, F, F), or its diagonal (K, F)."""
    scatter = []
    for n, mean in zip(counted, means, strict=True):
        away = x - mean
        if covariance == "diagonal":
            scatter.append(n @ np.square(away))
        else:
            scatter.append((away.T * n) @ away)
    return np.array(scatter)


def log_prior(model: Gaussians, prior: Prior) -> float:
    """Give the log density of all covariances, up to a constant.

    -((nu + F + 1) log |S| + trace(scale S^-1)) / 2, summed over components, and over
    dimensions with F = 1 where they are diagonal.
    """
    if model.is_diagonal:
        pull = prior.freedom + 2.0
        trace = (prior.scale / model.covariances).sum()
    else:
        pull = prior.freedom + model.means.shape[1] + 1.0
        trace = (
            np.linalg.solve(model.covariances, prior.scale[None])
            .trace(axis1=1, axis2=2)
            .sum()
        )
    return float(-0.5 * (pull * model.log_determinants().sum() + trace))


def _count(k: int, n_dims: int, covariance: Covariance) -> int:
    """Count free numbers: weights, means, covariances."""
    of_each = n_dims if covariance == "diagonal" else n_dims * (n_dims + 1) // 2
    return k - 1 + k * n_dims + k * of_each
