"""A semi-Markov process: which state follows which, and for how long.

A sequence is cut into segments. Each has a state and a duration of at least one frame,
and the state after it is another one, drawn from its row of `log_a`. Durations are
given to D frames; what is likely to last longer is kept as a tail and never given to
the shorter ones in silence. So with a tail, the evidence is that of the record *and*
of no segment being seen for more than D frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.logspace import logsumexp

if TYPE_CHECKING:
    from models.shapes import Array

# A sum of D = 1e5 probabilities, each right to its last digit, is right to 1e-11.
NORMALISED = 1e-8


class Process(NamedTuple):
    """How segments start, follow each other, and last.

    log_pi     (K,): log P(first state = k)
    log_a    (K, K): log P(next state = column | state = row), with an empty diagonal
    log_d    (D, K): log P(duration = d) in row d-1
    log_tail   (K,): log P(duration > D)
    log_excess (K,): log of the sum of P(duration >= d) over d > D, in frames; only a
                     record that begins within a segment wants it. None: not known.

    A row of log_a that is -inf throughout means that nothing follows: the record ends
    with that state. With one state the row is either that or [[0.0]], a state which
    follows itself.
    """

    log_pi: Array
    log_a: Array
    log_d: Array
    log_tail: Array
    log_excess: Array | None = None


def n_states(process: Process) -> int:
    """Give K."""
    return len(process.log_pi)


def max_duration(process: Process) -> int:
    """Give D."""
    return len(process.log_d)


def survival(process: Process) -> Array:
    """Log P(duration >= d) (D, K), row d-1 for d, the tail included."""
    upwards = np.concatenate([process.log_tail[None], process.log_d[::-1]])
    surviving: Array = np.logaddexp.accumulate(upwards, axis=0)[:0:-1]
    return surviving


def check(process: Process) -> None:
    """Raise ValueError, naming the part, unless `process` is a process.

    Each part has its shape, is of float64, and holds logs of probabilities that sum to
    one: log_pi, rows of log_a that are not empty, columns of log_d with their tails.
    """
    n = np.size(process.log_pi)
    _shaped("log_pi", process.log_pi, (n,))
    _shaped("log_a", process.log_a, (n, n))
    _shaped("log_d", process.log_d, (np.shape(process.log_d)[:1] or (0,)) + (n,))
    _shaped("log_tail", process.log_tail, (n,))
    if n == 0 or len(process.log_d) == 0:
        raise ValueError("a process has at least one state and durations of one frame")
    if process.log_excess is not None:
        _shaped("log_excess", process.log_excess, (n,), bounded=False)
    _sums_to_one("log_pi", process.log_pi[None])
    _follows(process.log_a)
    _sums_to_one("log_d and log_tail", np.vstack([process.log_d, process.log_tail]).T)


def _shaped(
    name: str, log_p: Array, shape: tuple[int, ...], *, bounded: bool = True
) -> None:
    if not isinstance(log_p, np.ndarray):
        raise ValueError(  # noqa: TRY004
            f"{name} is a {type(log_p).__name__}: an array of float64 is wanted"
        )
    if np.shape(log_p) != shape:
        raise ValueError(f"{name} has shape {np.shape(log_p)}: {shape} is wanted")
    if log_p.dtype != np.float64:
        raise ValueError(f"{name} is of {log_p.dtype}: float64 is wanted")
    wrong = np.isnan(log_p) | (log_p > (NORMALISED if bounded else np.finfo(float).max))
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{name} holds {log_p[where]} at {where}: "
            f"logs of probabilities are wanted, none above 0 and none nan"
        )


def _sums_to_one(name: str, log_rows: Array) -> None:
    """Refuse rows (n, ...) whose probabilities do not sum to one."""
    totals = np.exp(logsumexp(log_rows, axis=1))
    wrong = np.abs(totals - 1.0) > NORMALISED
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"{name} of state {row} sum to {totals[row]}: "
            f"probabilities that sum to 1 are wanted"
            if len(log_rows) > 1
            else f"{name} sums to {totals[row]}: probabilities that sum to 1 are wanted"
        )


def _follows(log_a: Array) -> None:
    """Refuse a state that follows itself, and rows that sum neither to one nor zero."""
    if len(log_a) > 1 and not np.isneginf(np.diag(log_a)).all():
        state = int(np.argmin(np.isneginf(np.diag(log_a))))
        raise ValueError(
            f"log_a lets state {state} follow itself: its duration says how long it "
            f"lasts, and the diagonal must be -inf"
        )
    empty = (log_a == -np.inf).all(axis=1)
    stated = np.where(empty[:, None], -np.log(len(log_a)), log_a)
    _sums_to_one("log_a", stated)
