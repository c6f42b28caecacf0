"""A softmax on top of codes: what each code says, and where in its cell a point lies.

    logits[b] = table[code[b]] + points[b] @ weights

Trained by stochastic gradients with momentum on the mean negative log-likelihood plus
`ridge` / 2 times the squares of all weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.logspace import log_softmax
from models.shapes import einsum

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


class Head(NamedTuple):
    """table (C, K): what each code says; weights (Z, K): what the point adds."""

    table: Array
    weights: Array


class Batch(NamedTuple):
    """codes (B,), points (B, Z), labels (B,)."""

    codes: IntArray
    points: Array
    labels: IntArray


class Descent(NamedTuple):
    """A head on its way: where it is and how it moves."""

    head: Head
    velocity: Head


class Steps(NamedTuple):
    """How it moves: step size, share of the old velocity kept, pull to zero."""

    rate: float = 0.1
    momentum: float = 0.9
    ridge: float = 1e-4


def start(n_codes: int, n_dims: int, n_labels: int) -> Descent:
    """Start at zero: every label equally likely, whatever is seen."""
    zero = Head(np.zeros((n_codes, n_labels)), np.zeros((n_dims, n_labels)))
    return Descent(zero, zero)


def logits(head: Head, codes: IntArray, points: Array) -> Array:
    """Give codes (B,) and points (B, Z) their logits (B, K)."""
    return head.table[codes] + einsum("bz,zk->bk", points, head.weights)


def nll(log_x: Array, labels: IntArray) -> float:
    """Mean negative log-likelihood of labels (B,) under logits (B, K)."""
    chosen = np.take_along_axis(log_softmax(log_x), labels[:, None], axis=1)
    return float(-chosen.mean())


def gradient(head: Head, batch: Batch, ridge: float) -> Head:
    """Slope of the mean negative log-likelihood, and of the ridge, at `head`."""
    error = np.exp(log_softmax(logits(head, batch.codes, batch.points)))
    error[np.arange(len(error)), batch.labels] -= 1.0
    error /= len(error)
    table = np.zeros_like(head.table)
    np.add.at(table, batch.codes, error)
    weights = einsum("bz,bk->zk", batch.points, error)
    return Head(table + ridge * head.table, weights + ridge * head.weights)


def step(descent: Descent, slope: Head, steps: Steps) -> Descent:
    """Move once against the slope."""
    velocity = Head(
        *(
            steps.momentum * v - steps.rate * s
            for v, s in zip(descent.velocity, slope, strict=True)
        )
    )
    head = Head(*(h + v for h, v in zip(descent.head, velocity, strict=True)))
    return Descent(head, velocity)


def epoch(descent: Descent, batches: list[Batch], steps: Steps) -> Descent:
    """Go once over the batches."""
    for batch in batches:
        descent = step(descent, gradient(descent.head, batch, steps.ridge), steps)
    return descent
