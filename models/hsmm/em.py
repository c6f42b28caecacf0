"""Expectation and maximisation for a semi-Markov process and its emission.

The E-step is exact (posterior.py), the M-step maximises each part (maximise.py), so

    objective = log evidence + log prior

never falls. With a prior of zeros the objective is the evidence itself.

A record that begins within a segment (left edge "censored") is refused: what its first
segment weighs depends on log_pi not at all and on log_a and all durations together,
through the law the process has settled to, so no part has a maximum of its own. There,
climb models.hsmm.tensors.log_evidence by its gradients; or cut the record at its first
certain change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm.counts import Counts
from models.hsmm.maximise import PSEUDO, Dynamics, Prior, log_prior, maximise
from models.hsmm.messages import RIGHT_CENSORED
from models.hsmm.posterior import posterior

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.hsmm.edges import Edges
    from models.hsmm.emission import Emission, Observations
    from models.hsmm.posterior import Posterior
    from models.shapes import Array, IntArray


class Model(NamedTuple):
    """All there is to know: the dynamics of states and what each state shows."""

    dynamics: Dynamics
    emission: Emission


class Rule(NamedTuple):
    """Stop when a step gains less than `gain` nats a frame, or after `steps`."""

    gain: float = 1e-6
    steps: int = 200


RULE = Rule()


class Fit(NamedTuple):
    """Where EM ended.

    model:         the parameters that `posterior` is of
    posterior:     the last E-step: `model` gives it again on the same records
    evidence (I,): log evidence of all records, by E-step
    objective(I,): the same with the log prior, which never falls
    converged:     whether the rule was met before the steps ran out
    died:          states that hold less than one frame of all records: they keep
                   their prior, and their parameters say nothing of the records
    """

    model: Model
    posterior: Posterior
    evidence: Array
    objective: Array
    converged: bool
    died: IntArray


def fit(
    observations: Observations,
    lengths: IntArray,
    start: Model,
    *,
    prior: Prior = PSEUDO,
    edges: Edges = RIGHT_CENSORED,
    rule: Rule = RULE,
    tell: Callable[[int, float], None] | None = None,
) -> Fit:
    """Climb from `start` to a local maximum: observations (N, T, ..), lengths (N,).

    What is -inf in the start's log_pi and log_a stays so. `tell` hears the step and its
    objective. Deterministic. A step costs one E-step: N T D K + N T K K.
    """
    _check(prior, edges, rule)
    model, evidence, objective = start, [], list[float]()
    while True:
        log_lik = model.emission.log_lik(observations, lengths)
        found = posterior(model.dynamics.process, log_lik, lengths, edges)
        evidence.append(float(found.log_evidence.sum()))
        objective.append(evidence[-1] + _log_prior(model, prior))
        if tell is not None:
            tell(len(evidence), objective[-1])
        met = _is_met(objective, rule, int(lengths.sum()))
        if met or len(evidence) == rule.steps:
            break
        model = step(observations, lengths, model, found, prior)
    held = found.occupancy.sum(axis=(0, 1))
    return Fit(
        model,
        found,
        np.array(evidence),
        np.array(objective),
        met,
        np.flatnonzero(held < 1.0),
    )


def step(
    observations: Observations,
    lengths: IntArray,
    model: Model,
    found: Posterior,
    prior: Prior,
) -> Model:
    """Maximise once, given what the records say under `model`."""
    counts = Counts(
        found.first.sum(axis=0),
        found.transitions,
        found.durations,
        found.right_censored,
    )
    return Model(
        maximise(counts, prior, model.dynamics),
        model.emission.refit(observations, lengths, found.occupancy),
    )


def _log_prior(model: Model, prior: Prior) -> float:
    return log_prior(model.dynamics.process, prior) + model.emission.log_prior


def _is_met(objective: list[float], rule: Rule, n_frames: int) -> bool:
    return len(objective) > 1 and objective[-1] - objective[-2] <= rule.gain * n_frames


def _check(prior: Prior, edges: Edges, rule: Rule) -> None:
    if edges.left == "censored":
        raise ValueError(
            "EM has no closed step for edges.left 'censored', where the first segment "
            "depends on log_a and the durations together: climb the gradients of "
            "models.hsmm.tensors.log_evidence, or begin records at a change"
        )
    for name, pseudo in zip(prior._fields, prior, strict=True):
        if not 0.0 <= pseudo < np.inf:
            raise ValueError(
                f"prior.{name} is {pseudo}: finite counts of 0 or more are wanted"
            )
    if rule.steps < 1 or not rule.gain >= 0.0:
        raise ValueError(f"{rule} never ends: steps of 1 or more, a gain of 0 or more")
