"""Draws of whole segmentations from their posterior.

Backward messages first; then every record walks forward through its own future, segment
by segment, all records and all draws in step. Each draw is exact and independent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm import messages
from models.hsmm import records as laid
from models.hsmm.draws import draw_rows
from models.hsmm.edges import weights
from models.hsmm.exact import LOG_2
from models.hsmm.messages import RIGHT_CENSORED
from models.hsmm.segments import Segments, joined
from models.logspace import logsumexp

if TYPE_CHECKING:
    from models.hsmm.edges import Edges, Weights
    from models.hsmm.exact import Messages
    from models.hsmm.process import Process
    from models.hsmm.records import Records
    from models.shapes import Array, BoolArray, IntArray


class Drawn(NamedTuple):
    """Segmentations of N records, and what they were drawn from.

    draws            : one Segments of all records for each draw
    log_evidence (N,): log p(y_n), summed over all segmentations on the way
    """

    draws: list[Segments]
    log_evidence: Array


class _Walkers(NamedTuple):
    """Where each of W walks stands: its record (sorted), draw, frame and last state."""

    record: IntArray
    draw: IntArray
    frame: IntArray
    state: IntArray


def sample(
    process: Process,
    log_lik: Array,
    lengths: IntArray | None = None,
    edges: Edges = RIGHT_CENSORED,
    *,
    rng: np.random.Generator,
    n_draws: int = 1,
) -> list[Segments]:
    """Draw the segments of all records, n_draws times: see `draw`."""
    return draw(process, log_lik, lengths, edges, rng=rng, n_draws=n_draws).draws


def draw(
    process: Process,
    log_lik: Array,
    lengths: IntArray | None = None,
    edges: Edges = RIGHT_CENSORED,
    *,
    rng: np.random.Generator,
    n_draws: int = 1,
) -> Drawn:
    """Draw the segments of records log_lik (N, T, K), lengths (N,), and give p(y).

    Refuse a record that cannot happen. Time N T D K + N T K K, and then D for each
    segment drawn.
    """
    if n_draws < 0:
        raise ValueError(f"n_draws is {n_draws}: 0 or more is wanted")
    records = laid.lay(process, log_lik, lengths)
    weight = weights(process, edges)
    future = messages.backward(process, weight, records)
    walkers, total = _begin(weight, records, future, n_draws, rng)
    length = walkers.frame
    walkers = walkers._replace(frame=np.zeros_like(length))
    found: list[tuple[IntArray, Segments]] = []
    while len(walkers.record):
        found.append((walkers.draw, _segments(records, walkers, length)))
        walkers = _going_on(records, walkers._replace(frame=walkers.frame + length))
        ahead = future.ends[walkers.frame, :, walkers.record]
        state = draw_rows(process.log_a[walkers.state] + ahead, rng)
        walkers = walkers._replace(state=state)
        length = 1 + draw_rows(_lasting(weight, records, future, walkers), rng)
    every = [
        joined([_of_draw(segments, draw == which) for draw, segments in found])
        for which in range(n_draws)
    ]
    return Drawn(every, laid.unsorted(records, total))


def _begin(
    weight: Weights,
    records: Records,
    future: Messages,
    n_draws: int,
    rng: np.random.Generator,
) -> tuple[_Walkers, Array]:
    """Draw the state and (as `frame`) the end of first segments; log evidence (N,)."""
    n_states = weight.first.shape[1]
    every = np.arange(n_draws)
    nobody = np.zeros(0, dtype=np.int64)
    walks = [_Walkers(nobody, nobody, nobody, nobody)]
    total = records.best + future.power[0] * LOG_2
    for n in np.flatnonzero(records.lengths > 0):
        law = first_law(weight, records, future, int(n)).reshape(1, -1)
        total[n] += logsumexp(law)[0]
        laid.refuse_impossible(records, total)
        drawn = draw_rows(np.repeat(law, n_draws, axis=0), rng)
        length, state = np.divmod(drawn, n_states)
        walks.append(_Walkers(np.full_like(every, n), every, length + 1, state))
    together = (np.concatenate(parts) for parts in zip(*walks, strict=True))
    return _Walkers(*together), total


def first_law(weight: Weights, records: Records, future: Messages, n: int) -> Array:
    """Log weight (d, K) of the first segment's length and state, in record n.

    first[d, k] lik(0 .. d, k) after[d, k],  or only[k] lik(0 .. T, k) for d = T
    """
    length = int(records.lengths[n])
    reach = min(len(weight.first), length)
    law: Array = records.gain[:reach, :, n].cumsum(axis=0)
    whole = law[-1].copy()
    power = future.power[1 : reach + 1, n] - future.power[0, n]
    law += weight.first[:reach] + future.starts[1 : reach + 1, :, n]
    law += power[:, None] * LOG_2
    if reach == length:
        law[-1] = whole + weight.only[length - 1] - future.power[0, n] * LOG_2
    return law


def _lasting(
    weight: Weights, records: Records, future: Messages, walkers: _Walkers
) -> Array:
    """Log weight (W, D) of each length of a segment that begins where the walker is."""
    n, t, k = walkers.record[:, None], walkers.frame[:, None], walkers.state[:, None]
    lengths = records.lengths[n]
    longest = min(len(weight.inner), int((lengths - t).max(initial=1)))
    d = np.arange(1, longest + 1)
    end = np.minimum(t + d, lengths)
    law = np.cumsum(records.gain[end - 1, k, n], axis=1)
    short = (future.power[end, n] - future.power[t, n]) * LOG_2
    going_on = weight.inner[d - 1, k] + future.starts[end, k, n] + short
    ending = weight.last[d - 1, k] - future.power[t, n] * LOG_2
    law += np.where(t + d < lengths, going_on, ending)
    law[t + d > lengths] = -np.inf
    return law


def _segments(records: Records, walkers: _Walkers, length: IntArray) -> Segments:
    return Segments(records.order[walkers.record], walkers.state, walkers.frame, length)


def _going_on(records: Records, walkers: _Walkers) -> _Walkers:
    going = walkers.frame < records.lengths[walkers.record]
    return _Walkers(*(part[going] for part in walkers))


def _of_draw(segments: Segments, mine: BoolArray) -> Segments:
    return Segments(*(part[mine] for part in segments))
