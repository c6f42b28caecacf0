"""An ordinary hidden Markov model: the baseline in which a state lasts geometrically.

Its rows have a diagonal, and that is all it knows of durations. What an HSMM's evidence
on other subjects has beyond this one's is what explicit durations are worth; what this
one's has beyond a bag of codes (`bag`) is what order is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm.emission import inside
from models.hsmm.records import checked
from models.logspace import log_softmax, logsumexp

if TYPE_CHECKING:
    from models.hsmm.emission import Emission, Observations
    from models.shapes import Array, IntArray


class Chain(NamedTuple):
    """A Markov chain over frames: log_pi (K,), log_a (K, K) with a diagonal."""

    log_pi: Array
    log_a: Array


class ChainFit(NamedTuple):
    """The best that EM found, with the log evidence (I,) of each step."""

    chain: Chain
    emission: Emission
    evidence: Array


class _Smoothed(NamedTuple):
    """log_evidence (N,), occupancy (N, T, K), expected moves (K, K)."""

    log_evidence: Array
    occupancy: Array
    moves: Array


def chain_evidence(chain: Chain, log_lik: Array, lengths: IntArray) -> Array:
    """Log p(y) of each record under the chain: log_lik (N, T, K) -> (N,)."""
    lengths = checked(log_lik, lengths, len(chain.log_pi))
    if not lengths.any():
        return np.zeros(len(lengths))
    kept = inside(lengths, log_lik.shape[1])[..., None]
    log_lik = np.where(kept, log_lik, 0.0)
    return logsumexp(_forward(chain, log_lik, lengths)[-1], axis=1)


def bag(emission: Emission, observations: Observations, lengths: IntArray) -> Array:
    """Log p(y) (N,) with frames independent, drawn from an emission of one state.

    Fit the one state by `refit` with weights of one: codes by their shares.
    """
    evidence: Array = emission.log_lik(observations, lengths)[..., 0].sum(axis=1)
    return evidence


def fit_chain(
    observations: Observations,
    lengths: IntArray,
    emission: Emission,
    *,
    pseudo: float = 0.1,
    tolerance: float = 1e-6,
    max_steps: int = 200,
) -> ChainFit:
    """Fit a chain by EM (Baum and Welch) from an emission that tells states apart.

    It begins with rows that stay with probability 0.9. `pseudo` is a pseudo-count for
    every entry of log_pi and log_a. It ends when a step gains less than `tolerance`
    nats a frame.
    """
    if not 0.0 < pseudo < np.inf:
        raise ValueError(f"pseudo is {pseudo}: a finite count above 0 is wanted")
    if not lengths.any():
        raise ValueError("lengths are all 0: one frame or more is wanted")
    n_states = emission.n_states
    stay = np.eye(n_states) if n_states == 1 else 0.9 * np.eye(n_states)
    away = 0.1 * (1.0 - np.eye(n_states)) / max(1, n_states - 1)
    chain = Chain(np.full(n_states, -np.log(n_states)), np.log(stay + away))
    trace: list[float] = []
    while True:
        found = _smooth(chain, emission.log_lik(observations, lengths), lengths)
        trace.append(float(found.log_evidence.sum()))
        met = len(trace) > 1 and trace[-1] - trace[-2] <= tolerance * lengths.sum()
        if met or len(trace) >= max_steps:
            break
        first = found.occupancy[:, 0].sum(axis=0)
        chain = Chain(
            log_softmax(np.log(first + pseudo)),
            log_softmax(np.log(found.moves + pseudo)),
        )
        emission = emission.refit(observations, lengths, found.occupancy)
    return ChainFit(chain, emission, np.array(trace))


def _forward(chain: Chain, log_lik: Array, lengths: IntArray) -> Array:
    """Log p(frames to t, state k) (T, N, K); a record that has ended stands still."""
    past = np.empty((log_lik.shape[1], len(log_lik), len(chain.log_pi)))
    past[0] = chain.log_pi + log_lik[:, 0]
    for t in range(1, len(past)):
        moved = logsumexp(past[t - 1][:, :, None] + chain.log_a, axis=1)
        goes_on = (t < lengths)[:, None]
        past[t] = np.where(goes_on, moved + log_lik[:, t], past[t - 1])
    return past


def _smooth(chain: Chain, log_lik: Array, lengths: IntArray) -> _Smoothed:
    """Forward and backward, and what they expect: T N K K time, T N K memory."""
    past = _forward(chain, log_lik, lengths)
    evidence = logsumexp(past[-1], axis=1)
    if np.isneginf(evidence).any():
        raise ValueError(
            f"sequence {int(np.argmin(evidence))} cannot happen under the chain: no "
            f"states have shown it with a probability above 0"
        )
    ahead, moves = np.zeros_like(past), np.zeros_like(chain.log_a)
    for t in range(len(past) - 2, -1, -1):
        onward = chain.log_a + (log_lik[:, t + 1] + ahead[t + 1])[:, None, :]
        goes_on = (t + 1 < lengths)[:, None]
        ahead[t] = np.where(goes_on, logsumexp(onward, axis=2), 0.0)
        both = past[t][:, :, None] + onward - evidence[:, None, None]
        moves += np.exp(both)[goes_on[:, 0]].sum(axis=0)
    occupied = np.exp(past + ahead - evidence[:, None]).transpose(1, 0, 2)
    occupied = occupied * inside(lengths, len(past))[..., None]
    return _Smoothed(evidence, occupied, moves)
