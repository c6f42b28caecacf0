"""The weak limit of a hierarchical Dirichlet process over transitions without stays.

    top ~ Gamma            shares ~ Dirichlet(top / K, .., top / K)
    spread ~ Gamma         first  ~ Dirichlet(spread shares)
    row_i  ~ Dirichlet(spread shares), its entry i left out and the rest made whole

(Johnson and Willsky 2013, section 4; top is gamma and spread is alpha of the papers.)
All rows share one set of shares: a state that is rare is rare after every state, and
that is what "hierarchical" means. Leaving out an entry of a Dirichlet leaves a
Dirichlet, so a row given its counts is one too.

Given counts, a step draws: tables seen and the pull of each row (rows integrated out);
spread given those and the shares; the tables that rows leave out, which may be many
when one state holds nearly all, so that spread must not wait for them; top (shares
integrated out); shares; rows. Each is exact given the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import concentrations, restaurants
from models.hdp.concentrations import GammaPrior
from models.logspace import log_dirichlet_draw, log_gamma_draw, logsumexp

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

# A share below this can no longer be told from none in a Gamma's shape.
TINY = 1e-300


class RowsPrior(NamedTuple):
    """top: how many states; spread: how alike their rows are."""

    n_states: int
    top: GammaPrior = GammaPrior(2.0, 0.5)
    spread: GammaPrior = GammaPrior(2.0, 0.25)

    def checked(self) -> RowsPrior:
        """Give it back, or refuse it."""
        if self.n_states < 2:
            raise ValueError(
                f"n_states is {self.n_states}: 2 are the least, as a state never "
                f"follows itself"
            )
        self.top.checked("top")
        self.spread.checked("spread")
        return self


class Rows(NamedTuple):
    """How states follow each other.

    top, spread: concentrations; log_shares (K,); log_first (K,): of the first state;
    log_rows (K, K): from row to column, with a diagonal of -inf
    """

    top: float
    spread: float
    log_shares: Array
    log_first: Array
    log_rows: Array


def from_prior(prior: RowsPrior, rng: np.random.Generator) -> Rows:
    """Draw rows before any segment is seen."""
    top, spread = prior.top.draw(rng), prior.spread.draw(rng)
    log_shares = log_dirichlet_draw(np.full(prior.n_states, top / prior.n_states), rng)
    first: IntArray = np.zeros(prior.n_states, dtype=np.int64)
    moves: IntArray = np.zeros((prior.n_states, prior.n_states), dtype=np.int64)
    return _below(top, spread, log_shares, first, moves, rng)


def resample(
    prior: RowsPrior,
    rows: Rows,
    first: IntArray,
    moves: IntArray,
    rng: np.random.Generator,
) -> Rows:
    """Draw all of it given first states (K,) and moves (K, K) between segments.

    Time grows with the number of segments. What `rows` holds besides its
    concentrations and shares is not read.
    """
    strength = _strength(rows.spread, rows.log_shares)
    begun = restaurants.seat_rows(first[None], strength, rng)
    moved = restaurants.seat_moves(moves, strength, rng)
    seated = begun.tables + moved.tables
    others = restaurants.without_own(_strength(1.0, rows.log_shares))
    pull = float(begun.pulls.sum() + (others * moved.pulls).sum())
    spread = prior.spread.given(int(seated.sum()), pull, rng)
    strength = _strength(spread, rows.log_shares)
    seated = seated + restaurants.missing(strength, moved.pulls, rng)
    top = concentrations.of_shares(rows.top, seated, prior.top, rng)
    shape: Array = top / prior.n_states + seated.astype(np.float64)
    log_shares = log_dirichlet_draw(shape, rng)
    return _below(top, spread, log_shares, first, moves, rng)


def _strength(spread: float, log_shares: Array) -> Array:
    strength: Array = np.maximum(spread * np.exp(log_shares), TINY)
    return strength


def _below(
    top: float,
    spread: float,
    log_shares: Array,
    first: IntArray,
    moves: IntArray,
    rng: np.random.Generator,
) -> Rows:
    """Draw the first state's law and the rows, given what they hang from."""
    strength = _strength(spread, log_shares)
    log_first = log_dirichlet_draw(strength + first, rng)
    return Rows(top, spread, log_shares, log_first, draw_rows(moves, strength, rng))


def draw_rows(moves: IntArray, strength: Array, rng: np.random.Generator) -> Array:
    """Draw log rows (K, K) given moves (K, K); the diagonal is -inf."""
    log_mass = log_gamma_draw(strength + moves, rng)
    np.fill_diagonal(log_mass, -np.inf)
    rows: Array = log_mass - logsumexp(log_mass)[:, None]
    return rows
