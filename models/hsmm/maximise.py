"""The M-step: the process that makes given counts likeliest, under a prior.

Each part has its own counts, and so its own maximum:

    pi[k]    in proportion to  first[k] + prior.first
    a[i, j]  in proportion to  moves[i, j] + prior.moves
    law of k maximises  sum_d (ended[d] + prior.lengths) log P(d) + cut[d] log S(d)

with S(d) = P(duration >= d): a censored segment is known to have lasted so long and is
never counted as one that ended there. The priors are Dirichlet(1 + pseudo-count), and
made-up segments for the laws. What is -inf in the process beforehand stays so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from models.hsmm import process as processes
from models.hsmm.process import Process
from models.logspace import log_softmax

if TYPE_CHECKING:
    from models.hsmm.counts import Counts
    from models.hsmm.durations import Durations, Table, Truncate
    from models.shapes import Array, BoolArray


class Prior(NamedTuple):
    """Pseudo-counts; zeros ask for maximum likelihood.

    first: of each first state, moves: of each move that is allowed,
    lengths: segments made up for each duration of 1 .. D that is allowed, in each state
    """

    first: float = 0.1
    moves: float = 0.1
    lengths: float = 0.01


PSEUDO = Prior()


class Dynamics(NamedTuple):
    """A process, and the laws its durations are tables of.

    truncate: what became of P(duration > D) in the tables
    """

    process: Process
    durations: Durations
    truncate: Truncate = "tail"


def maximise(counts: Counts, prior: Prior, before: Dynamics) -> Dynamics:
    """Give the dynamics of greatest posterior density for `counts`.

    A row without any count keeps what it had `before`. So does a law whose fit is not
    better than it: a search that ends at a lesser peak must not cost evidence.
    """
    process = before.process
    allowed = ~np.isneginf(process.log_d)
    made_up = np.where(allowed, counts.ended + prior.lengths, 0.0)
    durations = _laws(made_up, counts.cut, before)
    longest = processes.max_duration(process)
    log_pi = _shares(process.log_pi[None], counts.first[None], prior.first)[0]
    log_a = _shares(process.log_a, counts.moves, prior.moves)
    named = process._replace(log_pi=log_pi, log_a=log_a)
    table = durations.table(longest, before.truncate)
    return before._replace(process=_with_table(named, table), durations=durations)


def _laws(ended: Array, cut: Array, before: Dynamics) -> Durations:
    """Fit the laws of the states that have counts; keep what is not bettered."""
    counted = (ended + cut).any(axis=0)
    # The others take part with counts that suit what they have, and do not change.
    filled = np.where(counted, ended, np.exp(before.process.log_d))
    fresh = before.durations.fit(filled, cut, truncate=before.truncate)
    table = fresh.table(len(ended), before.truncate)
    scored = _law_scores(_with_table(before.process, table), ended, cut)
    better = counted & (scored > _law_scores(before.process, ended, cut))
    return _chosen(better, fresh, before.durations)


def log_prior(process: Process, prior: Prior) -> float:
    """Log density of a process beforehand, up to a constant."""
    total = 0.0
    for log_p, pseudo in (
        (process.log_pi, prior.first),
        (process.log_a, prior.moves),
        (process.log_d, prior.lengths),
    ):
        if pseudo > 0.0:
            total += pseudo * float(log_p[~np.isneginf(log_p)].sum())
    return total


def _with_table(process: Process, table: Table) -> Process:
    log_d, log_tail, log_excess = table
    return process._replace(log_d=log_d, log_tail=log_tail, log_excess=log_excess)


def _shares(log_before: Array, counts: Array, pseudo: float) -> Array:
    """Log shares of each row (R, K) of counts; a row without any keeps what it had."""
    allowed = ~np.isneginf(log_before)
    weight = np.where(allowed, counts + pseudo, 0.0)
    counted = weight.sum(axis=1, keepdims=True) > 0.0
    with np.errstate(divide="ignore"):
        log_weight = np.log(np.where(counted, weight, np.exp(log_before)))
    filled = np.isfinite(log_weight).any(axis=1, keepdims=True)
    shares: Array = np.where(
        filled, log_softmax(np.where(filled, log_weight, 0.0)), -np.inf
    )
    return shares


def _law_scores(process: Process, ended: Array, cut: Array) -> Array:
    """sum_d ended log P(d) + cut log S(d) for each state (K,), 0 log 0 being 0."""
    score = np.zeros(len(process.log_pi))
    for counts, log_p in (
        (ended, process.log_d),
        (cut, processes.survival(process)),
    ):
        terms = np.zeros_like(counts)
        np.multiply(counts, log_p, out=terms, where=counts > 0.0)
        score += terms.sum(axis=0)
    return score


def _chosen(better: BoolArray, new: Durations, old: Durations) -> Durations:
    """Take each state's law from `new` where it is better: fields end in an axis K."""
    fields = zip(cast("Any", new), cast("Any", old), strict=True)
    return type(new)(*(np.where(better, a, b) for a, b in fields))
