"""Negative binomial durations: geometric at shape 1, Poisson as the shape grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from models.hsmm import durations
from models.hsmm.growth import tabulate
from models.hsmm.likeliest import likeliest

if TYPE_CHECKING:
    from models.hsmm.durations import Table, Truncate
    from models.shapes import Array, IntArray


class NegativeBinomial(NamedTuple):
    """duration - 1 is negative binomial, of mean m = mean - 1 and the given shape r.

        P(x) = Gamma(x + r) / (Gamma(r) x!)  (r / (r + m))^r  (m / (r + m))^x

    mean (K,) in frames, 1 or more; shape (K,) above 0. Its variance is m + m^2 / r.
    """

    mean: Array
    shape: Array

    def table(self, max_duration: int, truncate: Truncate = "tail") -> Table:
        """Tabulate to `max_duration`; the rest is betainc(D, r, m / (r + m))."""
        durations.within("mean", self.mean, 1.0)
        durations.within("shape", self.shape, np.finfo(np.float64).tiny)
        durations.reachable(max_duration)
        more, shape = self.mean - 1.0, self.shape
        with np.errstate(divide="ignore"):
            log_more = np.log(more)

        def growth(i: Array) -> Array:
            return _log_ratio(i[:, None], shape, more) + log_more - np.log1p(i)[:, None]

        return tabulate(
            -shape * np.log1p(more / shape),
            growth,
            special.betainc(max_duration, shape, more / (shape + more)),
            self.mean,
            max_duration,
            truncate,
        )

    def means(self) -> Array:
        """Mean duration (K,)."""
        return self.mean

    def draw(self, states: IntArray, rng: np.random.Generator) -> IntArray:
        """Draw a duration for each of `states`: a Poisson number of a gamma mean."""
        shape = self.shape[states]
        mixed = rng.standard_gamma(shape) * ((self.mean[states] - 1.0) / shape)
        return 1 + rng.poisson(mixed)

    @classmethod
    def fit(
        cls,
        counts: Array,
        censored: Array | None = None,
        *,
        truncate: Truncate = "tail",
        otherwise: NegativeBinomial | None = None,
    ) -> NegativeBinomial:
        """Give the likeliest laws, from counts (D, K) of durations, whole and censored.

        A censored duration of d frames counts P(duration >= d). What nothing was
        counted of keeps its law of `otherwise`. Shapes end at 1e8, as good as Poisson.
        """
        counts, cut_short = durations.counted(counts, censored)
        seen = durations.seen(counts + cut_short, otherwise is not None)
        n_states = counts.shape[1]
        mean = np.ones(n_states) if otherwise is None else otherwise.mean.copy()
        shape = np.ones(n_states) if otherwise is None else otherwise.shape.copy()
        waits = np.arange(0.0, len(counts))[:, None]
        total = (counts + cut_short)[:, seen]
        shares = total / total.sum(axis=0)
        m = (waits * shares).sum(axis=0)
        spread = np.maximum(
            ((waits - m) ** 2 * shares).sum(axis=0) - m, 1e-2 * m + 1e-6
        )

        def law(theta: Array) -> tuple[Table, Array]:
            m, r = np.exp(theta)
            by_mean = (waits - m) / (1.0 + m / r)
            by_shape = special.digamma(waits + r) - special.digamma(r)
            by_shape += -np.log1p(m / r) + (m - waits) / (r + m)
            slopes = np.stack([by_mean, r * by_shape])
            return NegativeBinomial(1.0 + m, r).table(len(counts)), slopes

        start = np.log([np.maximum(m, 1e-3), np.clip(m**2 / spread, 1e-3, 1e5)])
        theta = likeliest(law, start, counts[:, seen], cut_short[:, seen], truncate)
        mean[seen], shape[seen] = 1.0 + np.exp(theta[0]), np.exp(theta[1])
        if truncate == "tail" and not cut_short.any():
            mean[seen] = 1.0 + m
        return NegativeBinomial(mean, shape)


def geometric(mean: Array) -> NegativeBinomial:
    """Give the durations of an ordinary hidden Markov model."""
    return NegativeBinomial(mean, np.ones_like(mean))


def _log_ratio(i: Array, shape: Array, more: Array) -> Array:
    """Log of (r + i) / (r + m): near 1 for a large shape, where log1p keeps digits."""
    total = shape + more
    near = np.abs(i - more) < 0.5 * total
    with np.errstate(divide="ignore"):
        close = np.log1p(np.where(near, (i - more) / total, 0.0))
        ratio: Array = np.where(near, close, np.log(shape + i) - np.log(total))
    return ratio
