"""How long a state lasts: a grid of negative binomials, shifted by one and cut at D.

A finite grid makes the posterior over laws a finite sum, exact under truncation, where
rates and shapes would need approximations. Shape 1 is geometric, a large one Poisson.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.logspace import log_softmax
from models.shapes import einsum

if TYPE_CHECKING:
    from models.shapes import Array

SHAPES = (1.0, 3.0, 10.0, 100.0)


def negative_binomial(max_duration: int, mean: float, shape: float) -> Array:
    """Log probability (D,) of durations 1..D: row d-1 is duration d.

    d - 1 is negative binomial of mean `mean` - 1; what lies beyond D is left out and
    the rest made to sum to one, so that the mean after the cut is a little smaller.
    """
    waits = np.arange(1, max_duration)
    odds = (mean - 1.0) / (mean - 1.0 + shape)
    growth = np.log(shape + waits - 1.0) - np.log(waits) + np.log(odds)
    return log_softmax(np.concatenate([[0.0], np.cumsum(growth)]))


def grid(max_duration: int, n_means: int) -> Array:
    """Log probabilities (D, G) of all laws: means from 1.5 to D / 2, four shapes."""
    means = np.geomspace(1.5, max_duration / 2.0, n_means)
    laws = [negative_binomial(max_duration, m, r) for m in means for r in SHAPES]
    return np.stack(laws, axis=1)


def means(log_d: Array) -> Array:
    """Mean duration (K,) under log_d (D, K)."""
    lengths = np.arange(1.0, len(log_d) + 1.0)
    return einsum("d,dk->k", lengths, np.exp(log_d))
