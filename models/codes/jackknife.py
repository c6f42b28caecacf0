"""Intervals over subjects for what is measured of all their frames together.

A perplexity, an entropy or a mutual information is larger the more subjects are pooled:
drawing subjects again, some twice and some never, makes all of them too small, and the
bootstrap's interval lies below the value. Leaving out one at a time does not:

    se^2 = (G - 1) / G  sum_g (theta_-g - mean)^2        (Tukey 1958)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from models.calibration.interval import Measure

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

# Sums (.., *shape) -> what is measured of each (..).
Metric = Callable[["Array"], "Array"]


def measured(
    parts: Array | IntArray,
    metric: Metric,
    *,
    least: float = 0.0,
    most: float = 1.0,
    level: float = 0.95,
) -> Measure:
    """Measure parts by subject (G, ..), summed over subjects; in least .. most.

    One subject alone says nothing of others: its interval is all that is possible.
    """
    n_subjects, total = len(parts), parts.sum(axis=0)
    value = float(metric(total[None].astype(np.float64))[0])
    if n_subjects == 1 or np.isnan(value):
        return Measure(value, least, most)
    without = metric(total - parts.astype(np.float64))
    if np.isnan(without).any():
        return Measure(value, least, most)
    spread = ((without - without.mean()) ** 2).sum()
    error = np.sqrt((n_subjects - 1) / n_subjects * spread)
    half = float(special.stdtrit(n_subjects - 1, 0.5 * (1.0 + level)) * error)
    return Measure(value, max(value - half, least), min(value + half, most))
