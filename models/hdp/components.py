"""What the components of a mixture are: conjugate families, as priors over a cluster.

A family adds up points by label into statistics, gives the evidence of each cluster
with its parameters integrated out, predicts further points, and draws parameters. All
are batched over the L components and closed under adding and taking statistics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from scipy import special

from models.hdp import doors
from models.logspace import log_dirichlet_draw
from models.shapes import einsum

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


class Family(Protocol):
    """A conjugate prior over the law of one cluster's points (B, F)."""

    def checked(self, points: Array) -> Array:
        """Give points (B, F) as doubles, or refuse them."""
        ...

    def statistics(self, points: Array) -> Array:
        """Give what each point adds to its cluster: (B, Q); sums of it suffice."""
        ...

    def log_evidence(self, summed: Array) -> Array:
        """Log p(points of a cluster), parameters integrated out: (L, Q) -> (L,)."""
        ...

    def log_predictive(self, points: Array, summed: Array) -> Array:
        """Log p(point | those in the cluster): (B, F), (L, Q) -> (B, L)."""
        ...

    def log_fitted(self, points: Array, summed: Array) -> Array:
        """Log p(point | parameters fitted to the cluster), or something as near.

        It proposes splits, for which it only has to be cheap and good.
        """
        ...

    def log_drawn(
        self, points: Array, summed: Array, rng: np.random.Generator
    ) -> Array:
        """Draw parameters given clusters, give log p(point | them): (B, L)."""
        ...


def add_up(statistics: Array, labels: IntArray, n_components: int) -> Array:
    """Sum statistics (B, Q) by label (B,): (L, Q), as one matrix product."""
    member = (labels == np.arange(n_components)[:, None]).astype(np.float64)
    summed: Array = member @ statistics
    return summed


class Categorical(NamedTuple):
    """Counts over F codes, such as those of a window: p ~ Dirichlet(strength, ..).

    A point (F,) holds how often each code was seen; a single code is a one-hot point.
    The number of orders of a point's codes is left out: no label changes it.
    """

    strength: float = 1.0

    def checked(self, points: Array) -> Array:
        """Refuse points that are no counts."""
        doors.positive(self.strength, "strength")
        counts = doors.counts(points, "BF", "points")
        doors.at_least_one(counts.shape[1], "the number of codes")
        return counts.astype(np.float64)

    def statistics(self, points: Array) -> Array:
        """Counts add up as they are."""
        return points

    def log_evidence(self, summed: Array) -> Array:
        """Gamma(A) / Gamma(A + N) prod Gamma(a + n_f) / Gamma(a)."""
        alpha = summed + self.strength
        log_parts = special.gammaln(alpha) - special.gammaln(self.strength)
        whole = self.strength * summed.shape[1]
        log_whole = special.gammaln(alpha.sum(axis=1)) - special.gammaln(whole)
        evidence: Array = log_parts.sum(axis=1) - log_whole
        return evidence

    def log_predictive(self, points: Array, summed: Array) -> Array:
        """Ratio of two evidences, code by code."""
        alpha = summed + self.strength
        log_parts = special.gammaln(points[:, None] + alpha) - special.gammaln(alpha)
        whole, came = alpha.sum(axis=1), points.sum(axis=1)[:, None]
        log_whole = special.gammaln(whole + came) - special.gammaln(whole)
        predictive: Array = log_parts.sum(axis=2) - log_whole
        return predictive

    def log_fitted(self, points: Array, summed: Array) -> Array:
        """At the mean of p: a matrix product, where a prediction wants B L F gammas."""
        alpha = summed + self.strength
        log_p = np.log(alpha / alpha.sum(axis=1, keepdims=True))
        fitted: Array = points @ log_p.T
        return fitted

    def log_drawn(
        self, points: Array, summed: Array, rng: np.random.Generator
    ) -> Array:
        """Draw p (L, F) from its Dirichlet."""
        log_p = log_dirichlet_draw(summed + self.strength, rng)
        return einsum("bf,lf->bl", points, log_p)


class Diagonal(NamedTuple):
    """Gaussians with independent features, Normal-Gamma in each (Murphy 2007).

        precision_f ~ Gamma(shape, rate_f)
        mean_f ~ Normal(centre_f, 1 / (trust precision_f))

    centre (F,), rate (F,); statistics are n, sums and sums of squares about the centre.
    """

    centre: Array
    rate: Array
    shape: float = 2.0
    trust: float = 0.1

    @classmethod
    def around(cls, points: Array, within: float = 0.1) -> Diagonal:
        """Scale the prior to points (B, F): what to take when nothing is known.

        `within` is the share of each feature's variance that is expected inside a
        cluster; centres then spread as widely as the points do.
        """
        doors.positive(within, "within")
        points = doors.finite(points, "BF", "points")
        variance = doors.varied(points)
        return cls(points.mean(axis=0), within * variance, shape=2.0, trust=within)

    def checked(self, points: Array) -> Array:
        """Refuse points of other features, and impossible priors."""
        doors.positive(self.shape, "shape")
        doors.positive(self.trust, "trust")
        centre = doors.finite(self.centre, "F", "centre")
        rate = doors.finite(self.rate, "F", "rate")
        if rate.shape != centre.shape or not (rate > 0.0).all():
            raise ValueError("rate (F,) must be above zero and have centre's shape")
        return doors.featured(points, len(centre))

    def statistics(self, points: Array) -> Array:
        """1, x and x^2, with x from the centre on.

        Squares cancel only where points lie much farther from it than they spread.
        """
        away = points - self.centre
        return np.hstack([np.ones((len(points), 1)), away, away**2])

    def log_evidence(self, summed: Array) -> Array:
        """Product over features of the evidence of Normal-Gamma."""
        n, trust, _, shape, rate = self._given(summed)
        n_features = rate.shape[1]
        log_ratio = special.gammaln(shape) - special.gammaln(self.shape)
        log_scale = 0.5 * np.log(self.trust / trust) - 0.5 * n * np.log(2.0 * np.pi)
        log_rates = self.shape * np.log(self.rate) - shape[:, None] * np.log(rate)
        evidence: Array = n_features * (log_ratio + log_scale) + log_rates.sum(axis=1)
        return evidence

    def log_predictive(self, points: Array, summed: Array) -> Array:
        """Student's t of 2 shape degrees in each feature."""
        _, trust, mean, shape, rate = self._given(summed)
        away = (points - self.centre)[:, None] - mean
        spread = 2.0 * rate * (1.0 + 1.0 / trust)[:, None]
        log_top = special.gammaln(shape + 0.5) - special.gammaln(shape)
        tails = np.log1p(away**2 / spread).sum(axis=2)
        log_width = 0.5 * np.log(np.pi * spread).sum(axis=1)
        predictive: Array = rate.shape[1] * log_top - log_width - (shape + 0.5) * tails
        return predictive

    def log_fitted(self, points: Array, summed: Array) -> Array:
        """The prediction itself."""
        return self.log_predictive(points, summed)

    def log_drawn(
        self, points: Array, summed: Array, rng: np.random.Generator
    ) -> Array:
        """Draw precision, then mean, of each component and feature."""
        _, trust, mean, shape, rate = self._given(summed)
        drawn = rng.standard_gamma(np.broadcast_to(shape[:, None], rate.shape))
        precision = np.maximum(drawn, np.finfo(np.float64).tiny) / rate
        noise = rng.standard_normal(rate.shape)
        mean = mean + noise / np.sqrt(trust[:, None] * precision)
        away = points - self.centre
        # (x - m)^2 p = x^2 p - 2 x m p + m^2 p: three products, no (B, L, F) array.
        squares = einsum("bf,lf->bl", away**2, precision)
        cross = einsum("bf,lf->bl", away, mean * precision)
        own = einsum("lf,lf->l", mean**2, precision)
        log_width = 0.5 * np.log(precision / (2.0 * np.pi)).sum(axis=1)
        log_density: Array = log_width - 0.5 * (squares - 2.0 * cross + own)
        return log_density

    def _given(self, summed: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Give n, trust, mean (L, F) from the centre on, shape and rate (L, F)."""
        n_features = len(self.centre)
        n, sums = summed[:, 0], summed[:, 1 : n_features + 1]
        trust = self.trust + n
        mean = sums / trust[:, None]
        inside = summed[:, n_features + 1 :] - sums * mean
        rate = self.rate + 0.5 * np.maximum(inside, 0.0)
        return n, trust, mean, self.shape + 0.5 * n, rate
