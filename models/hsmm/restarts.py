"""EM from several starts: each ends at the nearest peak, which is rarely the best."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm.em import RULE, fit
from models.hsmm.maximise import PSEUDO
from models.hsmm.messages import RIGHT_CENSORED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.hsmm.edges import Edges
    from models.hsmm.em import Fit, Model, Rule
    from models.hsmm.emission import Observations
    from models.hsmm.maximise import Prior
    from models.shapes import Array, IntArray


class Best(NamedTuple):
    """The fit of greatest objective.

    chosen: which start it came from. objectives (S,): where each start ended
    """

    fit: Fit
    chosen: int
    objectives: Array


def fit_best(
    observations: Observations,
    lengths: IntArray,
    starts: Sequence[Model],
    *,
    prior: Prior = PSEUDO,
    edges: Edges = RIGHT_CENSORED,
    rule: Rule = RULE,
    tell: Callable[[int, int, float], None] | None = None,
) -> Best:
    """Fit from each start and keep the best; of equal ones the first.

    `tell` hears the start, the step and its objective.
    """
    if not starts:
        raise ValueError("there are no starts: at least one is wanted")
    fits = []
    for i, start in enumerate(starts):

        def told(step: int, objective: float, i: int = i) -> None:
            if tell is not None:
                tell(i, step, objective)

        fits.append(
            fit(
                observations,
                lengths,
                start,
                prior=prior,
                edges=edges,
                rule=rule,
                tell=told,
            )
        )
    objectives = np.array([one.objective[-1] for one in fits])
    chosen = int(objectives.argmax())
    return Best(fits[chosen], chosen, objectives)
