"""The same recursion in logs, for blocks of frames in which plain numbers underflow.

Sums over frames are made by adding, never as differences of running sums: so a frame
that a state cannot emit, log likelihood -inf, needs no special case.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.logspace import logsumexp

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

LOG_2 = math.log(2.0)


class Steps(NamedTuple):
    """What the recursion goes by, in logs.

    inner (D, K): durations; first (D, K): weight of the segment that begins the record,
    by its duration; log_a (K, K): from row to column.
    """

    inner: Array
    first: Array
    log_a: Array


class Messages(NamedTuple):
    """Logs at each boundary 0..T, short of a power of two.

    ends   (T+1, K, N): ends[t] + power[t] log 2 is the log weight of all that ends with
                        a segment whose last frame is t-1
    starts (T+1, K, N): likewise, and the next segment, of state k, begins with frame t;
                        starts[0] is -inf, since steps.first begins the record
    power     (T+1, N): whole numbers
    """

    ends: Array
    starts: Array
    power: Array


def begun(steps: Steps, gain: Array, found: Messages, at: int, some: IntArray) -> Array:
    """Log of starts[at-e] lik(at-e .. at) (E, K, n), e = 0, 1, .. below D, in full.

    What of the segments begun in the last D frames survives to boundary `at`, for the
    records `some`.
    """
    oldest = max(0, at + 1 - len(steps.inner))
    recent = found.starts[oldest : at + 1, :, some][::-1]
    power = found.power[oldest : at + 1, some][::-1]
    since = np.zeros_like(recent)
    np.cumsum(gain[oldest:at, :, some][::-1], axis=0, out=since[1:])
    surviving: Array = recent + since + (power * LOG_2)[:, None, :]
    return surviving


def heaviest(steps: Steps) -> Array:
    """Log of the greatest weight of any duration of the record's first segment (K,).

    0 where it has no weight at all, so that it can be taken off.
    """
    top = steps.first.max(axis=0)
    found: Array = np.where(np.isneginf(top), 0.0, top)
    return found


def origin(steps: Steps, gain: Array, at: int, some: IntArray) -> Array:
    """Log of `heaviest` lik(0 .. at) (K, n): what survives of the first segment."""
    if at >= len(steps.first):
        return np.full((len(steps.log_a), len(some)), -np.inf)
    survived: Array = heaviest(steps)[:, None] + gain[:at, :, some].sum(axis=0)
    return survived


def powers(log_top: Array) -> Array:
    """Give the power of two (n,) just above exp(log_top); 0 for nothing at all."""
    above: Array = np.ceil(np.where(np.isneginf(log_top), 0.0, log_top) / LOG_2)
    return above


def redo(
    steps: Steps, gain: Array, found: Messages, block: tuple[int, int], some: IntArray
) -> None:
    """Find anew the messages at boundaries block[0]+1 .. block[1] of records `some`."""
    begin, end = block
    scale = found.power[end, some] * LOG_2
    ends = np.full((end - begin, len(steps.log_a), len(some)), -np.inf)
    before = begun(steps, gain, found, begin, some) - scale
    for t in range(min(len(ends), len(steps.inner))):
        lasting = steps.inner[t : t + len(before), :, None]
        ends[t] = logsumexp(lasting + before[: len(lasting)], axis=0)
    if begin < len(steps.first):
        survived = gain[:begin, :, some].sum(axis=0) - scale
        first = steps.first[begin:end, :, None] + survived
        ends[: len(first)] = np.logaddexp(ends[: len(first)], first)
    starts = np.empty_like(ends)
    for t in range(len(ends)):
        ends[t:] += gain[begin + t, :, some].T
        starts[t] = logsumexp(ends[t][:, None, :] + steps.log_a[:, :, None], axis=0)
        going = ends[t + 1 : t + 1 + len(steps.inner)]
        np.logaddexp(going, steps.inner[: len(going), :, None] + starts[t], out=going)
    found.ends[begin + 1 : end + 1, :, some] = ends
    found.starts[begin + 1 : end + 1, :, some] = starts
