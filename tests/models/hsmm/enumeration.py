"""Every way to cut a short record into segments, weighed one by one.

Slow, plain, and independent of the recursions: nothing here is from models/ but the
process itself.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from models.hsmm.edges import Edges
    from models.hsmm.process import Process
    from models.shapes import Array


class Cut(NamedTuple):
    """One segmentation: states and lengths of its segments, and its log weight."""

    states: tuple[int, ...]
    lengths: tuple[int, ...]
    log_weight: float


def cuts(process: Process, log_lik: Array, edges: Edges) -> Iterator[Cut]:
    """Yield every segmentation of log_lik (T, K) with its joint weight."""
    n_frames, n_states = log_lik.shape
    for lengths in _compositions(n_frames):
        if max(lengths) > len(process.log_d):
            continue
        for states in itertools.product(range(n_states), repeat=len(lengths)):
            prior = _prior(process, edges, states, lengths)
            log_weight = math.log(prior) if prior > 0.0 else -math.inf
            t = 0
            for state, length in zip(states, lengths, strict=True):
                log_weight += float(log_lik[t : t + length, state].sum())
                t += length
            yield Cut(states, lengths, log_weight)


def evidence(process: Process, log_lik: Array, edges: Edges) -> float:
    """Log of the sum over every segmentation."""
    weights = [cut.log_weight for cut in cuts(process, log_lik, edges)]
    top = max(weights, default=-math.inf)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(weight - top) for weight in weights))


def _compositions(n_frames: int) -> Iterator[tuple[int, ...]]:
    """Yield every way to write n_frames as an ordered sum of whole numbers."""
    for bars in itertools.product((False, True), repeat=n_frames - 1):
        ends = [t + 1 for t, bar in enumerate(bars) if bar]
        yield tuple(int(d) for d in np.diff([0, *ends, n_frames]))


def _prior(
    process: Process, edges: Edges, states: tuple[int, ...], lengths: tuple[int, ...]
) -> float:
    """Probability of the segments before anything is seen."""
    d, a = np.exp(process.log_d), np.exp(process.log_a)
    lasts = d[::-1].cumsum(axis=0)[::-1] + np.exp(process.log_tail)
    weight = 1.0
    for before, after in itertools.pairwise(states):
        weight *= float(a[before, after])
    for place, (k, length) in enumerate(zip(states, lengths, strict=True)):
        first, last = place == 0, place == len(states) - 1
        open_left = first and edges.left == "censored"
        open_right = last and edges.right == "censored"
        if open_left:
            weight *= _running(process, k, length, open_right=open_right)
            continue
        if first:
            weight *= float(np.exp(process.log_pi[k]))
        weight *= float(lasts[length - 1, k] if open_right else d[length - 1, k])
    return weight


def _running(process: Process, k: int, length: int, *, open_right: bool) -> float:
    """P(state k has exactly, or at least, `length` frames to go) at a random moment.

    From the chain over (state, frames to go) itself, solved for what it settles to.
    """
    to_go = settled(process)
    return float(to_go[length - 1 :, k].sum() if open_right else to_go[length - 1, k])


def settled(process: Process) -> Array:
    """Settle the chain over frames to go and state: P (D, K), durations to D alone."""
    d, a = np.exp(process.log_d), np.exp(process.log_a)
    n_durations, n_states = d.shape
    size = n_durations * n_states
    chain = np.zeros((n_durations, n_states, n_durations, n_states))
    for k in range(n_states):
        for r in range(1, n_durations):
            chain[r, k, r - 1, k] = 1.0
        chain[0, k] = d * a[k]
    flow = chain.reshape(size, size).T - np.eye(size)
    system = np.vstack([flow, np.ones((1, size))])
    wanted = np.append(np.zeros(size), 1.0)
    solved = np.linalg.lstsq(system, wanted, rcond=None)[0]
    law: Array = solved.reshape(n_durations, n_states)
    return law
