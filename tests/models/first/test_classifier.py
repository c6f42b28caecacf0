"""The slope is the slope, and following it learns."""

from __future__ import annotations

import unittest

import numpy as np

from models import chance
from models.first import classifier
from models.first.classifier import Batch, Head, Steps
from models.shapes import Array


def some_batch(n_rows: int = 30) -> Batch:
    """Draw codes out of 5, points (B, 3), labels out of 4."""
    rng = chance.stream(0, "batch")
    codes, labels = rng.integers(5, size=n_rows), rng.integers(4, size=n_rows)
    return Batch(codes, rng.normal(size=(n_rows, 3)), labels)


def some_head() -> Head:
    """Draw a head for it."""
    rng = chance.stream(0, "head")
    return Head(rng.normal(size=(5, 4)), rng.normal(size=(3, 4)))


def loss(head: Head, batch: Batch, ridge: float) -> float:
    """What the slope is the slope of."""
    fit = classifier.nll(
        classifier.logits(head, batch.codes, batch.points), batch.labels
    )
    return fit + 0.5 * ridge * sum(float((part**2).sum()) for part in head)


def differences(part: int, batch: Batch, ridge: float) -> Array:
    """Central differences of the loss in each entry of one part of the head."""
    h = 1e-5
    slope = np.zeros_like(some_head()[part])
    for place in np.ndindex(slope.shape):
        up, down = some_head(), some_head()
        up[part][place] += h
        down[part][place] -= h
        slope[place] = (loss(up, batch, ridge) - loss(down, batch, ridge)) / (2 * h)
    return slope


class Slope(unittest.TestCase):
    """The gradient of the loss."""

    def test_the_slope_is_that_of_finite_differences(self) -> None:
        """Both parts; the error of a central difference is about h squared."""
        batch, ridge = some_batch(), 0.3

        found = classifier.gradient(some_head(), batch, ridge)

        for part in (0, 1):
            wanted = differences(part, batch, ridge)
            np.testing.assert_allclose(found[part], wanted, atol=1e-8)


class Learning(unittest.TestCase):
    """Many steps."""

    def test_a_fresh_head_is_undecided(self) -> None:
        """Its loss is log of the number of labels."""
        batch, head = some_batch(), classifier.start(5, 3, 4).head

        np.testing.assert_allclose(
            loss(head, batch, 0.0), np.log(4), rtol=0.0, atol=1e-12
        )

    def test_codes_alone_learn_the_shares_of_their_labels(self) -> None:
        """Without points and ridge, the best logits are log shares."""
        codes, labels = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 0])
        batch = Batch(codes, np.zeros((6, 1)), labels)
        descent = classifier.start(2, 1, 2)

        for _ in range(300):
            descent = classifier.epoch(descent, [batch], Steps(rate=0.5, ridge=0.0))

        odds = descent.head.table[:, 0] - descent.head.table[:, 1]
        np.testing.assert_allclose(odds, [np.log(3.0), 0.0], atol=1e-6)
