"""What the records say of states, change points, transitions and durations.

All of it is exact: probabilities and expected counts over every way to cut the records
into segments. The counts are what an EM step wants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm import expected_durations, expected_moves, messages
from models.hsmm import records as laid
from models.hsmm.exact import LOG_2
from models.hsmm.messages import RIGHT_CENSORED

if TYPE_CHECKING:
    from models.hsmm.edges import Edges
    from models.hsmm.exact import Messages
    from models.hsmm.messages import Evidence
    from models.hsmm.process import Process
    from models.hsmm.records import Records
    from models.shapes import Array, IntArray


class Marginals(NamedTuple):
    """N records, given all their frames; 0 past a record's end.

    log_evidence   (N,): log p(y_n)
    occupancy (N, T, K): P(state of frame t = k | y_n)
    begins    (N, T, K): P(a segment of state k begins with frame t | y_n), t > 0
    changes      (N, T): P(a segment begins with frame t | y_n), t > 0
    first        (N, K): P(first state = k | y_n)
    """

    log_evidence: Array
    occupancy: Array
    begins: Array
    changes: Array
    first: Array


class Posterior(NamedTuple):
    """The marginals, and expected counts over all records.

    log_evidence, occupancy, begins, changes, first: see Marginals
    transitions    (K, K): expected number of times that the column follows the row
    durations      (D, K): expected number of segments of d frames (row d-1), those not
                           whole in the record left out
    right_censored (D, K): likewise of those seen for d frames, when the record ended
    left_censored  (D, K): those seen for d frames since the record began
    both_censored  (D, K): those that fill a record of d frames

    A censored count is 0 where the edge is complete: such segments are whole.
    """

    log_evidence: Array
    occupancy: Array
    begins: Array
    changes: Array
    first: Array
    transitions: Array
    durations: Array
    right_censored: Array
    left_censored: Array
    both_censored: Array


class _Passed(NamedTuple):
    """Both messages, and what they share.

    apart (T+1, N): log of what their product at a boundary is short of the evidence
    first, only (D, K, N): P(first segment, more to come), P(the only segment)
    """

    records: Records
    evidence: Evidence
    past: Messages
    future: Messages
    apart: Array
    first: Array
    only: Array


def marginals(
    process: Process,
    log_lik: Array,
    lengths: IntArray | None = None,
    edges: Edges = RIGHT_CENSORED,
) -> Marginals:
    """Give what records log_lik (N, T, K) of `lengths` (N,) say of each frame.

    Refuse a record that cannot happen: it says nothing. Time N T D K + N T K K.
    """
    return _marginals(_pass(process, log_lik, lengths, edges))


def posterior(
    process: Process,
    log_lik: Array,
    lengths: IntArray | None = None,
    edges: Edges = RIGHT_CENSORED,
) -> Posterior:
    """Give the marginals, and all that an EM step counts.

    Refuse a record that cannot happen: it says nothing. Time N T D K + N T K K.
    """
    both = _pass(process, log_lik, lengths, edges)
    joint = (both.records, both.past, both.future, both.apart)
    last = np.exp(both.evidence.last - both.evidence.rest)
    counted = expected_durations.by_edge(
        edges,
        expected_durations.inner(process, *joint),
        both.first.sum(axis=2),
        last.sum(axis=2),
        both.only.sum(axis=2),
    )
    return Posterior(
        *_marginals(both), expected_moves.transitions(process, *joint), *counted
    )


def _pass(
    process: Process, log_lik: Array, lengths: IntArray | None, edges: Edges
) -> _Passed:
    records, weight, evidence, past, future = messages.both(
        process, log_lik, lengths, edges
    )
    return _Passed(
        records,
        evidence,
        past,
        future,
        (past.power + future.power - evidence.power) * LOG_2 - evidence.rest,
        expected_durations.first(weight, records, evidence, future),
        expected_durations.only(weight, records, evidence),
    )


def _marginals(both: _Passed) -> Marginals:
    records, first = both.records, both.first + both.only
    begins, occupied = _occupancy(records, both.past, both.future, both.apart, first)
    begun = _outward(records, begins)
    return Marginals(
        laid.unsorted(records, both.evidence.total),
        _outward(records, occupied),
        begun,
        begun.sum(axis=2),
        laid.unsorted(records, first.sum(axis=0).T),
    )


def _occupancy(
    records: Records, past: Messages, future: Messages, apart: Array, first: Array
) -> tuple[Array, Array]:
    """Give P(a segment begins at t) and P(state of t), (T, K, N) both.

    A state is occupied at t if it began more often up to t than it ended before t.
    """
    n_frames = len(records.gain)
    inside = (np.arange(n_frames)[:, None] < records.lengths)[:, None, :]
    between = inside.copy()
    between[:1] = False
    where = apart[:n_frames, None, :]
    begins = _exp(past.starts[:n_frames] + future.ends[:n_frames] + where, between)
    ended = _exp(past.ends[:n_frames] + future.starts[:n_frames] + where, between)
    gained = begins - ended
    if n_frames > 0:
        gained[0] = first.sum(axis=0)
    occupied = np.clip(np.cumsum(gained, axis=0), 0.0, 1.0)
    occupied *= inside
    return begins, occupied


def _exp(log_p: Array, inside: Array) -> Array:
    return np.exp(np.where(inside, log_p, -np.inf))


def _outward(records: Records, values: Array) -> Array:
    """Turn (T, K, N) into (N, T, K), in the order in which records were given."""
    return laid.unsorted(records, values.transpose(2, 0, 1))
