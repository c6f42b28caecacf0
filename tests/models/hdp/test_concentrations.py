"""Each concentration's step leaves the exact posterior, by quadrature, in place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import special, stats

from models.chance import stream
from models.hdp import concentrations
from models.hdp.concentrations import GammaPrior
from models.shapes import Array, IntArray

PRIOR = GammaPrior(1.5, 0.8)
GRID = np.linspace(-12.0, 6.0, 20_001)
N_DRAWS = 4_000


def posterior(log_lik: Callable[[Array], Array]) -> Array:
    """Cumulative posterior over GRID, of log a, by the trapezoid rule."""
    a = np.exp(GRID)
    log_p = PRIOR.shape * GRID - PRIOR.rate * a + log_lik(a)
    p = np.exp(log_p - log_p.max())
    summed = np.concatenate([[0.0], np.cumsum(0.5 * (p[1:] + p[:-1]))])
    shares: Array = summed / summed[-1]
    return shares


def log_shares(counts: IntArray) -> Callable[[Array], Array]:
    """Give log p(counts | a) of Dirichlet(a / K), up to a constant."""

    def log_lik(a: Array) -> Array:
        each = a[:, None] / len(counts)
        log_parts = special.gammaln(each + counts) - special.gammaln(each)
        log_whole = special.gammaln(a) - special.gammaln(a + counts.sum())
        log_p: Array = log_parts.sum(axis=1) + log_whole
        return log_p

    return log_lik


def log_rows(counts: IntArray) -> Callable[[Array], Array]:
    """Give log p(counts | a) of rows Dirichlet(a, .., a), up to a constant."""

    def log_lik(a: Array) -> Array:
        summed = np.zeros_like(a)
        for row in counts:
            summed += special.gammaln(a[:, None] + row).sum(axis=1)
            summed -= len(row) * special.gammaln(a)
            summed += special.gammaln(len(row) * a)
            summed -= special.gammaln(len(row) * a + row.sum())
        return summed

    return log_lik


SHARES = np.array([9, 0, 3, 1, 0])
ROWS = np.array([[4, 0, 1], [0, 0, 0], [0, 7, 7]])
Step = Callable[[float, np.random.Generator], float]
STEPS: dict[str, tuple[Callable[[Array], Array], Step]] = {
    "shares": (
        log_shares(SHARES),
        lambda a, rng: concentrations.of_shares(a, SHARES, PRIOR, rng),
    ),
    "rows": (
        log_rows(ROWS),
        lambda a, rng: concentrations.of_rows(a, ROWS, PRIOR, rng),
    ),
    "nothing seen": (
        np.zeros_like,
        lambda a, rng: concentrations.of_shares(a, np.zeros(3, np.int64), PRIOR, rng),
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_leaves_the_posterior_in_place(name: str) -> None:
    """Draws from the posterior, moved once, are draws from it: Kolmogorov-Smirnov."""
    log_lik, step = STEPS[name]
    below = posterior(log_lik)
    rng = stream(1, name)
    start = np.exp(np.interp(rng.random(N_DRAWS), below, GRID))

    moved = np.array([step(a, rng) for a in start])

    at = np.interp(np.log(moved), GRID, below)
    assert stats.kstest(at, "uniform").pvalue > 1e-6


@pytest.mark.parametrize("name", STEPS)
def test_a_step_forgets_where_it_began(name: str) -> None:
    """From a far start, 25 steps reach the posterior: it moves, and mixes."""
    log_lik, step = STEPS[name]
    below = posterior(log_lik)
    rng = stream(2, name)
    reached = np.full(400, 8.0)

    for _ in range(25):
        reached = np.array([step(a, rng) for a in reached])

    at = np.interp(np.log(reached), GRID, below)
    assert stats.kstest(at, "uniform").pvalue > 1e-6


def test_a_prior_draw_has_the_priors_mean() -> None:
    """Shape / rate, to five errors."""
    rng = stream(3, "prior")

    drawn = np.array([PRIOR.draw(rng) for _ in range(4_000)])

    error = np.sqrt(PRIOR.shape) / PRIOR.rate / np.sqrt(len(drawn))
    assert abs(drawn.mean() - PRIOR.shape / PRIOR.rate) < 5.6 * error


@pytest.mark.parametrize("wrong", [GammaPrior(0.0, 1.0), GammaPrior(1.0, np.inf)])
def test_an_impossible_prior_is_refused(wrong: GammaPrior) -> None:
    """By the name it was given under."""
    with pytest.raises(ValueError, match=r"top\.(shape|rate) is"):
        wrong.checked("top")
