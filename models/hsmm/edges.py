"""What is known of a record's two ends, and what its first and last segment count.

A record rarely begins and ends with the behaviour in it. Each edge is "complete" (a
segment begins, or ends, exactly there) or "censored" (it may have begun before, or go
on after). So a segment of d frames has one of four weights: within the record, first,
last, or the only one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from models.hsmm import process as processes
from models.hsmm import stationary
from models.logspace import logsumexp

if TYPE_CHECKING:
    from models.hsmm.process import Process
    from models.shapes import Array

Edge = Literal["complete", "censored"]


class Edges(NamedTuple):
    """The two ends of a record.

    left "complete": a segment begins at the first frame, in a state drawn from log_pi.
    left "censored": the process has run for ever; log_pi does not matter then.
    right "complete": the last segment ends at the last frame.
    right "censored": it goes on for an unknown time, and counts P(duration >= seen).
    """

    left: Edge = "complete"
    right: Edge = "censored"


class Weights(NamedTuple):
    """Log weight (D, K) of a segment of d frames (row d-1), by its place in the record.

    inner: neither first nor last, without the transition into it
    first: begins the record, with the probability of its state, and ends within it
    last:  ends the record, without the transition into it
    only:  the whole record, with the probability of its state
    """

    inner: Array
    first: Array
    last: Array
    only: Array


def weights(process: Process, edges: Edges) -> Weights:
    """Weigh segments by their place.

    With S(d) = P(duration >= d) and nu the stationary law of the embedded chain, a
    process that has run for ever is in state k with d frames to go, this one included,
    with probability nu_k S_k(d) / sum_j nu_j E[duration_j]: a renewal process seen at a
    moment that has nothing to do with it (Feller, vol. II, ch. XI).
    """
    _check(edges)
    surviving = processes.survival(process)
    last = surviving if edges.right == "censored" else process.log_d
    if edges.left == "complete":
        return Weights(
            process.log_d, process.log_pi + process.log_d, last, process.log_pi + last
        )
    states = stationary.log_states(process)
    longer = np.concatenate([_excess(process)[None], surviving[::-1]])
    to_go = np.logaddexp.accumulate(longer, axis=0)[:0:-1]
    mean = logsumexp(states + to_go[0], axis=0)
    beyond = to_go if edges.right == "censored" else surviving
    return Weights(
        process.log_d, states + surviving - mean, last, states + beyond - mean
    )


def _check(edges: Edges) -> None:
    for name, edge in zip(edges._fields, edges, strict=True):
        if edge not in {"complete", "censored"}:
            raise ValueError(
                f"the {name} edge is {edge!r}: 'complete' or 'censored' is wanted"
            )


def _excess(process: Process) -> Array:
    """Log of the frames expected beyond D (K,); with no tail there are none."""
    if process.log_excess is not None:
        return process.log_excess
    if not np.isneginf(process.log_tail).all():
        state = int(np.argmax(process.log_tail))
        raise ValueError(
            f"state {state} lasts longer than D with log probability "
            f"{process.log_tail[state]}: a record that begins within a segment wants "
            f"the process's log_excess, or durations that were renormalised"
        )
    return process.log_tail
