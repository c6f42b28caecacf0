"""Tables against the exact law of Stirling numbers, and the left-out diagonal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from models.chance import stream
from models.hdp import restaurants
from models.shapes import Array
from tests.models.hdp.joint import FAR, off


def table_law(n_customers: int, strength: float) -> Array:
    """P(m tables), m = 0..n: s^m |s(n, m)| / (s (s+1) .. (s+n-1)), exactly.

    |s(n+1, m)| = |s(n, m-1)| + n |s(n, m)|, in whole numbers.
    """
    row = [1]
    for n in range(n_customers):
        padded = [*row, 0]
        row = [n * padded[m] + (padded[m - 1] if m else 0) for m in range(len(padded))]
    law = np.array([float(s) * strength**m for m, s in enumerate(row)])
    shares: Array = law / law.sum()
    return shares


@pytest.mark.parametrize(("n_customers", "strength"), [(1, 0.2), (5, 0.4), (12, 3.0)])
def test_tables_follow_stirling_numbers(n_customers: int, strength: float) -> None:
    """Chi-square of 20,000 draws against the exact law."""
    counts = np.full((20_000, 1), n_customers)

    drawn = restaurants.tables(counts, np.array([strength]), stream(1, "tables"))

    law = table_law(n_customers, strength)
    seen = np.bincount(drawn[:, 0], minlength=n_customers + 1)
    common = law * len(counts) > 5.0
    assert seen[law == 0.0].sum() == 0
    if common.sum() > 1:
        pooled = np.append(seen[common], seen[~common].sum())
        wanted = np.append(law[common], law[~common].sum()) * len(counts)
        keep = wanted > 0.0
        assert stats.chisquare(pooled[keep], wanted[keep]).pvalue > 1e-6


def test_each_cell_has_its_own_restaurant() -> None:
    """Rows share strengths, not tables; nobody sits at no table; columns may differ."""
    counts = np.asfortranarray(np.array([[0, 1, 40], [3, 0, 40]]))
    strength = np.array([1e-300, 1.0, 1e6])

    drawn = restaurants.tables(counts, strength, stream(2, "cells"))

    assert drawn.shape == (2, 3)
    np.testing.assert_array_equal(drawn[:, :2], [[0, 1], [1, 0]])
    assert (drawn[:, 2] >= 35).all()


def test_no_customers_take_no_tables() -> None:
    """An empty restaurant is a restaurant."""
    seat = restaurants.seat_rows(
        np.zeros((0, 3), dtype=np.int64), np.ones(3), stream(3, "none")
    )

    np.testing.assert_array_equal(seat.tables, 0)
    assert seat.pulls.shape == (0,)


def test_the_pull_is_minus_the_log_of_a_beta() -> None:
    """E[-log x] = psi(a + n) - psi(a) for x ~ Beta(a, n)."""
    total, came = np.full(40_000, 0.7), np.full(40_000, 9)

    drawn = restaurants.minus_log_x(total, came, stream(4, "pull"))

    assert abs(off(drawn, special.digamma(9.7) - special.digamma(0.7))) < FAR


def test_the_missing_diagonal_is_that_of_geometric_stays() -> None:
    """Poisson tables at i have the law of tables of stays, summed out one by one.

    Stays are drawn in full: p_ii ~ Beta, a geometric number before each move, a table
    for each of them by turns. Mean and zero-share agree; strengths keep stays few.
    """
    strength, n_moves, n_draws = np.array([0.6, 6.0, 4.0]), 5, 20_000
    counts = np.array([[0, 3, 2], [0, 0, 0], [0, 0, 0]])
    rng = stream(5, "stays")
    p_stay = rng.beta(0.6, 10.0, n_draws)
    stays = rng.negative_binomial(n_moves, 1.0 - p_stay)
    wanted = restaurants.tables(stays[:, None], strength[:1], rng)[:, 0]

    total = np.tile(restaurants.without_own(strength), (n_draws, 1))
    came = np.tile(counts.sum(axis=1), (n_draws, 1))
    pulls = restaurants.minus_log_x(total, came, rng)
    missing = restaurants.missing(strength, pulls, rng)[:, 0]

    for one, other in (
        (1.0 * missing, 1.0 * wanted),
        (1.0 * (missing == 0), 1.0 * (wanted == 0)),
        (missing**2.0, wanted**2.0),
    ):
        error = np.sqrt((one.var() + other.var()) / n_draws)
        assert abs(one.mean() - other.mean()) < FAR * error


def test_a_state_that_holds_nearly_all_does_not_overflow() -> None:
    """Its stays would be beyond any integer; its tables are not."""
    counts = np.array([[0, 4], [4, 0]])
    strength = np.array([5.0, 1e-300])

    seat = restaurants.seat_moves(counts, strength, stream(6, "overflow"))

    absent = restaurants.missing(strength, seat.pulls, stream(6, "missing"))
    assert np.isfinite(seat.pulls).all()
    assert absent[0] > 1_000_000_000_000
    assert absent[1] == 0


@pytest.mark.parametrize("strength", [0.02, 1.5, 30.0])
def test_crowds_are_seated_in_no_time(strength: float) -> None:
    """1e12 customers: mean and variance of the sum of Bernoullis, by digamma."""
    counts = np.full(200, 1_000_000_000_000)

    drawn = restaurants.tables(
        counts[:, None], np.array([strength]), stream(7, "crowd")
    )

    n = 1e12
    mean = strength * (special.digamma(strength + n) - special.digamma(strength))
    # Variance: mean less the sum of squared chances.
    tail = special.polygamma(1, strength) - special.polygamma(1, strength + n)
    variance = mean - strength**2 * tail
    assert abs(drawn.mean() - mean) < FAR * np.sqrt(variance / 200)
    # The variance of a near-Poisson's sample variance is about 2 v^2 / n + v / n.
    error = np.sqrt((2.0 * variance**2 + variance) / 200)
    assert abs(drawn.var(ddof=1) - variance) < FAR * error


@pytest.mark.parametrize("strength", [0.5, 40.0])
def test_a_crowd_drawn_far_is_a_crowd_drawn_near(strength: float) -> None:
    """Rates of the far part add up to those of its customers, one by one."""
    others = np.arange(20_000, 20_500)

    rate = restaurants._log_rise(20_500, strength)
    rate -= restaurants._log_rise(20_000, strength)

    assert rate == pytest.approx(np.log1p(strength / others).sum(), rel=1e-8)
