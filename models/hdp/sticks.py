"""Shares of a Dirichlet process: broken sticks, their inverse, and the weak limit.

    v_k ~ Beta(1, concentration)          beta_k = v_k (1 - v_1) .. (1 - v_k-1)

(Sethuraman 1994; the law of beta is called GEM.) The concentration enters in the Beta
and nowhere else: E[beta_1] = 1 / (1 + concentration). Everything is in logs, where a
share of e^-800 stays apart from zero. The weak limit puts Dirichlet(concentration / K)
on K shares and tends to the process as K grows (Ishwaran and Zarepour 2002).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import doors
from models.logspace import log_dirichlet_draw

if TYPE_CHECKING:
    from models.shapes import Array


class Sticks(NamedTuple):
    """What each break takes of the stick, and what it leaves; the last share is left.

    log_taken (.., K-1): log v        log_left (.., K-1): log(1 - v)
    """

    log_taken: Array
    log_left: Array


def log_shares(sticks: Sticks) -> Array:
    """Break the stick K-1 times: log beta (.., K), which sums to one.

    log beta_k = log v_k + sum_j<k log(1 - v_j); the last share is all that is left.
    """
    left = np.cumsum(sticks.log_left, axis=-1)
    whole = np.zeros((*left.shape[:-1], 1))
    before = np.concatenate([whole, left], axis=-1)
    broken: Array = before + np.concatenate([sticks.log_taken, whole], axis=-1)
    return broken


def sticks(log_beta: Array) -> Sticks:
    """Give the breaks that make log_beta (.., K): the inverse of `log_shares`.

    v_k = beta_k / (beta_k + .. + beta_K); where nothing is left, v_k is one.
    """
    log_beta = doors.log_distribution(log_beta, "log_beta")
    tails = np.logaddexp.accumulate(log_beta[..., ::-1], axis=-1)[..., ::-1]
    here, after = tails[..., :-1], tails[..., 1:]
    spent = np.isneginf(here)
    here = np.where(spent, 0.0, here)
    log_taken = np.where(spent, 0.0, log_beta[..., :-1] - here)
    return Sticks(log_taken, np.where(spent, -np.inf, after - here))


def gem(
    concentration: float, n_shares: int, size: int, rng: np.random.Generator
) -> Array:
    """Draw `size` broken sticks, the last share being the rest: log beta (size, K).

    1 - v is U^(1 / concentration), so log(1 - v) is drawn without any rounding to zero.
    """
    doors.positive(concentration, "concentration")
    doors.at_least_one(n_shares, "n_shares")
    log_left = -rng.standard_exponential((size, n_shares - 1)) / concentration
    return log_shares(Sticks(_log_one_minus_exp(log_left), log_left))


def _log_one_minus_exp(log_x: Array) -> Array:
    """log(1 - x) for log x < 0, exact at both ends (Maechler 2012)."""
    with np.errstate(divide="ignore"):
        near = np.log(-np.expm1(log_x))
        far = np.log1p(-np.exp(log_x))
    split: Array = np.where(log_x > -np.log(2.0), near, far)
    return split


def weak_limit(
    concentration: float, n_shares: int, size: int, rng: np.random.Generator
) -> Array:
    """Draw `size` times from Dirichlet(concentration / K, ..): log beta (size, K)."""
    doors.positive(concentration, "concentration")
    doors.at_least_one(n_shares, "n_shares")
    even = np.full((size, n_shares), concentration / n_shares)
    return log_dirichlet_draw(even, rng)
