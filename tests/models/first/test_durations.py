"""Duration laws are distributions with the means they name."""

from __future__ import annotations

import math
import unittest

import numpy as np

from models.first import durations


class Laws(unittest.TestCase):
    """Shifted negative binomials, cut at D."""

    def test_every_law_of_a_grid_sums_to_one(self) -> None:
        """Also where the cut takes much away."""
        grid = durations.grid(30, 5)

        np.testing.assert_allclose(np.exp(grid).sum(axis=0), 1.0, rtol=1e-12)

    def test_the_probabilities_are_the_negative_binomial_ones(self) -> None:
        """Gamma(w + r) / (w! Gamma(r)) (1 - q)^r q^w at w = d - 1, nearly uncut."""
        mean, shape = 4.0, 3.0
        odds = (mean - 1.0) / (mean - 1.0 + shape)
        wanted = [
            math.exp(math.lgamma(w + shape) - math.lgamma(w + 1) - math.lgamma(shape))
            * (1.0 - odds) ** shape
            * odds**w
            for w in range(10)
        ]

        found = np.exp(durations.negative_binomial(200, mean, shape))

        np.testing.assert_allclose(found[:10], wanted, rtol=1e-10)

    def test_the_mean_is_the_one_asked_for(self) -> None:
        """When the cut takes nothing that counts."""
        log_d = durations.negative_binomial(400, 12.0, 10.0)

        np.testing.assert_allclose(
            float(durations.means(log_d[:, None])[0]), 12.0, rtol=0.0, atol=1e-8
        )

    def test_shape_one_is_geometric(self) -> None:
        """Each further frame costs the same factor."""
        log_d = durations.negative_binomial(20, 5.0, 1.0)

        np.testing.assert_allclose(np.diff(log_d), np.log(0.8), rtol=1e-12)
