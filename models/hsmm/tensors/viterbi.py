"""The best segmentation of each record, on a device.

The walk forward only keeps the greatest: 6 launches a frame. Which duration and state
were best is looked up again along the one path that is followed back, for all records
at once, some 30 launches for each segment of the longest path. Equal paths are decided
as in models.hsmm.viterbi: the shortest last segment, then the lowest state, and so on
backwards.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.hsmm.edges import Edges
from models.hsmm.tensors.doors import checked
from models.hsmm.tensors.laws import FLOOR, Process, Weights, floored, weights
from models.hsmm.tensors.messages import opening_terms
from models.hsmm.tensors.records import Records, aligned, put_back


class Decoded(NamedTuple):
    """The best way to cut N records.

    labels (N, T): the state of each frame, -1 past a record's end
    begins (N, T): whether a segment begins with the frame
    score    (N,): log joint probability of the record and its segments, float64
    """

    labels: Tensor
    begins: Tensor
    score: Tensor


class _Best(NamedTuple):
    """Greatest log p of what ends, or starts, at a gap: (T+1, N, K) both."""

    ends: Tensor
    starts: Tensor


@torch.no_grad()
def viterbi(
    process: Process,
    log_lik: Tensor,
    lengths: Tensor | None = None,
    edges: Edges | None = None,
) -> Decoded:
    """Find the most probable segments of records log_lik (N, T, K) with `lengths` (N,).

    A record that cannot happen is refused. Time N T K (D + K), memory N T K.
    """
    lengths = checked(process, log_lik, lengths)
    n_records, n_steps, _ = log_lik.shape
    labels = torch.full((n_records, n_steps), -1, device=log_lik.device)
    begins, score = labels > 0, torch.zeros(n_records, device=log_lik.device).double()
    full = lengths > 0
    if bool(full.any()):
        table, log_a = weights(process, edges or Edges()), floored(process.log_a)
        records = aligned(log_lik[full], lengths[full])
        found = _followed_back(table, log_a, records, _swept(table, log_a, records))
        labels[full] = put_back(found[0] + 1, records.starts, n_steps) - 1
        begins[full] = put_back(found[1], records.starts, n_steps)
        score[full] = found[2].double()
    if bool((score < 0.5 * FLOOR).any()):
        n = int((score < 0.5 * FLOOR).nonzero()[0])
        raise ValueError(
            f"sequence {n} cannot happen under the process: no way to cut it into "
            f"segments has a probability above 0"
        )
    return Decoded(labels, begins, score)


def _swept(weights: Weights, log_a: Tensor, records: Records) -> _Best:
    """Walk forward with max for sum: see messages.past."""
    n_steps, n_records, n_states = records.lik.shape
    alive = min(len(weights.inner), n_steps)
    ages = weights.inner[:alive].flip(0).roll(1, 0).repeat(2, 1)[:, None]
    ring = records.lik.new_full((alive, n_records, n_states), FLOOR)
    terms = ring.new_full((alive + 1, n_records, n_states), FLOOR)
    moved = ring.new_empty((n_states, n_records, n_states))
    ends = ring.new_full((n_steps + 1, n_records, n_states), FLOOR)
    starts = ends.clone()
    opening = opening_terms(weights.first, records)
    frames = records.lik.unbind(0)
    for t in range(1, n_steps):
        ring += frames[t - 1]
        at = (1 - t) % alive
        torch.add(ring, ages[at : at + alive], out=terms[:alive])
        if t <= len(opening):
            terms[alive] = opening[t] if t < len(opening) else FLOOR
        torch.amax(terms, 0, out=ends[t])
        torch.add(ends[t].T[..., None], log_a[:, None], out=moved)
        torch.amax(moved, 0, out=starts[t])
        ring[t % alive] = starts[t]
    return _Best(ends, starts)


def _followed_back(
    weights: Weights, log_a: Tensor, records: Records, best: _Best
) -> tuple[Tensor, Tensor, Tensor]:
    """Give labels (T, N), where segments begin (T, N), and the score (N,)."""
    n_steps, n_records, n_states = records.lik.shape
    rows = torch.arange(n_records, device=log_a.device)
    gap = torch.full_like(records.starts, n_steps)
    every = torch.stack(
        [
            _candidates(weights, records, best, gap, rows, rows * 0 + k)
            for k in range(n_states)
        ],
        dim=1,
    )
    # Rows of (d, k): the first of equals has the shortest d, and then the lowest k.
    score, chosen = every.flatten(0, 1).max(0)[0], every.flatten(0, 1).argmax(0)
    state, lasted = chosen % n_states, chosen // n_states + 1
    begun = torch.full((n_steps, n_records), -1, device=log_a.device)
    going = torch.ones_like(gap, dtype=torch.bool)
    while True:
        gap = torch.where(going, gap - lasted, gap)
        begun[gap[going], rows[going]] = state[going]
        going = gap > records.starts
        if not bool(going.any()):
            break
        came = best.ends[gap, rows] + log_a.T[state]
        state = torch.where(going, came.argmax(1), state)
        lasted = _candidates(weights, records, best, gap, rows, state).argmax(0) + 1
    is_begin = begun >= 0
    frames = torch.arange(n_steps, device=log_a.device)[:, None]
    latest = frames.where(is_begin, 0).cummax(0)[0]
    return begun.gather(0, latest), is_begin, score


def _candidates(
    weights: Weights,
    records: Records,
    best: _Best,
    gap: Tensor,
    rows: Tensor,
    state: Tensor,
) -> Tensor:
    """Log p (D, N) of the best path to `gap` whose last segment is d of `state`."""
    n_steps = len(records.lik)
    d = torch.arange(1, min(len(weights.inner), n_steps) + 1, device=gap.device)[
        :, None
    ]
    begin = gap - d
    at = begin.clamp(min=0)
    since = records.lik[at, rows, state].cumsum(0)
    is_first, is_last = begin == records.starts, gap == n_steps
    place = torch.stack([torch.stack([t[d - 1, state] for t in pair]) for pair in (
        (weights.inner, weights.last), (weights.first, weights.only)
    )])  # fmt: skip
    later = (
        torch.where(is_last, place[0, 1], place[0, 0]) + best.starts[at, rows, state]
    )
    opens = torch.where(is_last, place[1, 1], place[1, 0])
    found = torch.where(is_first, opens, later) + since
    return found.where(begin >= records.starts, torch.full_like(found, FLOOR))
