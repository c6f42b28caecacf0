"""Forward and backward messages of a semi-Markov process, and the evidence.

N records of up to T frames go through together. The last segment of a record may go on
after it, and the first may have begun before it: see edges.py. Time is N T D K +
N T K K, and memory N T K.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm import records as laid
from models.hsmm.edges import Edges, weights
from models.hsmm.exact import LOG_2, Messages, Steps
from models.hsmm.sweep import sweep
from models.logspace import logsumexp

if TYPE_CHECKING:
    from models.hsmm.edges import Weights
    from models.hsmm.process import Process
    from models.hsmm.records import Records
    from models.shapes import Array, IntArray

RIGHT_CENSORED = Edges()


class Evidence(NamedTuple):
    """What a record's likelihood is made of, short of the best of each frame.

    last (D, K, N): log weight of all that ends with a last segment of d frames, d < T
    only    (K, N): log weight of the record being one segment
    power     (N,): both are short of this power of two
    rest      (N,): log of their sum
    total     (N,): log likelihood of the record: rest + power log 2 + best
    """

    last: Array
    only: Array
    power: Array
    rest: Array
    total: Array


class Both(NamedTuple):
    """Records as the recursions read them, and both of their messages."""

    records: Records
    weight: Weights
    evidence: Evidence
    past: Messages
    future: Messages


def both(
    process: Process, log_lik: Array, lengths: IntArray | None, edges: Edges
) -> Both:
    """Pass over records both ways; refuse one that cannot happen: it says nothing."""
    records = laid.lay(process, log_lik, lengths)
    weight = weights(process, edges)
    past = forward(process, weight, records)
    found = evidence(weight, records, past)
    laid.refuse_impossible(records, found.rest)
    future = backward(process, weight, records)
    return Both(records, weight, found, past, future)


def forward(process: Process, weight: Weights, records: Records) -> Messages:
    """Give log p(y_1:t, a segment of state k ends at t, or begins after t)."""
    return sweep(Steps(weight.inner, weight.first, process.log_a), records)


def backward(process: Process, weight: Weights, records: Records) -> Messages:
    """Give log p(y_t+1:T | a segment of state k begins after t, or ends at t).

    It is the forward recursion on mirrored records, with the last segment for the
    first. In what comes back, `ends` holds the first and `starts` the second, and each
    record's boundaries are in their own order again.
    """
    steps = Steps(weight.inner, weight.last, process.log_a.T)
    mirrored = sweep(steps, laid.backwards(records))
    at = np.maximum(records.lengths - np.arange(len(mirrored.power))[:, None], 0)
    return Messages(
        np.take_along_axis(mirrored.ends, at[:, None, :], axis=0),
        np.take_along_axis(mirrored.starts, at[:, None, :], axis=0),
        np.take_along_axis(mirrored.power, at, axis=0),
    )


def evidence(weight: Weights, records: Records, past: Messages) -> Evidence:
    """Close the forward messages with the last segment: sums over its d and k."""
    n_durations, n_states = weight.last.shape
    n_records = len(records.lengths)
    last = np.full((n_durations, n_states, n_records), -np.inf)
    only = np.full((n_states, n_records), -np.inf)
    power = np.zeros(n_records)
    for n, length in enumerate(records.lengths):
        reach = min(n_durations, length)
        since = records.gain[length - reach : length, :, n][::-1].cumsum(axis=0)
        began = slice(length - reach, length)
        power[n] = past.power[length, n]
        short = (past.power[began, n] - power[n])[::-1, None] * LOG_2
        last[:reach, :, n] = (
            weight.last[:reach] + since + past.starts[began, :, n][::-1] + short
        )
        if 0 < length <= n_durations:
            only[:, n] = weight.only[length - 1] + since[-1] - power[n] * LOG_2
    ended = logsumexp(last.reshape(n_durations * n_states, n_records), axis=0)
    rest = np.logaddexp(ended, logsumexp(only, axis=0))
    rest[records.lengths == 0] = 0.0
    return Evidence(last, only, power, rest, rest + power * LOG_2 + records.best)


def log_evidence(
    process: Process,
    log_lik: Array,
    lengths: IntArray | None = None,
    edges: Edges = RIGHT_CENSORED,
) -> Array:
    """Log likelihood (N,) of each record: log_lik (N, T, K), lengths (N,).

    Likelihoods count as they are: a constant added to a frame's is added to this. A
    record without frames has log likelihood 0.
    """
    records = laid.lay(process, log_lik, lengths)
    weight = weights(process, edges)
    past = forward(process, weight, records)
    return laid.unsorted(records, evidence(weight, records, past).total)
