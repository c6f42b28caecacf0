"""The weak limit of a hierarchical Dirichlet process over transitions without stays.

    shares ~ Dirichlet(top / K, .., top / K)            beta of the papers, top = gamma
    row_i  ~ Dirichlet(spread * shares), its entry i left out and the rest made whole

(Johnson and Willsky 2013, section 4.) Leaving out an entry of a Dirichlet leaves a
Dirichlet, so a row given its counts is one too. The shares are drawn with the rows
integrated out, through counts of tables as in the restaurants of Teh et al. 2006.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.logspace import log_dirichlet_draw, log_gamma_draw

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


class Concentrations(NamedTuple):
    """top (gamma): how many states; spread (alpha): how alike their rows are."""

    top: float = 4.0
    spread: float = 6.0


def tables(counts: IntArray, strength: Array, rng: np.random.Generator) -> IntArray:
    """Draw how many tables counts (R, K) customers sit at, strength (K,).

    The customer who comes after l others opens a table with probability
    strength / (strength + l).
    """
    others = np.arange(counts.max(initial=0))[:, None, None]
    opens = rng.random((len(others), *counts.shape)) * (strength + others) < strength
    seated: IntArray = (opens & (others < counts)).sum(axis=0)
    return seated


def left_out(counts: IntArray, strength: Array, rng: np.random.Generator) -> IntArray:
    """Draw the tables (K,) that rows (K, K) would have had at their missing entry.

    The normaliser of row i is B(rest, n_i) up to a constant, with n_i its sum and
    rest = spread - strength_i. As an integral over x ~ Beta(rest, n_i) it depends on
    strength_i through x^-strength_i = exp(strength_i * -log x): a sum over Poisson
    counts, each of which acts like one more table at state i.
    """
    visits = counts.sum(axis=1)
    rest = strength.sum() - strength
    log_up = log_gamma_draw(rest, rng)
    log_down = log_gamma_draw(np.maximum(visits, 1).astype(float), rng)
    minus_log_x = np.logaddexp(log_up, log_down) - log_up
    return rng.poisson(np.where(visits > 0, strength * minus_log_x, 0.0))


def draw_shares(
    first: IntArray,
    counts: IntArray,
    shares: Array,
    strengths: Concentrations,
    rng: np.random.Generator,
) -> Array:
    """Draw the shares (K,) given first states (K,), transitions (K, K), old shares."""
    strength = strengths.spread * shares
    seated = tables(np.vstack([first, counts]), strength, rng).sum(axis=0)
    missing = left_out(counts, strength, rng)
    shape = strengths.top / len(shares) + seated + missing
    return np.exp(log_dirichlet_draw(shape, rng))


def draw_rows(counts: IntArray, strength: Array, rng: np.random.Generator) -> Array:
    """Draw log rows (K, K) given transition counts (K, K); the diagonal is -inf."""
    log_mass = log_gamma_draw(strength + counts, rng)
    np.fill_diagonal(log_mass, -np.inf)
    top = log_mass.max(axis=1, keepdims=True)
    total = np.log(np.exp(log_mass - top).sum(axis=1, keepdims=True))
    rows: Array = log_mass - top - total
    return rows
