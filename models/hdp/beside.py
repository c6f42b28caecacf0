"""Two families beside each other, for points of two kinds of features.

    p(x, y | cluster) = p(x | cluster) p(y | cluster)

Points are (B, F + G): the first F features are the one's, the others are counts of the
other's, which need not be whole: what is seen over and over counts for less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import doors

if TYPE_CHECKING:
    from models.hdp.components import Categorical, Family
    from models.shapes import Array


class Beside(NamedTuple):
    """Families one and other; n_first: F, features; n_sums: statistics of the one."""

    one: Family
    other: Categorical
    n_first: int
    n_sums: int

    @classmethod
    def of(cls, one: Family, other: Categorical, first: Array) -> Beside:
        """Lay `other` beside `one`, whose points are first (B, F)."""
        return cls(one, other, first.shape[1], one.statistics(first[:1]).shape[1])

    def checked(self, points: Array) -> Array:
        """Refuse what the one refuses, and counts below zero."""
        points = doors.finite(points, "BF", "points")
        first, second = np.split(points, [self.n_first], axis=1)
        doors.positive(self.other.strength, "strength")
        if (second < 0.0).any():
            raise ValueError("points hold counts below zero")
        return np.hstack([self.one.checked(first), second])

    def statistics(self, points: Array) -> Array:
        """Those of the one, then those of the other: (B, Q)."""
        first, second = np.split(points, [self.n_first], axis=1)
        return np.hstack([self.one.statistics(first), self.other.statistics(second)])

    def log_evidence(self, summed: Array) -> Array:
        """Add up both."""
        own, rest = np.split(summed, [self.n_sums], axis=1)
        return self.one.log_evidence(own) + self.other.log_evidence(rest)

    def log_predictive(self, points: Array, summed: Array) -> Array:
        """Add up both."""
        (first, second), (own, rest) = self._split(points, summed)
        one = self.one.log_predictive(first, own)
        return one + self.other.log_predictive(second, rest)

    def log_fitted(self, points: Array, summed: Array) -> Array:
        """Add up both."""
        (first, second), (own, rest) = self._split(points, summed)
        return self.one.log_fitted(first, own) + self.other.log_fitted(second, rest)

    def log_drawn(
        self, points: Array, summed: Array, rng: np.random.Generator
    ) -> Array:
        """Draw the one's parameters, then the other's."""
        (first, second), (own, rest) = self._split(points, summed)
        one = self.one.log_drawn(first, own, rng)
        return one + self.other.log_drawn(second, rest, rng)

    def _split(self, points: Array, summed: Array) -> tuple[list[Array], list[Array]]:
        return (
            np.split(points, [self.n_first], axis=1),
            np.split(summed, [self.n_sums], axis=1),
        )
