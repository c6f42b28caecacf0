"""Whether chains have met: R-hat of what can be compared, and of their clusterings."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from models.hdp import chains as hdp_chains
from models.hdp import convergence, estimate
from models.hsmm import agreement
from models.shapes import Array
from stages.sampling.job import Sampled

MET = 1.01
# Told for chains that stand still apart from each other, where R-hat has no end.
NEVER = 99.0
COMPARED = ("log_evidence", "occupied", "top", "spread")


class Met(NamedTuple):
    """What is said of chains.

    r_hat: the largest of those of single traces, `each`; nmi: the least agreement of
    two chains' point clusterings; said: in plain words
    """

    r_hat: float
    each: dict[str, float]
    nmi: float
    has_met: bool
    said: str


def traces(chains: list[Sampled]) -> dict[str, Array]:
    """Give each trace of all chains: (chains, sweeps)."""
    stacked = np.stack([one.chain.traces for one in chains])
    return {name: stacked[:, :, i] for i, name in enumerate(hdp_chains.TRACED)}


def judged(chains: list[Sampled]) -> Met:
    """Judge the later halves, from which draws were kept."""
    found = traces(chains)
    each = {name: _r_hat(found[name]) for name in COMPARED}
    worst = max(each, key=lambda name: each[name])
    points = [estimate.point(np.stack([d.labels for d in c.kept])) for c in chains]
    agreed = [_nmi(a.labels, b.labels) for a, b in combinations(points, 2)]
    nmi, has_met = min(agreed, default=1.0), each[worst] <= MET
    verdict = "have met" if has_met else "have not met: take more sweeps"
    said = (
        f"{len(chains)} chains of {found[worst].shape[1]} sweeps {verdict}; R-hat of "
        f"{worst} is {each[worst]:.3f} (at most {MET}), and their clusterings agree "
        f"with an NMI of {nmi:.3f} or more"
    )
    return Met(each[worst], each, nmi, has_met, said)


def _r_hat(trace: Array) -> float:
    """R-hat of the later half; too few draws are never enough."""
    later = trace[:, trace.shape[1] // 2 :]
    if later.shape[1] < 4:
        return NEVER
    found = convergence.r_hat(later)
    return float(min(found, NEVER)) if np.isfinite(found) else NEVER


def _nmi(a: np.ndarray, b: np.ndarray) -> float:
    return agreement.nmi(agreement.joint(a, b, int(a.max()) + 1, int(b.max()) + 1))
