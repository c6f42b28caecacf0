"""A measured value with its low and high, from sums by cluster.

Each kind of metric wants its own. A mean takes the studentised bootstrap, which minds
long tails. F1 takes the quantiles of the bootstrap, moved outwards as few clusters
demand. A share of frames, which may be 0 or 1, takes Wilson's interval at the number of
independent frames that would vary as much. A sum of absolute gaps has a corner at zero,
where a bootstrap covers nothing: each gap whose sign is in doubt may go either way.

One cluster alone says nothing of the others: its intervals are all that is possible.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray

# A gap this many standard errors from zero has the sign that it shows.
SURE = 3.0


class Measure(NamedTuple):
    """A value, and the interval that holds the truth as often as was asked."""

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        """Write `value (low to high)`, each by `spec`."""
        return f"{self.value:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


class Measures(NamedTuple):
    """A measure for each of K things: value, low and high, each (K,)."""

    value: Array
    low: Array
    high: Array

    def of(self, k: int) -> Measure:
        """Give the measure of one of them."""
        return Measure(float(self.value[k]), float(self.low[k]), float(self.high[k]))


def quantile_pair(draws: Array, level: float, n_clusters: int) -> tuple[Array, Array]:
    """Low and high quantiles of draws (R, ..), as wide as few clusters demand.

    The bootstrap's spread is too small by sqrt((G - 1) / G), and the normal's tails are
    too thin for G clusters; both are repaired by quantiles further out (Hesterberg
    2015). Draws of nan, where a metric is not defined, are left out.
    """
    t = special.stdtrit(n_clusters - 1, 0.5 * (1.0 + level))
    tail = float(special.ndtr(-math.sqrt(n_clusters / (n_clusters - 1)) * t))
    known = np.sort(draws, axis=0)  # nan goes last
    n_known = (~np.isnan(known)).sum(axis=0)
    low = np.floor(tail * n_known).astype(np.int64)
    high = np.maximum(n_known - 1 - low, 0)
    at = np.minimum(low, high)
    return _row(known, at), _row(known, high)


def _row(ordered: Array, at: IntArray) -> Array:
    """Give ordered[at[j], j] for each column j, or for the only one."""
    chosen: Array = np.take_along_axis(ordered, np.asarray(at)[None], axis=0)[0]
    return chosen


def smooth(
    value: Array, draws: Array, *, level: float, n_clusters: int, most: float = 1.0
) -> Measures:
    """Interval of metrics (K,) in 0 .. most from their bootstrap draws (R, K)."""
    if n_clusters == 1:
        return Measures(value, np.zeros_like(value), np.full_like(value, most))
    low, high = quantile_pair(draws, level, n_clusters)
    return Measures(value, np.fmin(low, value), np.fmax(high, value))


def ratio(
    sums: Array, sizes: Array, times: Array, *, level: float, most: float
) -> Measure:
    """Interval of a mean sum / size in 0 .. most, by the studentised bootstrap.

    sums, sizes (G,) by cluster, times (R, G) how often each comes. Each draw's move is
    taken in its own standard error, which follows a long tail as quantiles of the mean
    itself do not, least with few clusters (Davison and Hinkley 1997, section 5.2).
    """
    value = float(sums.sum() / sizes.sum())
    if len(sums) == 1:
        return Measure(value, 0.0, most)
    centred = sums - value * sizes
    _, error = _moves(centred, sizes, np.ones((1, len(sums))))
    moves, errors = _moves(centred, sizes, times)
    scaled = np.sort(moves[errors > 0.0] / errors[errors > 0.0])
    if not len(scaled):
        return Measure(value, value, value)
    out = int(0.5 * (1.0 - level) * len(scaled))
    low, high = value - error[0] * scaled[[-1 - out, out]]
    return Measure(
        value, min(max(float(low), 0.0), value), max(min(float(high), most), value)
    )


def _moves(centred: Array, sizes: Array, times: Array) -> tuple[Array, Array]:
    """Mean of each draw (R,) less the mean of all, and its standard error.

    But for sqrt(G / (G - 1)), which cancels between a draw and the whole.
    """
    frames = times @ sizes
    moves = (times @ centred) / frames
    variance = (
        times @ centred**2
        - 2.0 * moves * (times @ (centred * sizes))
        + moves**2 * (times @ sizes**2)
    )
    return moves, np.sqrt(np.maximum(variance, 0.0)) / frames


def shares(
    hits: Array, sizes: Array, *, level: float, are_independent: bool
) -> Measures:
    """Share of frames that hit, by Wilson at the effective number of frames.

    hits, sizes (G, K): sums by cluster, for each of K shares. The variance of a share p
    over clusters,

        var = G / (G - 1) sum_g (hits_g - p sizes_g)^2 / n^2,

    is that of p (1 - p) / var independent frames (Korn and Graubard 1998), but never of
    more than there are; where p is 0 or 1 nothing varies, and each cluster counts once.
    Student's quantile of G - 1 degrees stands for the normal's. A share of no frames is
    nan, somewhere in 0 .. 1.
    """
    n, n_clusters = sizes.sum(axis=0), (sizes > 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = hits.sum(axis=0) / n
        spread = ((hits - p * sizes) ** 2).sum(axis=0) / n**2
        variance = spread * n_clusters / (n_clusters - 1)
        alike = p * (1.0 - p) / variance
    is_flat = (p == 0.0) | (p == 1.0)
    effective = np.fmin(np.where(is_flat, n_clusters, alike), n)
    degrees = np.maximum(n if are_independent else n_clusters, 2) - 1
    z = special.stdtrit(degrees, 0.5 * (1.0 + level))
    low, high = wilson(p, n if are_independent else effective, z)
    is_known = n > 0 if are_independent else n_clusters > 1
    return Measures(p, np.where(is_known, low, 0.0), np.where(is_known, high, 1.0))


def wilson(p: Array, n: Array, z: Array) -> tuple[Array, Array]:
    """Wilson's score interval: the shares which `p` of `n` is within z errors of."""
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = p + z**2 / (2.0 * n)
        half = z * np.sqrt(p * (1.0 - p) / n + z**2 / (4.0 * n**2))
        shrink = 1.0 + z**2 / n
        low, high = (centre - half) / shrink, (centre + half) / shrink
    return np.clip(np.fmin(low, p), 0.0, 1.0), np.clip(np.fmax(high, p), 0.0, 1.0)


def absolute_sum(
    gaps: Array, moves: Array, *, level: float, n_clusters: int
) -> Measure:
    """Interval of sum |gap| for gaps (M,), from their bootstrap moves (R, M).

    Where a gap g surely has a sign, |g + h| - |g| is sign(g) h. Where it may have
    either, it lies somewhere in -|h| .. |h|: each end bounds one side. So the truth is
    held in both cases and between them, at perfect calibration too. (The directional
    derivative of Fang and Santos 2019, at its two extremes.)
    """
    value = float(np.abs(gaps).sum())
    if n_clusters == 1:
        return Measure(value, 0.0, 1.0)
    is_sure = np.abs(gaps) > SURE * moves.std(axis=0)
    signed = moves[:, is_sure] @ np.sign(gaps[is_sure])
    either = np.abs(moves[:, ~is_sure]).sum(axis=1)
    _, most = quantile_pair(signed + either, level, n_clusters)
    least, _ = quantile_pair(signed - either, level, n_clusters)
    low, high = max(0.0, value - float(most)), min(1.0, value - float(least))
    return Measure(value, min(low, value), max(high, value))


def largest(gaps: Array, accuracy: Measures, is_used: BoolArray) -> Measure:
    """Interval of max |gap| from simultaneous intervals of the share right, all (M,).

    The gap of a bin is its confidence less its share right; the confidence, which
    hardly varies within a bin, is taken as known.
    """
    confidence = gaps + accuracy.value
    below, above = confidence - accuracy.high, confidence - accuracy.low
    nearest = np.maximum(0.0, np.maximum(below, -above))
    furthest = np.maximum(above, -below)
    value = float(np.abs(gaps[is_used]).max())
    low, high = nearest[is_used].max(), furthest[is_used].max()
    return Measure(value, min(float(low), value), max(min(1.0, float(high)), value))
