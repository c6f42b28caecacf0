"""Slow axes: along which a sequence of vectors differs from hour to hour, not at once.

    between v = ratio within v

`between` is the covariance of the vectors' mean over a window, `within` that of what is
left when the mean is taken away: the axes of greatest ratio (Fisher 1936, with windows
for classes, since neighbours are mostly of one kind). Along them `within` is 1, so
distances are in units of the noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from models.hsmm.emission import inside
from models.hsmm.surroundings import surroundings

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

# What is added to `within`, as a share of its mean: directions without any noise.
RIDGE = 1e-3


def slow_axes(vectors: Array, lengths: IntArray, window: int, n_axes: int) -> Array:
    """Give axes (Z, F) of vectors (N, T, Z) of `lengths`; at most n_axes of them.

    Axes along which windows do not differ are left out: of vectors that never change
    there are none. Each has its largest entry above zero.
    """
    if n_axes < 1:
        raise ValueError(f"n_axes is {n_axes}: 1 or more is wanted")
    kept = inside(lengths, vectors.shape[1])
    means = surroundings(vectors, lengths, window)
    between = _covariance(means[kept])
    within = _covariance((vectors - means)[kept])
    n_dims = vectors.shape[2]
    floor = RIDGE * np.trace(within) / n_dims + np.finfo(np.float64).tiny
    if not np.trace(between) > 1e-12 * max(1.0, float(np.abs(means).max()) ** 2):
        return np.zeros((n_dims, 0))
    floor = max(floor, RIDGE * RIDGE * np.trace(between) / n_dims)
    ratio, axes = linalg.eigh(between, within + floor * np.eye(n_dims))
    order = np.argsort(-ratio, kind="stable")[:n_axes]
    order = order[ratio[order] > 1e-9 * ratio.max()]
    chosen: Array = axes[:, order]
    largest = np.take_along_axis(chosen, np.abs(chosen).argmax(axis=0)[None], axis=0)
    signed: Array = chosen * np.sign(largest)
    return signed


def _covariance(rows: Array) -> Array:
    """Covariance (Z, Z) of rows (M, Z)."""
    away = rows - rows.mean(axis=0)
    spread: Array = away.T @ away / len(rows)
    return spread
