"""Gaussian components with all covariances: the Normal-inverse-Wishart family.

    covariance ~ inverse-Wishart(freedom, scatter)
    mean ~ Normal(centre, covariance / trust)

(Gelman et al. 2013, section 3.6.) Statistics of a cluster are n, the sum of its points
and the sum of their outer products, all about the centre.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from models.hdp import doors
from models.shapes import einsum

if TYPE_CHECKING:
    from models.shapes import Array


class Given(NamedTuple):
    """The family's own parameters after n points, of each of L clusters.

    n (L,), trust (L,), mean (L, F) from the centre on, freedom (L,), factor (L, F, F):
    the lower Cholesky factor of the scatter
    """

    n: Array
    trust: Array
    mean: Array
    freedom: Array
    factor: Array


class Gaussian(NamedTuple):
    """The prior: centre (F,), scatter (F, F), freedom > F - 1, trust > 0.

    The expected covariance is scatter / (freedom - F - 1); trust counts as that many
    points at the centre.
    """

    centre: Array
    scatter: Array
    freedom: float
    trust: float = 0.1

    @classmethod
    def around(cls, points: Array, within: float = 0.1) -> Gaussian:
        """Scale the prior to points (B, F): what to take when nothing is known.

        `within` is the share of each feature's variance that is expected inside a
        cluster; centres then spread as widely as the points do.
        """
        doors.positive(within, "within")
        points = doors.finite(points, "BF", "points")
        scatter: Array = np.diag(2.0 * within * doors.varied(points))
        freedom = points.shape[1] + 3.0
        return cls(points.mean(axis=0), scatter, freedom, trust=within)

    def checked(self, points: Array) -> Array:
        """Refuse points of other features, and impossible priors."""
        doors.positive(self.trust, "trust")
        centre = doors.finite(self.centre, "F", "centre")
        scatter = doors.finite(self.scatter, "FF", "scatter")
        n_features = len(centre)
        if not self.freedom > n_features - 1:
            raise ValueError(
                f"freedom is {self.freedom}: more than {n_features - 1} is wanted"
            )
        if scatter.shape != (n_features, n_features) or not _is_covariance(scatter):
            raise ValueError("scatter (F, F) must be symmetric and positive definite")
        return doors.featured(points, n_features)

    def statistics(self, points: Array) -> Array:
        """1, x and x x' of each point, with x from the centre on: (B, 1 + F + F F)."""
        away = points - self.centre
        outer = einsum("bf,bg->bfg", away, away).reshape(len(points), -1)
        return np.hstack([np.ones((len(points), 1)), away, outer])

    def log_evidence(self, summed: Array) -> Array:
        """Ratio of the family's normalisers before and after, over (2 pi)^(n F / 2)."""
        after = self._given(summed)
        before = self._given(np.zeros((1, summed.shape[1])))
        log_ratio = _log_normaliser(after) - _log_normaliser(before)
        flat = 0.5 * after.n * len(self.centre) * np.log(2.0 * np.pi)
        evidence: Array = log_ratio - flat
        return evidence

    def log_predictive(self, points: Array, summed: Array) -> Array:
        """Multivariate Student's t of freedom - F + 1 degrees."""
        given, n_features = self._given(summed), len(self.centre)
        degrees = given.freedom - n_features + 1.0
        widened = (given.trust + 1.0) / given.trust
        whiten = _inverse(given.factor)
        squares = _squares(points - self.centre, given.mean, whiten) / widened
        log_width = _log_diagonal(given.factor) + 0.5 * n_features * np.log(
            np.pi * widened
        )
        log_top = special.gammaln(0.5 * (degrees + n_features))
        log_top -= special.gammaln(0.5 * degrees)
        tails = 0.5 * (degrees + n_features) * np.log1p(squares)
        predictive: Array = log_top - log_width - tails
        return predictive

    def log_fitted(self, points: Array, summed: Array) -> Array:
        """The prediction itself."""
        return self.log_predictive(points, summed)

    def log_drawn(
        self, points: Array, summed: Array, rng: np.random.Generator
    ) -> Array:
        """Draw covariance and mean of each component (Bartlett 1933).

        With scatter C C' and a lower triangle A of Bartlett's, C^-T A is a factor of a
        Wishart precision: the covariance has factor C A^-T, not a triangle.
        """
        given, n_features = self._given(summed), len(self.centre)
        bartlett = _bartlett(given.freedom, n_features, rng)
        noise = rng.standard_normal(given.mean.shape) / np.sqrt(given.trust[:, None])
        unmixed = np.linalg.solve(np.swapaxes(bartlett, 1, 2), noise[..., None])
        mean = given.mean + (given.factor @ unmixed)[..., 0]
        whiten = np.swapaxes(bartlett, 1, 2) @ _inverse(given.factor)
        squares = _squares(points - self.centre, mean, whiten)
        log_width = _log_diagonal(bartlett) - _log_diagonal(given.factor)
        flat = 0.5 * n_features * np.log(2.0 * np.pi)
        log_density: Array = log_width - flat - 0.5 * squares
        return log_density

    def _given(self, summed: Array) -> Given:
        """Add statistics to the prior."""
        n_features = len(self.centre)
        n, sums = summed[:, 0], summed[:, 1 : n_features + 1]
        outer = summed[:, n_features + 1 :].reshape(-1, n_features, n_features)
        trust = self.trust + n
        mean = sums / trust[:, None]
        scatter = self.scatter + outer - einsum("lf,lg->lfg", sums, mean)
        even: Array = 0.5 * (scatter + np.swapaxes(scatter, 1, 2))
        try:
            factor: Array = np.linalg.cholesky(even).astype(np.float64, copy=False)
        except np.linalg.LinAlgError as lost:
            message = "points lie too far from the prior's centre for their spread"
            raise ValueError(f"{message}: take a prior `around` them") from lost
        return Given(n, trust, mean, self.freedom + n, factor)


def _is_covariance(scatter: Array) -> bool:
    if not np.allclose(scatter, scatter.T, rtol=1e-9, atol=0.0):
        return False
    return bool(np.linalg.eigvalsh(scatter).min() > 0.0)


def _log_diagonal(factor: Array) -> Array:
    """Half the log determinant of what factor (L, F, F) is the triangle of: (L,)."""
    diagonal = np.diagonal(factor, axis1=1, axis2=2)
    summed: Array = np.log(diagonal).sum(axis=1)
    return summed


def _log_normaliser(given: Given) -> Array:
    """Log of the integral of the family's density, up to what no data change.

    Gamma_F(freedom / 2) 2^(freedom F / 2) |scatter|^(-freedom / 2) trust^(-F / 2)
    """
    n_features = given.mean.shape[1]
    halves = 0.5 * (given.freedom[:, None] - np.arange(n_features))
    log_gammas = special.gammaln(halves).sum(axis=1)
    log_scatter = 2.0 * _log_diagonal(given.factor) - n_features * np.log(2.0)
    log_rest = given.freedom * log_scatter + n_features * np.log(given.trust)
    normaliser: Array = log_gammas - 0.5 * log_rest
    return normaliser


def _inverse(factor: Array) -> Array:
    inverse: Array = np.linalg.inv(factor).astype(np.float64, copy=False)
    return inverse


def _squares(points: Array, mean: Array, whiten: Array) -> Array:
    """|W (x - m)|^2 for whiten W (L, F, F): points (B, F), mean (L, F) -> (B, L)."""
    away = points @ np.swapaxes(whiten, 1, 2)
    away -= np.swapaxes(whiten @ mean[..., None], 1, 2)
    return einsum("lbg,lbg->bl", away, away)


def _bartlett(freedom: Array, n_features: int, rng: np.random.Generator) -> Array:
    """Lower triangles A (L, F, F) for which A A' is Wishart(freedom, identity)."""
    drawn = np.tril(rng.standard_normal((len(freedom), n_features, n_features)), -1)
    degrees = freedom[:, None] - np.arange(n_features)
    diagonal = np.sqrt(2.0 * rng.standard_gamma(0.5 * degrees))
    drawn[:, np.arange(n_features), np.arange(n_features)] = diagonal
    return drawn
