"""Laws of a count 0, 1, 2, ... by how each probability grows out of the one before.

    log P(x) = log P(0) + sum over i < x of log (P(i+1) / P(i))

Differences of log-gammas lose all digits when a parameter is large; this does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from models.hsmm.durations import cut
from models.logspace import logsumexp

if TYPE_CHECKING:
    from models.hsmm.durations import Table, Truncate
    from models.shapes import Array

# Below this a tail is summed in logs, as P(D) times what follows it.
FAINT = 1e-290
FOLLOWING = 2000


class Growth(Protocol):
    """Gives log (P(i+1) / P(i)) (n, K) for i (n,)."""

    def __call__(self, i: Array) -> Array:
        """Give the growth from each of i."""
        ...


def tabulate(
    log_zero: Array,
    growth: Growth,
    tail: Array,
    means: Array,
    max_duration: int,
    truncate: Truncate,
) -> Table:
    """Tabulate durations, the count and one: log P(0) (K,), P(count >= D) (K,).

    A tail too small for a number is the next probability times the ratios after it,
    closed as a geometric series.
    """
    grown = growth(np.arange(max_duration + FOLLOWING - 1.0)).cumsum(axis=0)
    log_p = np.concatenate([log_zero[None], log_zero + grown])
    with np.errstate(divide="ignore"):
        log_tail = np.log(tail)
        last = np.exp(growth(np.array([max_duration + FOLLOWING - 2.0]))[0])
        rest = log_p[-1] + np.log(last) - np.log1p(-np.minimum(last, 0.5))
    faint = np.logaddexp(logsumexp(log_p[max_duration:], axis=0), rest)
    log_tail = np.where(tail < FAINT, faint, log_tail)
    return cut(log_p[:max_duration], log_tail, means, truncate)
