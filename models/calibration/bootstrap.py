"""Clusters drawn again: how often each came, and what that makes of any metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models import chance
from models.calibration import clusters, door, interval

if TYPE_CHECKING:
    from models.calibration.clusters import Clusters
    from models.calibration.interval import Measure, Measures
    from models.shapes import Array


class Bootstrap(NamedTuple):
    """G clusters, how often each comes in R draws (R, G), and the level wanted.

    n_groups: how many groups are gathered in the clusters; 0 for independent frames.
    """

    clusters: Clusters
    times: Array
    level: float
    n_groups: int

    @property
    def n_clusters(self) -> int:
        """How many there are."""
        return len(self.clusters.size)

    def mean(self, values: Array, most: float) -> Measure:
        """Mean of values (M,) in 0 .. most; infinite when one of them is."""
        is_finite = np.isfinite(values)
        sums = self.clusters.sums(np.where(is_finite, values, 0.0))
        if is_finite.all():
            size = self.clusters.size.astype(np.float64)
            return interval.ratio(sums, size, self.times, level=self.level, most=most)
        draws = (self.times @ sums) / (self.times @ self.clusters.size)
        draws[self.times @ self.clusters.sums(~is_finite) > 0.0] = np.inf
        return self.smooth(np.array([np.inf]), draws[:, None], most).of(0)

    def smooth(self, value: Array, draws: Array, most: float = 1.0) -> Measures:
        """Interval of values (K,) in 0 .. most from their draws (R, K)."""
        return interval.smooth(
            value, draws, level=self.level, n_clusters=self.n_clusters, most=most
        )

    def shares(self, hits: Array, sizes: Array, level: float | None = None) -> Measures:
        """Interval of shares (K,) from sums by cluster (G, K)."""
        return interval.shares(
            hits,
            sizes,
            level=level or self.level,
            are_independent=self.clusters.is_dealt,
        )

    def share(self, hits: Array, sizes: Array) -> Measure:
        """Interval of one share from sums by cluster (G,)."""
        return self.shares(hits[:, None], sizes[:, None]).of(0)

    def absolute_sum(self, surplus: Array, parts: int = 1) -> Measure:
        """Interval of sum_m |gap_m|.

        gap_m = sum_g surplus_gm / (parts M), for surplus (G, M) summed over M frames.
        """
        size, n_frames = self.clusters.size, parts * self.clusters.size.sum()
        gaps = surplus.sum(axis=0) / n_frames
        moves = self.times @ (surplus - parts * gaps * size[:, None]) / n_frames
        return interval.absolute_sum(
            gaps, moves, level=self.level, n_clusters=self.n_clusters
        )


def drawn(
    groups: object,
    shape: tuple[int, ...],
    rng: np.random.Generator | None,
    *,
    level: float,
    n_draws: int,
) -> Bootstrap:
    """Draw the groups of frames of `shape` again; without groups, the frames.

    Many are gathered into clusters first: see `clusters.gathered`.
    """
    level = door.share(level, "level")
    n_draws = door.count(n_draws, "n_draws", least=100)
    rng = rng or chance.stream(0, "calibration")
    if groups is None:
        found, n_groups = clusters.dealt(int(np.prod(shape)), rng), 0
    else:
        found = clusters.by_group(groups, shape)
        n_groups = len(found.size)
        found = clusters.gathered(found, rng)
    times = clusters.drawn_again(len(found.size), n_draws, rng)
    return Bootstrap(found, times, level, n_groups)
