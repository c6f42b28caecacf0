"""Draws of shares and rows against posteriors worked out on a grid."""

from __future__ import annotations

import math
import unittest

import numpy as np

from models import chance
from models.first import hdp
from models.first.hdp import Concentrations
from models.shapes import Array

FIRST = np.array([2, 0, 1])
MOVES = np.array([[0, 9, 1], [6, 0, 4], [1, 3, 0]])
STRENGTHS = Concentrations(top=3.0, spread=4.0)


def log_rising(strength: float, count: int) -> float:
    """Log of Gamma(strength + count) / Gamma(strength)."""
    return math.lgamma(strength + count) - math.lgamma(strength)


def log_posterior(shares: Array) -> float:
    """Log density of shares (3,), rows integrated out, up to a constant."""
    strength = STRENGTHS.spread * shares
    total = (STRENGTHS.top / 3 - 1.0) * float(np.log(shares).sum())
    total += sum(log_rising(strength[j], FIRST[j]) for j in range(3))
    for i in range(3):
        rest = STRENGTHS.spread - strength[i]
        total -= log_rising(rest, MOVES[i].sum())
        total += sum(log_rising(strength[j], MOVES[i, j]) for j in range(3) if j != i)
    return total


def posterior_mean(n_cells: int) -> Array:
    """Mean shares by adding up the simplex in cells, each taken at its middle."""
    middles = (np.arange(n_cells) + 0.5) / n_cells
    points = np.array(
        [(a, b, 1 - a - b) for a in middles for b in middles if a + b < 1]
    )
    points = points[points.min(axis=1) > 1e-9]
    log_weights = np.array([log_posterior(point) for point in points])
    weights = np.exp(log_weights - log_weights.max())
    mean: Array = weights @ points / weights.sum()
    return mean


class Shares(unittest.TestCase):
    """The weak limit's top level."""

    def test_shares_are_drawn_from_their_posterior(self) -> None:
        """Means of 3,000 draws within five standard errors, blocks of 50 being one."""
        rng, shares, drawn = chance.stream(0, "test"), np.full(3, 1 / 3), []
        for _ in range(3000):
            shares = hdp.draw_shares(FIRST, MOVES, shares, STRENGTHS, rng)
            drawn.append(shares)

        blocks = np.array(drawn).reshape(60, 50, 3).mean(axis=1)

        gap = np.abs(blocks.mean(axis=0) - posterior_mean(100))
        error = blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
        assert (gap <= 5.0 * error + 0.001).all(), gap / error

    def test_tables_open_as_often_as_they_should(self) -> None:
        """Mean number of tables: the sum of strength / (strength + l), l = 0..n-1."""
        counts, strength = np.array([[0, 1, 20]]), np.array([0.5, 2.0, 1.5])
        rng, n = chance.stream(1, "test"), 4000

        drawn = np.array([hdp.tables(counts, strength, rng)[0] for _ in range(n)])

        opens = 1.5 / (1.5 + np.arange(20))
        error = np.sqrt((opens * (1.0 - opens)).sum() / n)
        assert (drawn[:, :2] == [0, 1]).all()
        assert abs(drawn[:, 2].mean() - opens.sum()) < 5.0 * error


class Rows(unittest.TestCase):
    """Transitions without stays."""

    def test_rows_sum_to_one_without_their_diagonal(self) -> None:
        """Whatever the counts, a state never follows itself."""
        log_rows = hdp.draw_rows(MOVES, np.full(3, 0.01), chance.stream(2, "test"))

        np.testing.assert_allclose(np.exp(log_rows).sum(axis=1), 1.0, rtol=1e-12)
        np.testing.assert_array_equal(np.diag(log_rows), -np.inf)

    def test_rows_have_the_mean_of_their_dirichlet(self) -> None:
        """(strength + count) over their sum off the diagonal, to five errors."""
        rng, n, strength = chance.stream(3, "test"), 4000, np.array([1.0, 2.0, 0.5])
        shape = strength + MOVES
        np.fill_diagonal(shape, 0.0)
        mean = shape / shape.sum(axis=1, keepdims=True)
        spread = mean * (1.0 - mean) / (shape.sum(axis=1, keepdims=True) + 1.0)

        drawn = [np.exp(hdp.draw_rows(MOVES, strength, rng)) for _ in range(n)]

        gap = np.abs(np.mean(drawn, axis=0) - mean)
        assert (gap <= 5.0 * np.sqrt(spread / n) + 1e-12).all(), gap
