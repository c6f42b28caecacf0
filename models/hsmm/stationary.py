"""The law that a chain of segments settles to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.logspace import log_softmax, logsumexp

if TYPE_CHECKING:
    from models.hsmm.process import Process
    from models.shapes import Array, BoolArray


def log_states(process: Process) -> Array:
    """Log share (K,) of the segments in each state, once the process has run for ever.

    States that are left for good have none. Refuse a process in which nothing follows
    some state, and one that settles in either of several sets of states, since what it
    has become then depends on where it began.
    """
    log_a = process.log_a
    follows = ~np.isneginf(log_a)
    dead = ~follows.any(axis=1)
    if dead.any():
        raise ValueError(
            f"nothing follows state {int(np.argmax(dead))}: "
            f"such a process cannot have run for ever"
        )
    lasting = _lasting(follows)
    log_share = np.full(len(log_a), -np.inf)
    log_share[lasting] = _settled(log_a[np.ix_(lasting, lasting)])
    return log_share


def _lasting(follows: BoolArray) -> BoolArray:
    """Which states (K,) the process comes back to for ever."""
    reach = follows | np.eye(len(follows), dtype=bool)
    for _ in range(len(follows).bit_length()):
        reach = reach @ reach
    # A state is left for good when it reaches one from which it cannot be reached.
    lasting: BoolArray = ~(reach & ~reach.T).any(axis=1)
    first = int(np.argmax(lasting))
    apart = lasting & ~reach[first]
    if apart.any():
        raise ValueError(
            f"states {first} and {int(np.argmax(apart))} never reach each other: "
            f"what the process settles to depends on where it began"
        )
    return lasting


def _settled(log_a: Array) -> Array:
    """Solve nu = nu A for a chain of one class, in logs and without a subtraction.

    Grassmann, Taksar and Heyman (1985): states are taken out one by one, and the
    answer is right to the last digits however rare a state is.
    """
    a = log_a.copy()
    for n in range(len(a) - 1, 0, -1):
        a[:n, n] -= logsumexp(a[n, :n])
        a[:n, :n] = np.logaddexp(a[:n, :n], a[:n, n, None] + a[n, :n])
    share = np.zeros(1)
    for n in range(1, len(a)):
        share = np.append(share, logsumexp(share + a[:n, n]))
    return log_softmax(share)
