"""The chance of bouts in view, in a semi-Markov chain in equilibrium.

The first bout in view began before it, the last goes on after it:

    p(k_1, l_1, .. k_m, l_m) = first(k_1, l_1) prod_i A[k_i-1, k_i] stay(k_i, l_i)

with the last stay as P(d >= l), for what comes after is not in view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.logspace import logsumexp
from models.synthetic.bouts import survival, visits

if TYPE_CHECKING:
    from models.shapes import Array, IntArray
    from models.synthetic.bodies import Habits


MOST_PATHS = 100_000


class Prior(NamedTuple):
    """Log chances of bouts in view, for S habits; column l-1 is length l.

    whole (S, K, D): of a bout seen from its first frame to its last
    first (S, K, D): of one under way when the view begins, and ending in view
    last  (S, K, D): of one that begins in view and goes on after it
    only  (S, K, D): of one that spans the view
    log_a (S, K, K): what follows
    """

    whole: Array
    first: Array
    last: Array
    only: Array
    log_a: Array


def prior(*habits: Habits) -> Prior:
    """Tabulate the log chances of bouts in view, for each of `habits`.

        first(k, l) = v_k P(d_k >= l) / sum_k v_k E[d_k]
        only(k, l) = sum_{r >= l} first(k, r)

    where v is the share of bouts: long bouts hold more moments than short ones.
    """
    stays = np.stack([each.stays for each in habits])
    follows = np.stack([each.follows for each in habits])
    lasting = survival(stays)
    moments = np.stack([visits(each) for each in follows])[..., None] * lasting
    first = moments / moments.sum(axis=(1, 2), keepdims=True)
    tables = (stays, first, lasting, survival(first), follows)
    with np.errstate(divide="ignore"):
        return Prior(*(np.log(each) for each in tables))


def feasible(follows: Array, m: int) -> IntArray:
    """List every sequence of m behaviours that can be: (Q, m)."""
    leads = (follows > 0.0).astype(np.float64)
    if (n_paths := np.linalg.matrix_power(leads, m - 1).sum()) > MOST_PATHS:
        raise ValueError(
            f"size is too large: a window looks on {m} bouts, which can be "
            f"{n_paths:.0f} sequences of behaviours; wanted {MOST_PATHS} or fewer"
        )
    paths = np.arange(len(follows))[:, None]
    for _ in range(m - 1):
        row, then = np.nonzero(follows[paths[:, -1]])
        paths = np.concatenate([paths[row], then[:, None]], axis=1)
    return paths


def log_paths(tables: Prior, paths: IntArray, seen: IntArray) -> Array:
    """Give log p(paths (Q, m), lengths in view (B, m)): (B, Q), the mean over habits.

    The mean is of chances, not of their logs: S habits, each as likely as the next.
    """
    inner = [tables.whole] * (paths.shape[1] - 2)
    only = paths.shape[1] == 1
    spans = [tables.only] if only else [tables.first, *inner, tables.last]
    log_p = tables.log_a[:, paths[:, :-1], paths[:, 1:]].sum(axis=-1)[..., None]
    for i, span in enumerate(spans):
        log_p = log_p + span[:, :, seen[:, i] - 1][:, paths[:, i]]  # (S, Q, B)
    averaged: Array = logsumexp(log_p, axis=0).T - np.log(len(log_p))
    return averaged
