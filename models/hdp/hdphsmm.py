"""Gibbs sampling of a weak-limit HDP-HSMM over ragged sequences of codes.

A sweep draws, each given all else:

    segments  of every sequence at once, exactly, by backward messages
    rows      their concentrations, shared shares and first state (`rows`)
    emission  of each state over codes, Dirichlet(strength, ..), and its strength
    law       of each state's duration, out of a grid (`laws`)

(Johnson and Willsky 2013.) The first segment begins with the sequence; the last is cut
short by its end, and may go on for longer. A first segment that began before its record
would tie rows and laws together in the stationary law, and no draw would be exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import concentrations, doors, laws, rows, tallies
from models.hdp.concentrations import GammaPrior
from models.hsmm import messages, sampling, segments
from models.hsmm.process import Process
from models.logspace import log_dirichlet_draw

if TYPE_CHECKING:
    from models.hdp.laws import Laws
    from models.hdp.rows import Rows, RowsPrior
    from models.hdp.tallies import Tallies
    from models.shapes import Array, IntArray


class Prior(NamedTuple):
    """What is believed before any sequence is seen.

    emission: of the pseudo-count that each code has in each state
    """

    rows: RowsPrior
    n_codes: int
    laws: Laws
    emission: GammaPrior = GammaPrior(1.0, 2.0)

    def checked(self) -> Prior:
        """Give it back, or refuse it."""
        doors.at_least_one(self.n_codes, "n_codes")
        checked = laws.checked(self.laws)
        self.emission.checked("emission")
        return self._replace(rows=self.rows.checked(), laws=checked)


class State(NamedTuple):
    """One draw of all that is unknown about the process.

    strength: pseudo-count of a code; log_emission (K, C); law (K,): index into the grid
    """

    rows: Rows
    strength: float
    log_emission: Array
    law: IntArray


class Sweep(NamedTuple):
    """What a sweep drew.

    state: given the labels; labels (N, T): of each frame, -1 past a sequence's end
    log_evidence: log p(codes | the state before)
    """

    state: State
    labels: IntArray
    log_evidence: float


def process(prior: Prior, state: State) -> Process:
    """Give the process of `state` in the form that messages want."""
    return Process(
        log_pi=state.rows.log_first,
        log_a=state.rows.log_rows,
        log_d=prior.laws.log_d[:, state.law],
        log_tail=prior.laws.log_tail[state.law],
    )


def log_likelihood(state: State, codes: IntArray) -> Array:
    """Log probability of each code: codes (N, T) -> (N, T, K)."""
    log_lik: Array = np.take(state.log_emission.T, codes, axis=0)
    return log_lik


def log_evidence(
    prior: Prior, state: State, codes: IntArray, lengths: IntArray | None = None
) -> Array:
    """Log p(codes | state) (N,) of records the state need not have been drawn from."""
    codes, lengths = checked_codes(prior, codes, lengths)
    log_lik = log_likelihood(state, codes)
    return messages.log_evidence(process(prior, state), log_lik, lengths)


def mean_durations(prior: Prior, state: State) -> Array:
    """Mean duration (K,) of each state, in frames, of those of at most D."""
    return laws.means(prior.laws)[state.law]


def from_prior(prior: Prior, rng: np.random.Generator) -> State:
    """Draw a state before any sequence is seen."""
    strength = prior.emission.draw(rng)
    unseen = np.full((prior.rows.n_states, prior.n_codes), strength)
    return State(
        rows=rows.from_prior(prior.rows, rng),
        strength=strength,
        log_emission=log_dirichlet_draw(unseen, rng),
        law=laws.from_prior(prior.laws, prior.rows.n_states, rng),
    )


def given_tallies(
    prior: Prior, state: State, seen: Tallies, rng: np.random.Generator
) -> State:
    """Draw a state given what segments add up to.

    Of the state before only concentrations and shares are read.
    """
    strength = concentrations.of_rows(state.strength, seen.emitted, prior.emission, rng)
    shape: Array = strength + seen.emitted.astype(np.float64)
    return State(
        rows=rows.resample(prior.rows, state.rows, seen.first, seen.moves, rng),
        strength=strength,
        log_emission=log_dirichlet_draw(shape, rng),
        law=laws.draw(prior.laws, seen.whole, seen.cut, rng),
    )


def checked_codes(
    prior: Prior, codes: IntArray, lengths: IntArray | None
) -> tuple[IntArray, IntArray]:
    """Give codes (N, T), 0 past each end, and lengths (N,); refuse what is neither."""
    codes = doors.integers(codes, "NT", "codes")
    n_records, n_frames = codes.shape
    if lengths is None:
        lengths = np.full(n_records, n_frames, dtype=np.int64)
    lengths = doors.labels(lengths, "N", "lengths", n_frames + 1)
    if len(lengths) != n_records:
        raise ValueError(f"lengths has {len(lengths)} entries: codes has {n_records}")
    if n_records == 0 or lengths.min() == 0:
        raise ValueError(
            "every sequence must have at least one frame, and one be there"
        )
    past = np.arange(n_frames) >= lengths[:, None]
    codes = np.where(past, 0, codes)
    return doors.labels(codes, "NT", "codes", prior.n_codes), lengths


def sweep(
    prior: Prior,
    state: State,
    codes: IntArray,
    lengths: IntArray,
    rng: np.random.Generator,
) -> Sweep:
    """Draw everything once given codes (N, T) and lengths (N,), both checked.

    First the segments, then the state. Time is N T (D K + K K).
    """
    log_lik = log_likelihood(state, codes)
    drawn = sampling.draw(process(prior, state), log_lik, lengths, rng=rng)
    cut = drawn.draws[0]
    seen = tallies.tally(
        cut,
        codes,
        n_states=prior.rows.n_states,
        max_duration=len(prior.laws.log_d),
        n_codes=prior.n_codes,
    )
    fresh = given_tallies(prior, state, seen, rng)
    labels = segments.labels(cut, *codes.shape)
    return Sweep(fresh, labels, float(drawn.log_evidence.sum()))
