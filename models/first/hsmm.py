"""Messages of an explicit-duration hidden Markov model, exact, in log space.

A sequence is cut into segments; each has a state and a duration, and the next segment
has another state. The last one is right-censored: it may go on after the end of the
record, so it counts with P(duration >= what was seen). N sequences of one length go
through together. Time is N T D K + N T K K, and memory N T K.

Segment sums are differences of one running sum. So likelihoods must be finite (what the
model forbids may be -inf), and the sum double: in single precision its last digit is
worth 0.03 once it passes 3e5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.logspace import draw, logsumexp

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


class Model(NamedTuple):
    """How segments start, follow each other, and last.

    log_pi (K,), log_a (K, K) from row to column with an empty diagonal, log_d (D, K)
    where row d-1 is duration d.
    """

    log_pi: Array
    log_a: Array
    log_d: Array


class Backward(NamedTuple):
    """What the future says.

    within (T+1, N, K): log p(y_t+1:T | a segment of state k starts at t+1)
    after  (T+1, N, K): log p(y_t+1:T | a segment of state k ended at t)
    log_evidence  (N,): log p(y_1:T)
    """

    within: Array
    after: Array
    log_evidence: Array


class Forward(NamedTuple):
    """What the past says.

    ends   (T+1, N, K): log p(y_1:t, a segment of state k ends at t)
    starts (T+1, N, K): log p(y_1:t, a segment of state k starts at t+1)
    log_evidence  (N,): log p(y_1:T)
    """

    ends: Array
    starts: Array
    log_evidence: Array


class Segments(NamedTuple):
    """The segments of one sequence: states (S,) and lengths (S,) that sum to T."""

    states: IntArray
    lengths: IntArray


def survival(log_d: Array) -> Array:
    """Give log P(duration >= d), rows as in log_d (D, K)."""
    surviving: Array = np.logaddexp.accumulate(log_d[::-1], axis=0)[::-1]
    return surviving


def running(log_lik: Array) -> Array:
    """Sum of log_lik (T, N, K) over the first t frames, for t = 0..T: (T+1, N, K)."""
    return np.concatenate([np.zeros_like(log_lik[:1]), log_lik.cumsum(axis=0)])


def backward(model: Model, log_lik: Array) -> Backward:
    """Backward messages, log_lik (T, N, K).

        within[t, k] = logsumexp_d  log_d[d, k] + lik(t+1 .. t+d, k) + after[t+d, k]
        after[t, k]  = logsumexp_j  log_a[k, j] + within[t, j]

    where lik(..) is the sum of log_lik over the segment, d runs over the segments that
    end before T, and the one that reaches T counts log P(duration >= T-t) + lik.
    """
    n_steps = len(log_lik)
    summed = running(log_lik)
    within, after = np.zeros_like(summed), np.zeros_like(summed)
    beyond = summed.copy()
    for t in range(n_steps - 1, -1, -1):
        within[t] = logsumexp(_stays(model, beyond, t), axis=0) - summed[t]
        after[t] = logsumexp(within[t][:, None, :] + model.log_a, axis=2)
        beyond[t] += after[t]
    return Backward(within, after, logsumexp(model.log_pi + within[0], axis=1))


def _stays(model: Model, beyond: Array, t: int) -> Array:
    """Log weight (d, N, K) of each duration of a segment that starts at t+1.

    beyond (T+1, N, K) is the running sum plus `after`, and at T the running sum alone.
    """
    longest = min(len(model.log_d), len(beyond) - 1 - t)
    stays = model.log_d[:longest, None, :] + beyond[t + 1 : t + 1 + longest]
    if t + longest == len(beyond) - 1:
        stays[-1] = survival(model.log_d)[longest - 1] + beyond[-1]
    return stays


def forward(model: Model, log_lik: Array) -> Forward:
    """Forward messages, log_lik (T, N, K).

        ends[t, k]   = logsumexp_d  log_d[d, k] + lik(t-d+1 .. t, k) + starts[t-d, k]
        starts[t, k] = logsumexp_j  ends[t, j] + log_a[j, k]

    The evidence closes with a censored segment: log P(duration >= d) for log_d.
    """
    n_steps, n_sequences, _ = log_lik.shape
    summed = running(log_lik)
    ends, starts = np.full_like(summed, -np.inf), np.full_like(summed, -np.inf)
    starts[0] = np.broadcast_to(model.log_pi, (n_sequences, len(model.log_pi)))
    before = starts - summed
    for t in range(1, n_steps + 1):
        ends[t] = logsumexp(_arrivals(model.log_d, before, t), axis=0) + summed[t]
        starts[t] = logsumexp(ends[t][:, :, None] + model.log_a, axis=1)
        before[t] = starts[t] - summed[t]
    last = _arrivals(survival(model.log_d), before, n_steps) + summed[-1]
    return Forward(ends, starts, logsumexp(logsumexp(last, axis=0), axis=1))


def _arrivals(log_d: Array, before: Array, t: int) -> Array:
    """Log weight (d, N, K) of each duration of a segment that ends at t."""
    longest = min(len(log_d), t)
    return log_d[:longest, None, :] + before[t - longest : t][::-1]


def occupancy(model: Model, log_lik: Array) -> Array:
    """Posterior p(state of frame t = k | y): log_lik (T, N, K) -> (T, N, K).

    A state is occupied at t if it started more often up to t than it ended before t.
    """
    past, future = forward(model, log_lik), backward(model, log_lik)
    evidence = future.log_evidence[:, None]
    begun = np.exp(past.starts[:-1] + future.within[:-1] - evidence)
    ended = np.exp(past.ends[:-1] + future.after[:-1] - evidence)
    lived_in: Array = np.clip((begun - ended).cumsum(axis=0), 0.0, 1.0)
    return lived_in


def sample(
    model: Model, log_lik: Array, future: Backward, rng: np.random.Generator
) -> list[Segments]:
    """Draw the segments of each sequence from their posterior, given its messages."""
    beyond = running(log_lik)
    beyond[:-1] += future.after[:-1]
    return [
        _sample_one(model, beyond[:, n : n + 1], future.within[:, n], rng)
        for n in range(log_lik.shape[1])
    ]


def _sample_one(
    model: Model, beyond: Array, within: Array, rng: np.random.Generator
) -> Segments:
    states, lengths, t = [], [], 0
    log_next = model.log_pi
    while t < len(within) - 1:
        state = draw(log_next + within[t], rng)
        length = 1 + draw(_stays(model, beyond, t)[:, 0, state], rng)
        states.append(state)
        lengths.append(length)
        t += length
        log_next = model.log_a[state]
    return Segments(np.array(states), np.array(lengths))


def labels(segments: Segments) -> IntArray:
    """Give the state of each frame (T,)."""
    return np.repeat(segments.states, segments.lengths)
