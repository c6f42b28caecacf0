"""Segments drawn from the process itself: records with a known truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from models.hsmm import process as processes
from models.hsmm.draws import draw_rows
from models.hsmm.edges import Edges, weights
from models.hsmm.segments import Segments, joined, labels

if TYPE_CHECKING:
    from models.hsmm.edges import Edge
    from models.hsmm.process import Process
    from models.shapes import IntArray


class DurationDraw(Protocol):
    """What draws durations (n,) for states (n,), like Poisson.draw."""

    def __call__(self, states: IntArray, rng: np.random.Generator) -> IntArray:
        """Give a duration of at least 1 for each state."""
        ...


class Simulated(NamedTuple):
    """What was drawn for N records.

    labels  (N, T): the state of each frame, -1 past a record's end
    segments      : the same, as segments; the last of a record is cut at its end
    durations (M,): how long each segment would have lasted, from its first frame seen
    """

    labels: IntArray
    segments: Segments
    durations: IntArray


def simulate(
    process: Process,
    lengths: IntArray,
    *,
    rng: np.random.Generator,
    left: Edge = "complete",
    draw: DurationDraw | None = None,
) -> Simulated:
    """Draw segments for records of `lengths` (N,) frames.

    Where durations may exceed D the process cannot say by how much: `draw` gives them
    then, from the full law, and without it such a process is refused.
    """
    processes.check(process)
    lengths = np.asarray(lengths)
    _check(process, lengths, left, draw)
    n = np.flatnonzero(lengths > 0)
    state, duration = _first(process, left, len(n), draw or _table(process), rng)
    t = np.zeros_like(n)
    steps: list[Segments] = []
    lasting: list[IntArray] = []
    while len(n):
        steps.append(Segments(n, state, t, np.minimum(duration, lengths[n] - t)))
        lasting.append(duration)
        going = t + duration < lengths[n]
        n, t, state = n[going], (t + duration)[going], state[going]
        state = _next(process, state, rng)
        duration = (draw or _table(process))(state, rng)
    found = joined(steps)
    n_frames = int(lengths.max(initial=0))
    order = np.lexsort((_all(steps, 2), _all(steps, 0)))
    durations = np.concatenate([np.zeros(0, dtype=np.int64), *lasting])[order]
    return Simulated(labels(found, len(lengths), n_frames), found, durations)


def _check(
    process: Process, lengths: IntArray, left: Edge, draw: DurationDraw | None
) -> None:
    if lengths.ndim != 1 or (lengths < 0).any() or lengths.dtype.kind not in "iu":
        raise ValueError(
            f"lengths are {lengths.tolist()}: one whole number of 0 or more is wanted "
            f"for each record"
        )
    if left not in {"complete", "censored"}:
        raise ValueError(f"left is {left!r}: 'complete' or 'censored' is wanted")
    endless = ~np.isneginf(process.log_tail)
    if endless.any() and (draw is None or left == "censored"):
        raise ValueError(
            f"state {int(np.argmax(endless))} may last longer than "
            f"{processes.max_duration(process)} frames, and the process does not say "
            f"how long: give `draw`, or durations that were renormalised"
        )


def _first(
    process: Process,
    left: Edge,
    n_records: int,
    draw: DurationDraw,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    if left == "complete":
        state = draw_rows(np.tile(process.log_pi, (n_records, 1)), rng)
        return state, draw(state, rng)
    law = weights(process, Edges("censored", "complete")).only.reshape(1, -1)
    drawn = draw_rows(np.repeat(law, n_records, axis=0), rng)
    duration, state = np.divmod(drawn, processes.n_states(process))
    return state, duration + 1


def _next(process: Process, state: IntArray, rng: np.random.Generator) -> IntArray:
    rows = process.log_a[state]
    if np.isneginf(rows).all(axis=1).any():
        stuck = int(state[np.isneginf(rows).all(axis=1)][0])
        raise ValueError(
            f"nothing follows state {stuck}, and its record has frames left to fill"
        )
    return draw_rows(rows, rng)


def _table(process: Process) -> DurationDraw:
    def draw(states: IntArray, rng: np.random.Generator) -> IntArray:
        return 1 + draw_rows(process.log_d.T[states], rng)

    return draw


def _all(steps: list[Segments], field: int) -> IntArray:
    return np.concatenate(
        [np.zeros(0, dtype=np.int64), *(step[field] for step in steps)]
    )
