"""Gibbs sampling of a weak-limit HDP-HSMM over sequences of codes.

A sweep draws, each given all else:

    segments  of every sequence, exactly, by backward messages (hsmm)
    shares    of the states, rows integrated out, then the rows (hdp)
    first     the weights of the first state
    emission  of each state over codes: Dirichlet
    law       of each state's duration, out of a grid (durations)

The last segment of a sequence is censored: its full duration is drawn as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.first import durations, hdp, hsmm
from models.logspace import draw, log_dirichlet_draw, logsumexp
from models.shapes import einsum

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.shapes import Array, IntArray


class Prior(NamedTuple):
    """What is believed before any sequence is seen.

    emission: pseudo-count of each code in each state. laws: log pmfs (D, G).
    """

    n_states: int
    n_codes: int
    laws: Array
    emission: float = 0.2
    strengths: hdp.Concentrations = hdp.Concentrations()


class State(NamedTuple):
    """One draw of all that is unknown about the process.

    shares (K,), log_first (K,), log_rows (K, K), log_emission (K, C), law (K,)
    """

    shares: Array
    log_first: Array
    log_rows: Array
    log_emission: Array
    law: IntArray


class Counts(NamedTuple):
    """What segments add up to.

    first (K,), moves (K, K), lengths (D, K), emitted (K, C)
    """

    first: IntArray
    moves: IntArray
    lengths: IntArray
    emitted: IntArray


class Sweep(NamedTuple):
    """One sweep: the state it left, the segments it drew, and their evidence before."""

    state: State
    segments: list[hsmm.Segments]
    log_evidence: float


def model(prior: Prior, state: State) -> hsmm.Model:
    """Give the process of `state` in the form messages want."""
    return hsmm.Model(state.log_first, state.log_rows, prior.laws[:, state.law])


def log_likelihood(state: State, codes: IntArray) -> Array:
    """Log probability of each code: codes (T, N) -> (T, N, K)."""
    log_lik: Array = state.log_emission.T[codes]
    return log_lik


def from_prior(prior: Prior, rng: np.random.Generator) -> State:
    """Draw a state before any sequence is seen."""
    even: Array = np.full(prior.n_states, prior.strengths.top / prior.n_states)
    shares = np.exp(log_dirichlet_draw(even, rng))
    return _given_shares(prior, _nothing(prior), shares, rng)


def _nothing(prior: Prior) -> Counts:
    """Counts of no segment at all."""
    n_states, n_durations = prior.n_states, len(prior.laws)
    return Counts(
        first=np.zeros(n_states, dtype=np.int64),
        moves=np.zeros((n_states, n_states), dtype=np.int64),
        lengths=np.zeros((n_durations, n_states), dtype=np.int64),
        emitted=np.zeros((n_states, prior.n_codes), dtype=np.int64),
    )


def _given_shares(
    prior: Prior, seen: Counts, shares: Array, rng: np.random.Generator
) -> State:
    strength = prior.strengths.spread * shares
    emission = seen.emitted.astype(np.float64) + prior.emission
    return State(
        shares=shares,
        log_first=log_dirichlet_draw(strength + seen.first, rng),
        log_rows=hdp.draw_rows(seen.moves, strength, rng),
        log_emission=log_dirichlet_draw(emission, rng),
        law=draw_laws(prior.laws, seen.lengths, rng),
    )


def draw_laws(laws: Array, lengths: IntArray, rng: np.random.Generator) -> IntArray:
    """Draw the law (K,) of each state: laws (D, G), counts of durations (D, K).

    Beforehand all laws weigh alike, so a law's weight is the probability of the counts.
    """
    log_weights = einsum("dk,dg->kg", lengths.astype(float), laws)
    return np.array([draw(row, rng) for row in log_weights])


def count(
    prior: Prior,
    state: State,
    segments: Sequence[hsmm.Segments],
    codes: IntArray,
    rng: np.random.Generator,
) -> Counts:
    """Add up the segments of codes (T, N); the censored durations are drawn."""
    seen = _nothing(prior)
    for n, one in enumerate(segments):
        seen.first[one.states[0]] += 1
        np.add.at(seen.moves, (one.states[:-1], one.states[1:]), 1)
        np.add.at(seen.lengths, (one.lengths[:-1] - 1, one.states[:-1]), 1)
        seen.lengths[_whole_duration(prior, state, one, rng) - 1, one.states[-1]] += 1
        np.add.at(seen.emitted, (hsmm.labels(one), codes[:, n]), 1)
    return seen


def _whole_duration(
    prior: Prior, state: State, one: hsmm.Segments, rng: np.random.Generator
) -> int:
    """Draw how long the cut-off last segment would have gone on."""
    seen = int(one.lengths[-1])
    law = prior.laws[:, state.law[one.states[-1]]]
    return seen + draw(law[seen - 1 :], rng)


def sweep(
    prior: Prior, state: State, codes: IntArray, rng: np.random.Generator
) -> Sweep:
    """Draw everything once, codes (T, N): first the segments, then the state."""
    known, log_lik = model(prior, state), log_likelihood(state, codes)
    future = hsmm.backward(known, log_lik)
    segments = hsmm.sample(known, log_lik, future, rng)
    seen = count(prior, state, segments, codes, rng)
    shares = hdp.draw_shares(seen.first, seen.moves, state.shares, prior.strengths, rng)
    fresh = _given_shares(prior, seen, shares, rng)
    return Sweep(fresh, segments, float(future.log_evidence.sum()))


def fit(
    prior: Prior,
    codes: IntArray,
    sweeps: int,
    rng: np.random.Generator,
    tell: Callable[[int, Sweep], None],
) -> list[Sweep]:
    """Sweep over codes (T, N), telling each sweep; give the later half."""
    state, kept = from_prior(prior, rng), []
    for done in range(1, sweeps + 1):
        latest = sweep(prior, state, codes, rng)
        state = latest.state
        if done > sweeps // 2:
            kept.append(latest)
        tell(done, latest)
    return kept


def log_predictive(prior: Prior, kept: Sequence[Sweep], codes: IntArray) -> Array:
    """Log p(sequence | what was seen) for each column of codes (T, N): (N,).

    The mean over the kept draws is taken of probabilities, not of their logarithms.
    """
    each = [
        hsmm.backward(model(prior, s), log_likelihood(s, codes)).log_evidence
        for s in (latest.state for latest in kept)
    ]
    mean: Array = logsumexp(np.stack(each), axis=0) - np.log(len(each))
    return mean


def log_independent(train: IntArray, codes: IntArray, prior: Prior) -> Array:
    """Log p(sequence) if frames were independent, shares as in `train`: (N,).

    train (T, M) and codes (T, N); the shares have the emission's own pseudo-counts.
    """
    seen = np.bincount(train.ravel(), minlength=prior.n_codes) + prior.emission
    evidence: Array = np.log(seen / seen.sum())[codes].sum(axis=0)
    return evidence


def shares(latest: Sweep, n_states: int) -> Array:
    """Share of all frames that each state holds: (K,)."""
    labels = np.concatenate([hsmm.labels(one) for one in latest.segments])
    return np.bincount(labels, minlength=n_states) / len(labels)


def decode(prior: Prior, state: State, codes: IntArray) -> IntArray:
    """Likeliest state of each frame, one by one: codes (T, N) -> (N, T)."""
    log_lik = log_likelihood(state, codes)
    likeliest: IntArray = hsmm.occupancy(model(prior, state), log_lik).argmax(axis=2).T
    return likeliest


def mean_durations(prior: Prior, state: State) -> Array:
    """Mean duration (K,) of each state, in frames."""
    return durations.means(prior.laws[:, state.law])
