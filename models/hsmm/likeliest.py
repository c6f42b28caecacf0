"""The most likely duration laws under counts of whole and of censored durations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import optimize

from models.logspace import logsumexp

if TYPE_CHECKING:
    from models.hsmm.durations import Table, Truncate
    from models.shapes import Array

# Of means less one, and of shapes: beyond these no data of ours tell a difference.
BOUNDS = (np.log(1e-8), np.log(1e8))


class Law(Protocol):
    """Gives the table, and slopes (P, D, K) of log_d, at parameters theta (P, K)."""

    def __call__(self, theta: Array) -> tuple[Table, Array]:
        """Tabulate to D, with the tail."""
        ...


def likeliest(
    law: Law, start: Array, counts: Array, censored: Array, truncate: Truncate
) -> Array:
    """Find the theta (P, K) of greatest likelihood, climbing from `start`.

        sum over d of counts[d] log P(d) + censored[d] log P(duration >= d)

    States do not share parameters: one quasi-Newton climb takes them all.
    """
    shape = start.shape
    if start.size == 0:
        return start
    weight = max(1.0, float((counts + censored).sum()))

    def loss(flat: Array) -> tuple[float, Array]:
        value, slopes = _log_lik(law, flat.reshape(shape), counts, censored, truncate)
        return -value / weight, -slopes.ravel() / weight

    # Tolerances at the rounding of the loss: one climb is cheap, and EM wants monotony.
    found = optimize.minimize(
        loss,
        np.clip(start, *BOUNDS).ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=[BOUNDS] * start.size,
        options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-10},
    )
    best: Array = found.x.reshape(shape)
    return best


def _log_lik(
    law: Law, theta: Array, counts: Array, censored: Array, truncate: Truncate
) -> tuple[float, Array]:
    """Log likelihood and its slopes (P, K).

    The slope of the tail's probability is minus that of all the rest, as they sum to 1.
    """
    (log_d, log_tail, _), slopes = law(theta)
    moved = np.exp(log_d) * slopes
    if truncate == "renormalise":
        total = logsumexp(log_d, axis=0)
        mean_slope = moved.sum(axis=1, keepdims=True) / np.exp(total)
        log_d, slopes = log_d - total, slopes - mean_slope
        log_tail, moved = np.full_like(log_tail, -np.inf), np.exp(log_d) * slopes
    upwards = np.concatenate([log_tail[None], log_d[::-1]])
    surviving = np.logaddexp.accumulate(upwards, axis=0)[:0:-1]
    before = np.cumsum(moved, axis=1) - moved
    with np.errstate(divide="ignore", invalid="ignore"):
        falling = np.where(censored > 0.0, -before * np.exp(-surviving), 0.0)
    value = _times(counts, log_d) + _times(censored, surviving)
    climbing: Array = (counts * slopes + censored * falling).sum(axis=1)
    return value, climbing


def _times(counts: Array, log_p: Array) -> float:
    """Sum counts * log_p, where nothing counted of the impossible is nothing."""
    return float((counts * np.where(counts > 0.0, log_p, 0.0)).sum())
