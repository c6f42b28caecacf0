"""Forward and backward messages on a device, N records at once, few launches a frame.

Each frame adds D terms for N K sums, and then K terms for N K sums. A launch costs some
microseconds whatever it does, so the terms of a sum lie in one buffer that lasts, and
logsumexp is

    top - top of log_softmax,    top = the largest along the first axis

four launches where it would be nine; the last row of a buffer holds FLOOR, so that no
sum is of nothing. A frame costs 12 launches forward and 12 backward, 6 more where
expected durations are wanted; and one more while some record is in its first D frames,
or its last D on the way back.

The D segments that are alive sit in a ring: row s mod D is the one that began at gap s.
It grows by the frame's log likelihood, so there is no running sum over the record to be
subtracted, and -inf stays where it belongs. Every SPAN frames the ring is moved back to
about zero and the move remembered in double precision: that is where single precision
is finest, and no digits are lost however long the record is.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.hsmm.tensors.laws import FLOOR, Weights
from models.hsmm.tensors.records import Records, head_sums, tail_sums

SPAN = 32


class Past(NamedTuple):
    """What the past says; times are gaps 0 .. T, and gaps 0 and T hold FLOOR.

    ends   (T+1, N, K): log p(frames before t, a segment of k ends at t)
    starts (T+1, N, K): log p(frames before t, a segment of k starts at t), not the
                        record's first
    scale     (T+1, N): what both are short of, float64
    log_evidence  (N,): log p(all frames), float64
    """

    ends: Tensor
    starts: Tensor
    scale: Tensor
    log_evidence: Tensor


class Future(NamedTuple):
    """What the future says; gaps as in Past.

    within (T+1, N, K): log p(frames after t | a segment of k starts at t), not the
                        record's first
    after  (T+1, N, K): log p(frames after t | a segment of k ended at t)
    scale     (T+1, N): what both are short of, float64
    lived    (D, N, K): expected number of inner segments of each duration, or empty
    """

    within: Tensor
    after: Tensor
    scale: Tensor
    lived: Tensor


class Sums:
    """A buffer (rows, N, K) of terms, and their logsumexp into a row of another."""

    def __init__(self, like: Tensor, rows: int) -> None:
        self.terms = like.new_full((rows + 1, *like.shape[1:]), FLOOR)
        self.shares = torch.empty_like(self.terms)
        self.top = torch.empty_like(self.terms[0])

    def into(self, out: Tensor) -> None:
        """Write log sum exp of the terms; leave each one's log share in `shares`."""
        torch.log_softmax(self.terms, 0, out=self.shares)
        torch.amax(self.terms, 0, out=self.top)
        torch.amax(self.shares, 0, out=out)
        torch.sub(self.top, out, out=out)


def past(weights: Weights, log_a: Tensor, records: Records) -> Past:
    """Walk forward: time T N K (D + K) and memory T N K.

    ends[t, k]   = logsumexp( first[t - start] + lik(start .. t),
                              inner[d] + lik(t-d .. t) + starts[t-d, k] over d )
    starts[t, j] = logsumexp_i  ends[t, i] + log_a[i, j]
    """
    n_steps, n_records, n_states = records.lik.shape
    alive = min(len(weights.inner), n_steps)
    # Row j of a slice that begins at (1 - t) mod D is inner at the age of ring row j.
    ages = weights.inner[:alive].flip(0).roll(1, 0).repeat(2, 1)[:, None]
    ring = records.lik.new_full((alive, n_records, n_states), FLOOR)
    ends = records.lik.new_full((n_steps + 1, n_records, n_states), FLOOR)
    starts = ends.clone()
    scale = records.lik.new_zeros((n_steps + 1, n_records), dtype=torch.float64)
    opening = opening_terms(weights.first, records)
    segments, moves = Sums(ring, alive + 1), Sums(ring, n_states)
    lives, opened = segments.terms[:alive], segments.terms[alive]
    moved, log_a = moves.terms[:n_states], log_a[:, None]
    frames = records.lik.unbind(0)
    for t in range(1, n_steps):
        ring += frames[t - 1]
        at = (1 - t) % alive
        torch.add(ring, ages[at : at + alive], out=lives)
        if t < len(opening):
            torch.sub(opening[t], scale[t, :, None], out=opened)
        elif t == len(opening):
            opened.fill_(FLOOR)
        segments.into(ends[t])
        torch.add(ends[t].T[..., None], log_a, out=moved)
        moves.into(starts[t])
        ring[t % alive] = starts[t]
        if t % SPAN == 0:
            scale[t + 1 : t + SPAN + 1] = scale[t] + _moved_back(ring, starts[t])
    return Past(ends, starts, scale, _evidence(weights, records, starts, scale))


def future(
    weights: Weights,
    log_a: Tensor,
    records: Records,
    known: Past,
    *,
    durations: bool,
) -> Future:
    """Walk backward: the same cost as forward.

        within[t, k] = logsumexp( last[T-t] + lik(t .. T),
                                  inner[d] + lik(t .. t+d) + after[t+d, k] over d )
        after[t, i]  = logsumexp_j  log_a[i, j] + within[t, j]

    With `durations`, each share of a sum is also added up by its duration, weighted
    with the posterior probability that a segment starts at t.
    """
    n_steps, n_records, n_states = records.lik.shape
    alive = min(len(weights.inner), n_steps)
    ages = weights.inner[:alive].repeat(2, 1)[:, None]
    ring = records.lik.new_full((alive, n_records, n_states), FLOOR)
    within, after = (
        torch.full_like(known.ends, FLOOR),
        torch.full_like(known.ends, FLOOR),
    )
    scale, closing = torch.zeros_like(known.scale), _closing(weights.last, records)
    short = known.scale - known.log_evidence
    lived = torch.zeros_like(ring.repeat(2, 1, 1) if durations else ring[:0])
    segments, moves = Sums(ring, alive + 1), Sums(ring, n_states)
    lives, closed = segments.terms[:alive], segments.terms[alive]
    moved, log_back = moves.terms[:n_states], log_a.T[:, None]
    frames = records.lik.unbind(0)
    for t in range(n_steps - 1, 0, -1):
        ring += frames[t]
        at = -(t + 1) % alive
        torch.add(ring, ages[at : at + alive], out=lives)
        if n_steps - t < len(closing):
            torch.sub(closing[n_steps - t], scale[t, :, None], out=closed)
        elif n_steps - t == len(closing):
            closed.fill_(FLOOR)
        segments.into(within[t])
        if durations:
            begins = (short[t] + scale[t]).to(ring.dtype)[:, None]
            shares = segments.shares[:alive]
            shares += begins + known.starts[t] + within[t]
            lived[at : at + alive].add_(shares.exp_())
        torch.add(within[t].T[..., None], log_back, out=moved)
        moves.into(after[t])
        ring[t % alive] = after[t]
        if t % SPAN == 0:
            scale[t - SPAN : t] = scale[t] + _moved_back(ring, after[t])
    folded = lived[:alive] + lived[alive:] if durations else lived
    return Future(within, after, scale, folded)


def _moved_back(ring: Tensor, latest: Tensor) -> Tensor:
    """Bring the ring to about zero, by the greatest of `latest` (N, K)."""
    top = latest.amax(1)
    move = top.where(top > 0.5 * FLOOR, torch.zeros_like(top))
    ring -= move[:, None]
    return move


def opening_terms(first: Tensor, records: Records) -> Tensor:
    """Log weight (gaps, N, K) of a first segment that ends at each gap before T."""
    sums, gaps = head_sums(records, len(first))
    opening = sums.new_full((len(records.lik) + 1, *sums.shape[1:]), FLOOR)
    rows = torch.arange(sums.shape[1], device=sums.device).expand_as(gaps)
    there = gaps < len(records.lik)
    opening[gaps[there], rows[there]] = (first[: len(sums), None] + sums)[there]
    return opening[: int(gaps.max()) + 1]


def _closing(last: Tensor, records: Records) -> Tensor:
    """Log weight (D+1, N, K) of a last segment of d frames, row d; row 0 is FLOOR."""
    sums = tail_sums(records, len(last))
    closing = torch.full_like(sums[:1], FLOOR)
    return torch.cat([closing, last[: len(sums), None] + sums])


def last_terms(
    weights: Weights, records: Records, starts: Tensor, level: Tensor
) -> Tensor:
    """Log p(all frames, the last segment is of k and d frames), not the only one.

    (d, N, K), where level (T+1, N) is what to add to `starts`.
    """
    closing = _closing(weights.last, records)[1:]
    since = slice(1, len(closing) + 1)
    add = level.flip(0)[since].to(starts.dtype)[..., None]
    return closing + starts.flip(0)[since] + add


def first_terms(
    weights: Weights, records: Records, after: Tensor, level: Tensor
) -> Tensor:
    """Log p(all frames, the first segment is of k and d frames), not the only one.

    (d, N, K), where level (T+1, N) is what to add to `after`.
    """
    sums, gaps = head_sums(records, len(weights.first))
    rows, at = (
        torch.arange(sums.shape[1], device=sums.device),
        gaps.clamp(max=len(level) - 1),
    )
    add = level[at, rows].to(after.dtype)[..., None]
    return weights.first[: len(sums), None] + sums + after[at, rows] + add


def only_terms(weights: Weights, records: Records) -> Tensor:
    """Log p(all frames, one segment of state k has them all) (N, K)."""
    lengths = len(records.lik) - records.starts
    sums = head_sums(records, len(weights.only))[0]
    row = (lengths - 1).clamp(max=len(sums) - 1)
    whole = (
        sums[row, torch.arange(len(lengths), device=sums.device)] + weights.only[row]
    )
    fits = (lengths <= len(sums))[:, None]
    return whole.where(fits, torch.full_like(whole, FLOOR))


def _evidence(
    weights: Weights, records: Records, starts: Tensor, scale: Tensor
) -> Tensor:
    """Log p(all frames) (N,); -inf where that cannot be."""
    last = last_terms(weights, records, starts, scale - scale[-1]).logsumexp(0)
    only = only_terms(weights, records) - scale[-1, :, None].to(last.dtype)
    rest = torch.cat([last, only], 1).logsumexp(1)
    return (rest.double() + scale[-1]).masked_fill(rest < 0.5 * FLOOR, -torch.inf)
