"""Sums and draws in log space are those of plain space."""

from __future__ import annotations

import unittest

import numpy as np

from models import chance, logspace


class LogSums(unittest.TestCase):
    """logsumexp and its normaliser."""

    def test_a_sum_of_logs_is_the_log_of_the_sum(self) -> None:
        """Where plain space does not underflow, both ways agree."""
        x = chance.stream(0, "test").normal(size=(4, 5))

        found = logspace.logsumexp(x, axis=0)

        np.testing.assert_allclose(found, np.log(np.exp(x).sum(axis=0)), rtol=1e-14)

    def test_what_cannot_happen_stays_impossible(self) -> None:
        """A slice of -inf sums to -inf, without a warning; a mixed one is unmoved."""
        x = np.array([[-np.inf, -np.inf], [-np.inf, -2000.0]])

        found = logspace.logsumexp(x, axis=1)

        np.testing.assert_array_equal(found, [-np.inf, -2000.0])

    def test_normalised_logs_sum_to_one(self) -> None:
        """Even far from zero, where a logarithm of 1000 is kept to some 1e-13."""
        x = np.array([[-1000.0, -1001.0, -1002.0]])

        total = np.exp(logspace.log_softmax(x)).sum(axis=1)

        np.testing.assert_allclose(total, 1.0, rtol=1e-12)


class LogDraws(unittest.TestCase):
    """Draws from weights and Dirichlets given in logs."""

    def test_draws_follow_their_weights(self) -> None:
        """Shares of 20,000 draws lie within five standard errors; -inf never comes."""
        rng, n = chance.stream(1, "test"), 20_000
        wanted = np.array([0.5, 0.0, 0.2, 0.3])
        with np.errstate(divide="ignore"):
            log_weights = np.log(wanted) - 700.0

        shares = np.bincount([logspace.draw(log_weights, rng) for _ in range(n)]) / n

        error = np.sqrt(wanted * (1.0 - wanted) / n)
        assert (np.abs(shares - wanted) <= 5.0 * error).all(), shares

    def test_dirichlet_draws_have_its_moments(self) -> None:
        """Means within five standard errors, for tiny shapes too."""
        shape, n = np.array([0.02, 0.5, 2.0]), 20_000
        mean = shape / shape.sum()
        spread = np.sqrt(mean * (1.0 - mean) / (shape.sum() + 1.0) / n)

        drawn = logspace.log_dirichlet_draw(
            np.broadcast_to(shape, (n, 3)), chance.stream(2, "test")
        )

        gap = np.abs(np.exp(drawn).mean(axis=0) - mean)
        assert (gap <= 5.0 * spread).all(), gap / spread

    def test_a_tiny_shape_is_never_lost(self) -> None:
        """Where a plain gamma would be zero, its logarithm is still a number."""
        shape = np.full(1000, 1e-3)

        drawn = logspace.log_gamma_draw(shape, chance.stream(3, "test"))

        assert np.isfinite(drawn).all()
        assert drawn.min() < -800.0
