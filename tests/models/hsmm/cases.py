"""Processes and records for the tests, small or of a shape that has gone wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from hypothesis import strategies as st

from models.hsmm.edges import Edges
from models.hsmm.process import Process

if TYPE_CHECKING:
    from models.shapes import Array

ALL_EDGES = tuple(
    Edges(left, right)
    for left in ("complete", "censored")
    for right in ("complete", "censored")
)


class Case(NamedTuple):
    """A process, one record log_lik (T, K), and what is known of its ends."""

    process: Process
    log_lik: Array
    edges: Edges


def log(p: Array) -> Array:
    """Take logs, -inf for 0."""
    with np.errstate(divide="ignore"):
        found: Array = np.log(p)
    return found


def process(
    n_states: int,
    max_duration: int,
    rng: np.random.Generator,
    *,
    tail: bool = False,
    holes: bool = False,
) -> Process:
    """Draw a process; with holes some moves, lengths and first states cannot happen."""
    a = rng.dirichlet(np.ones(n_states), n_states)
    pi = rng.dirichlet(np.ones(n_states))
    d = rng.dirichlet(np.ones(max_duration + 1), n_states).T
    if not tail:
        d[-1] = 0.0
    if holes and n_states > 2:
        a[0, 1], pi[-1] = 0.0, 0.0
    if holes and max_duration > 2:
        d[0, 0] = d[1, -1] = 0.0
    if n_states > 1:
        np.fill_diagonal(a, 0.0)
    a /= a.sum(axis=1, keepdims=True)
    d /= d.sum(axis=0)
    log_d = log(d)
    return Process(log(pi / pi.sum()), log(a), log_d[:-1], log_d[-1])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any small case: both edges, holes, tails, impossible emissions, great ranges."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    edges = draw(st.sampled_from(ALL_EDGES))
    n_states, max_duration = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    found = process(
        n_states,
        max_duration,
        rng,
        tail=edges.left == "complete" and draw(st.booleans()),
        holes=draw(st.booleans()),
    )
    n_frames = draw(st.integers(1, 7 if n_states < 3 else 6))
    log_lik = rng.normal(size=(n_frames, n_states)) * draw(
        st.sampled_from([1.0, 30.0, 400.0])
    )
    log_lik[rng.random(log_lik.shape) < draw(st.sampled_from([0.0, 0.15]))] = -np.inf
    return Case(found, log_lik, edges)


def long_case(
    n_frames: int,
    rng: np.random.Generator,
    *,
    n_states: int = 4,
    max_duration: int = 30,
    gap: float = 2.0,
) -> Case:
    """Draw a record of many blocks, in states that last a while."""
    found = process(n_states, max_duration, rng)
    states = np.repeat(rng.integers(n_states, size=n_frames), 11)[:n_frames]
    log_lik = rng.normal(size=(n_frames, n_states)) * gap
    log_lik[np.arange(n_frames), states] += gap
    return Case(found, log_lik, Edges())
