"""The ideal observer of a whole recording, before and after each bout.

For whoever smooths over time, as a hidden semi-Markov model does: the limit of a
window alone does not bind there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.logspace import log_softmax, logsumexp
from models.synthetic.evidence import log_alone
from models.synthetic.prior import Prior, prior

if TYPE_CHECKING:
    from models.shapes import Array
    from models.synthetic.bodies import Habits
    from models.synthetic.bouts import Bouts
    from models.synthetic.world import World


def hindsight(known: World, habits: Habits, bouts: Bouts) -> Array:
    """Give p(behaviour of each bout | all gestures and change points): (M, K).

    The subject's habits are known. Forward-backward over bouts:

        a[i] = logsumexp_j a[i-1, j] + log_a[j] + e[i],  b likewise from the end

    where e[i] (K,) is the log chance of the bout's length and gesture. M K^2.
    """
    tables = Prior(*(table[0] for table in prior(habits)))
    e = log_alone(known, bouts.gestures, known.usual + habits.shift)
    e += _log_lengths(tables, bouts)
    ahead, back = np.empty_like(e), np.zeros_like(e)
    ahead[0] = e[0]
    for i in range(1, len(e)):
        ahead[i] = logsumexp(ahead[i - 1, :, None] + tables.log_a, axis=0) + e[i]
    for i in range(len(e) - 2, -1, -1):
        back[i] = logsumexp(tables.log_a + e[i + 1] + back[i + 1], axis=1)
    posterior: Array = np.exp(log_softmax(ahead + back))
    return posterior


def _log_lengths(tables: Prior, bouts: Bouts) -> Array:
    """Give the log chance of each bout's length (M, K): the ends are censored."""
    last = len(bouts.states) - 1
    at = bouts.durations - 1
    if last == 0:
        alone: Array = tables.only[:, at].T
        return alone
    log_p: Array = tables.whole[:, at].T.copy()
    log_p[0], log_p[last] = tables.first[:, at[0]], tables.last[:, at[last]]
    return log_p
