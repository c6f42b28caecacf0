"""Concentrations of a hierarchical Dirichlet process, resampled under Gamma priors.

Given tables and the auxiliary x (`restaurants`), a concentration a enters as
a^tables exp(-a pull): its law stays a Gamma (Escobar and West 1995; Teh et al. 2006).
There is no kappa: a sticky process needs one to make states last, and here durations
say how long they last, in frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import doors, restaurants
from models.logspace import log_gamma_draw

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


class GammaPrior(NamedTuple):
    """Gamma(shape, rate), of mean shape / rate."""

    shape: float = 1.0
    rate: float = 1.0

    def checked(self, name: str) -> GammaPrior:
        """Give it back, or refuse it."""
        doors.positive(self.shape, f"{name}.shape")
        doors.positive(self.rate, f"{name}.rate")
        return self

    def draw(self, rng: np.random.Generator) -> float:
        """Draw a concentration before anything is seen."""
        return _gamma(self.shape, self.rate, rng)

    def given(self, tables: int, pull: float, rng: np.random.Generator) -> float:
        """Draw a with density prior(a) a^tables exp(-a pull)."""
        return _gamma(self.shape + tables, self.rate + pull, rng)


def _gamma(shape: float, rate: float, rng: np.random.Generator) -> float:
    """Draw Gamma(shape, rate), never as small as zero."""
    log_drawn = log_gamma_draw(np.array([shape]), rng)[0] - np.log(rate)
    return float(np.exp(max(log_drawn, -600.0)))


def of_shares(
    concentration: float,
    counts: IntArray,
    prior: GammaPrior,
    rng: np.random.Generator,
) -> float:
    """Draw the concentration of Dirichlet(concentration / K) given counts (K,) of it.

    The shares are integrated out; `concentration` is the one before. Leaves
    prior(a) Gamma(a) / Gamma(a + N) prod Gamma(a/K + n_k) / Gamma(a/K) as it is.
    """
    even: Array = np.full(len(counts), concentration / len(counts))
    seat = restaurants.seat_rows(counts[None], even, rng)
    return prior.given(int(seat.tables.sum()), float(seat.pulls.sum()), rng)


def of_rows(
    concentration: float,
    counts: IntArray,
    prior: GammaPrior,
    rng: np.random.Generator,
) -> float:
    """Draw the concentration of each entry of R rows: Dirichlet(concentration, ..).

    As `of_shares` for counts (R, C), with the pseudo-count of one entry as the unknown,
    so that a row's whole strength is C times it.
    """
    n_codes = counts.shape[1]
    strength: Array = np.full(n_codes, concentration)
    seat = restaurants.seat_rows(counts, strength, rng)
    return prior.given(int(seat.tables.sum()), n_codes * float(seat.pulls.sum()), rng)
