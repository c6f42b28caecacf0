"""Every way to cut a tiny record into segments, one by one: the oracle of these tests.

It shares no code with the messages. What it knows of the edges is written out again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from models.hsmm.edges import Edges
from models.hsmm.process import Process
from models.shapes import Array


class Cut(NamedTuple):
    """One segmentation: (state, duration) in order, and its log probability with y."""

    segments: tuple[tuple[int, int], ...]
    log_p: float


class Expected(NamedTuple):
    """Sums over all cuts: log_evidence, and expected counts given y."""

    log_evidence: float
    occupancy: Array
    first: Array
    moves: Array
    ended: Array
    cut: Array


def log_sum(values: list[float]) -> float:
    """Log of the sum of exp."""
    return float(np.logaddexp.reduce(np.array([-np.inf, *values])))


def segmentations(
    n_steps: int, n_states: int, longest: int
) -> Iterator[tuple[tuple[int, int], ...]]:
    """Give every tuple of (state, duration) whose durations sum to T."""
    if n_steps == 0:
        yield ()
    for duration in range(1, min(longest, n_steps) + 1):
        for rest in segmentations(n_steps - duration, n_states, longest):
            for state in range(n_states):
                yield ((state, duration), *rest)


def cuts(process: Process, log_lik: Array, edges: Edges) -> list[Cut]:
    """Weigh every segmentation of log_lik (T, K), by the left edge complete only."""
    assert edges.left == "complete"
    n_steps, n_states = log_lik.shape
    found = []
    for segments in segmentations(n_steps, n_states, len(process.log_d)):
        log_p, t, before = 0.0, 0, -1
        for i, (k, d) in enumerate(segments):
            log_p += process.log_pi[k] if i == 0 else process.log_a[before, k]
            log_p += log_lik[t : t + d, k].sum()
            tail = [*process.log_d[d - 1 :, k], process.log_tail[k]]
            is_cut = i == len(segments) - 1 and edges.right == "censored"
            log_p += log_sum(tail) if is_cut else process.log_d[d - 1, k]
            t, before = t + d, k
        found.append(Cut(segments, float(log_p)))
    return found


def expected(process: Process, log_lik: Array, edges: Edges) -> Expected:
    """Add up all segmentations of log_lik (T, K)."""
    n_steps, n_states = log_lik.shape
    longest = len(process.log_d)
    every = cuts(process, log_lik, edges)
    log_evidence = log_sum([one.log_p for one in every])
    occupancy, first = np.zeros((n_steps, n_states)), np.zeros(n_states)
    moves = np.zeros((n_states, n_states))
    ended, cut = np.zeros((longest, n_states)), np.zeros((longest, n_states))
    for segments, log_p in every:
        share, t = np.exp(log_p - log_evidence), 0
        first[segments[0][0]] += share
        for i, (k, d) in enumerate(segments):
            occupancy[t : t + d, k] += share
            t += d
            if i > 0:
                moves[segments[i - 1][0], k] += share
            is_cut = i == len(segments) - 1 and edges.right == "censored"
            (cut if is_cut else ended)[d - 1, k] += share
    return Expected(log_evidence, occupancy, first, moves, ended, cut)


def some_process(
    n_states: int, longest: int, rng: np.random.Generator, *, tail: bool = True
) -> Process:
    """Make a process at random, with or without mass beyond D."""
    log_a = np.log(rng.dirichlet(np.ones(max(1, n_states - 1)), n_states))
    if n_states == 1:
        full = log_a
    else:
        full = np.full((n_states, n_states), -np.inf)
        full[~np.eye(n_states, dtype=bool)] = log_a.ravel()
    law = rng.dirichlet(np.ones(longest + 1), n_states).T
    if not tail:
        law = np.vstack([law[:-1] / law[:-1].sum(axis=0), np.zeros((1, n_states))])
    with np.errstate(divide="ignore"):
        log_law = np.log(law)
    # Any excess of at least the tail will do: each duration beyond D counts at least 1.
    return Process(
        np.log(rng.dirichlet(np.ones(n_states))),
        full,
        log_law[:-1],
        log_law[-1],
        log_law[-1] + 0.3,
    )
