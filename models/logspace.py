"""Sums, draws and Dirichlets in log space, where the small stays apart from zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.shapes import Array


def logsumexp(log_x: Array, axis: int = -1) -> Array:
    """Sum exp(log_x) along `axis`, in logs; a slice of only -inf gives -inf."""
    top = np.max(log_x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.sum(np.exp(log_x - top), axis=axis))
    summed: Array = total + np.squeeze(top, axis=axis)
    return summed


def log_softmax(log_x: Array) -> Array:
    """Normalise exp(log_x) along the last axis, in logs."""
    return log_x - logsumexp(log_x)[..., None]


def draw(log_weights: Array, rng: np.random.Generator) -> int:
    """Draw an index with probability in proportion to exp(log_weights)."""
    weights = np.exp(log_weights - np.max(log_weights)).cumsum()
    return int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))


def log_gamma_draw(shape: Array, rng: np.random.Generator) -> Array:
    """Draw log g for g ~ Gamma(shape, 1), without underflow for tiny shapes.

    Gamma(a) = Gamma(a + 1) U^(1/a), and the logarithm of that is never -inf.
    """
    boost = np.log1p(-rng.random(shape.shape)) / shape
    drawn: Array = np.log(rng.standard_gamma(shape + 1.0)) + boost
    return drawn


def log_dirichlet_draw(shape: Array, rng: np.random.Generator) -> Array:
    """Draw log p for p ~ Dirichlet(shape) along the last axis."""
    return log_softmax(log_gamma_draw(shape, rng))
