"""Codes as observations: each state has its own distribution over the codebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm.emission import checked_indices, inside

if TYPE_CHECKING:
    from models.hsmm.emission import Observations
    from models.shapes import Array, IntArray


class CodeEmission(NamedTuple):
    """p(code c | state k) = exp(log_b[k, c]).

    log_b (K, C): each row sums to one
    pseudo  (C,): frames of each code that every state has seen beforehand: the prior is
                  Dirichlet(1 + pseudo). Zero asks for maximum likelihood, where a code
                  that a state never shows gets log 0.
    """

    log_b: Array
    pseudo: Array

    @property
    def n_states(self) -> int:
        """Count the states."""
        return len(self.log_b)

    @property
    def log_prior(self) -> float:
        """sum_kc pseudo[c] log_b[k, c], where a code without pseudo-frames adds 0."""
        counted = self.pseudo > 0.0
        return float(np.sum(self.pseudo[counted] * self.log_b[:, counted]))

    def log_lik(self, observations: Observations, lengths: IntArray) -> Array:
        """Look up each code: (N, T) -> (N, T, K), 0 in the padding."""
        codes = checked_indices("codes", observations, lengths, self.log_b.shape[1])
        found: Array = np.ascontiguousarray(self.log_b.T)[codes]
        found[~inside(lengths, codes.shape[1])] = 0.0
        return found

    def refit(
        self, observations: Observations, lengths: IntArray, weights: Array
    ) -> CodeEmission:
        """Give the posterior mode, b[k, c] in proportion to counts[k, c] + pseudo[c].

        A state that has neither frames nor pseudo-frames keeps the row it has.
        """
        codes = checked_indices("codes", observations, lengths, self.log_b.shape[1])
        counts = expected_counts(codes, lengths, weights, len(self.pseudo))
        counts += self.pseudo
        totals = counts.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            fresh = np.log(counts) - np.log(totals)
        return self._replace(log_b=np.where(totals > 0.0, fresh, self.log_b))

    def draw(self, states: IntArray, rng: np.random.Generator) -> IntArray:
        """Draw a code for each state: any shape, the same shape back; 0 for -1."""
        rising = np.exp(self.log_b).cumsum(axis=1)
        rising /= rising[:, -1:]
        chance = rng.random(states.shape)
        codes: IntArray = np.zeros(states.shape, dtype=np.int64)
        for state in range(self.n_states):
            there = states == state
            codes[there] = np.searchsorted(rising[state], chance[there], side="right")
        return codes


def even(n_states: int, n_codes: int, pseudo: float = 0.1) -> CodeEmission:
    """Give K states that all show every code alike, as a form to refit."""
    if n_states < 1 or n_codes < 1 or not 0.0 <= pseudo < np.inf:
        message = (
            f"n_states {n_states}, n_codes {n_codes} and pseudo {pseudo} do not fit: "
            "states and codes count from 1, pseudo-counts are finite and not negative"
        )
        raise ValueError(message)
    return CodeEmission(
        np.full((n_states, n_codes), -np.log(n_codes)), np.full(n_codes, pseudo)
    )


def expected_counts(
    codes: IntArray, lengths: IntArray, weights: Array, n_codes: int
) -> Array:
    """Add up weights (N, T, K) by the code (N, T) of their frame: (K, C)."""
    kept = inside(lengths, codes.shape[1])
    seen, heavy = codes[kept], weights[kept]
    counts = [np.bincount(seen, heavy[:, k], n_codes) for k in range(heavy.shape[1])]
    # Of no frames numpy counts in whole numbers.
    return np.stack(counts).astype(np.float64)
