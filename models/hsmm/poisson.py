"""Poisson durations: one frame, and a Poisson number more."""

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


class Poisson(NamedTuple):
    """duration - 1 ~ Poisson(mean - 1), with mean (K,) in frames, 1 or more."""

    mean: Array

    def table(self, max_duration: int, truncate: Truncate = "tail") -> Table:
        """Tabulate to `max_duration`; the rest is P(more) = gammainc(D, mean - 1)."""
        durations.within("mean", self.mean, 1.0)
        durations.reachable(max_duration)
        more = self.mean - 1.0
        with np.errstate(divide="ignore"):
            log_more = np.log(more)
        return tabulate(
            -more,
            lambda i: log_more - np.log(i + 1.0)[:, None],
            special.gammainc(max_duration, more),
            self.mean,
            max_duration,
            truncate,
        )

    def means(self) -> Array:
        """Mean duration (K,)."""
        return self.mean

    def draw(self, states: IntArray, rng: np.random.Generator) -> IntArray:
        """Draw a duration for each of `states`."""
        return 1 + rng.poisson(self.mean[states] - 1.0)

    @classmethod
    def fit(
        cls,
        counts: Array,
        censored: Array | None = None,
        *,
        truncate: Truncate = "tail",
        otherwise: Poisson | None = None,
    ) -> Poisson:
        """Give the likeliest laws, from counts (D, K) of durations, whole and censored.

        A censored duration of d frames counts P(duration >= d). What nothing was
        counted of keeps its law of `otherwise`.
        """
        counts, cut_short = durations.counted(counts, censored)
        seen = durations.seen(counts + cut_short, otherwise is not None)
        mean = np.ones(counts.shape[1]) if otherwise is None else otherwise.mean.copy()
        lengths = np.arange(1.0, len(counts) + 1.0)
        total = (counts + cut_short)[:, seen]
        mean[seen] = lengths @ total / total.sum(axis=0)
        if truncate == "tail" and not cut_short.any():
            return Poisson(mean)

        def law(theta: Array) -> tuple[Table, Array]:
            more = np.exp(theta[0])
            slopes = (lengths[:, None] - 1.0) - more
            return Poisson(1.0 + more).table(len(counts)), slopes[None]

        start = np.log(np.maximum(mean[seen] - 1.0, 1e-3))[None]
        theta = likeliest(law, start, counts[:, seen], cut_short[:, seen], truncate)
        mean[seen] = 1.0 + np.exp(theta[0])
        return Poisson(mean)
