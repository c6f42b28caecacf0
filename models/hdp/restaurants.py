"""Tables of Chinese restaurants: what makes shares and concentrations conjugate.

Rows drawn from Dirichlet(strength) and then integrated out leave, for a row of counts
n of sum N,

    Gamma(A) / Gamma(A + N)  prod_k  Gamma(strength_k + n_k) / Gamma(strength_k)

with A = sum strength. Two additions make that a product of powers (Teh et al. 2006,
Escobar and West 1995):

    Gamma(s + n) / Gamma(s)  = sum_m  |s(n, m)| s^m            m tables
    Gamma(A) / Gamma(A + N)  =  integral of x^(A-1) (1-x)^(N-1) / Gamma(N)    over x

so that given the tables and x, strength only enters as strength^m and x^A.

A row of a semi-Markov chain leaves out its own state i (durations are explicit), so its
A is the sum of strength without strength_i. The factor x^-strength_i that this lacks is
exp(strength_i * -log x): a sum over Poisson counts m_i, each one more table at i. It is
the law that data augmentation by geometric self-transitions (Johnson and Willsky 2013)
gives to the tables of those transitions, with the transitions summed out: these can be
beyond any integer when one state holds nearly all, their tables cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.logspace import log_gamma_draw

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

# -log x is about 1 / total; Poisson counts of more than this no longer fit an integer.
# Only a state that leaves less than 1e-15 of all strength to the others comes near.
FURTHEST = 1e15


# Tables of up to this many customers are drawn one by one, or up to PER_STRENGTH times
# the strength when that is more.
NEAR = 20_000
PER_STRENGTH = 1_000


class Seating(NamedTuple):
    """What rows say of strength = spread * shares.

    tables (K,): how often each state was ordered, over all rows
    pulls  (R,): -log x >= 0 of each row
    Together: prod_k strength_k^tables_k  prod_r exp(-total_r pulls_r)
    """

    tables: IntArray
    pulls: Array


def tables(counts: IntArray, strength: Array, rng: np.random.Generator) -> IntArray:
    """Draw how many tables counts (..) of customers sit at, strength (..) broadcast.

    The customer who comes after l others opens a table with probability
    strength / (strength + l). Time and memory grow with the number of customers, up to
    NEAR in each restaurant.
    """
    cells = counts.ravel()
    strengths = np.broadcast_to(strength, counts.shape).ravel()
    limit = np.maximum(NEAR, PER_STRENGTH * strengths).astype(np.int64)
    near = np.minimum(cells, limit)
    cell = np.repeat(np.arange(cells.size), near)
    others = np.arange(cell.size) - np.repeat(np.cumsum(near) - near, near)
    own = strengths[cell]
    # The first always opens one: a random number is below 1, and 1e-300 times it less.
    opens = rng.random(cell.size) * (own + others) < own
    seated = np.bincount(cell[opens], minlength=cells.size)
    for at in np.flatnonzero(cells > limit):
        seated[at] += _far(int(limit[at]), int(cells[at]), float(strengths[at]), rng)
    return seated.reshape(counts.shape).astype(np.int64, copy=False)


def _far(begin: int, end: int, strength: float, rng: np.random.Generator) -> int:
    """Draw the tables opened by those who come after begin..end-1 others.

    One who opens with probability p has at least one event of a Poisson process of
    rate -log(1 - p) = log(1 + strength / l): draw all events at once and count who has
    any. Places of events are drawn by strength / l, its first term, which only matters
    to how often two events meet: an error of 1e-6 tables.
    """
    rate = _log_rise(end, strength) - _log_rise(begin, strength)
    n_events = int(rng.poisson(rate))
    places = begin * np.exp(rng.random(n_events) * np.log(end / begin))
    return len(np.unique(np.floor(places)))


def _log_rise(x: float, strength: float) -> float:
    """Log Gamma(x + s) / Gamma(x) for large x, by Stirling's series, to 1e-15 s."""
    rise = (x + strength - 0.5) * np.log1p(strength / x) - strength
    rise += strength * np.log(x)
    return float(rise + (1.0 / (x + strength) - 1.0 / x) / 12.0)


def minus_log_x(total: Array, customers: IntArray, rng: np.random.Generator) -> Array:
    """Draw -log x for x ~ Beta(total, customers); it is 0 where nobody came."""
    log_up = log_gamma_draw(total, rng)
    log_down = log_gamma_draw(np.maximum(customers, 1).astype(np.float64), rng)
    drawn = np.minimum(np.logaddexp(log_up, log_down) - log_up, FURTHEST)
    pulls: Array = np.where(customers > 0, drawn, 0.0)
    return pulls


def seat_rows(counts: IntArray, strength: Array, rng: np.random.Generator) -> Seating:
    """Seat whole rows: counts (R, K), strength (K,)."""
    seated = tables(counts, strength, rng).sum(axis=0)
    total = np.full(len(counts), strength.sum())
    return Seating(seated, minus_log_x(total, counts.sum(axis=1), rng))


def seat_moves(counts: IntArray, strength: Array, rng: np.random.Generator) -> Seating:
    """Seat rows without their own state: counts (K, K) of empty diagonal.

    The tables are those of moves that were seen; `missing` gives the others.
    """
    seated = tables(counts, strength, rng).sum(axis=0)
    total = without_own(strength)
    return Seating(seated, minus_log_x(total, counts.sum(axis=1), rng))


def missing(strength: Array, pulls: Array, rng: np.random.Generator) -> IntArray:
    """Draw the tables (K,) at the entries that rows of moves leave out."""
    return rng.poisson(np.minimum(strength * pulls, FURTHEST)).astype(np.int64)


def without_own(strength: Array) -> Array:
    """Sum of strength (K,) without each one's own, by sums alone: nothing cancels."""
    before = np.concatenate([[0.0], np.cumsum(strength)[:-1]])
    after = np.concatenate([np.cumsum(strength[::-1])[::-1][1:], [0.0]])
    rest: Array = before + after
    return rest
