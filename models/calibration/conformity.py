"""How badly each class suits each frame: the scores that conformal sets are cut from.

A score may be any function of the probabilities; whichever it is, the sets hold the
truth as often as was asked. A good score makes them small: LAC smallest on average
(Sadinle et al. 2019), APS fairer to hard frames (Romano et al. 2020), and RAPS likewise
without their long tails (Angelopoulos et al. 2021).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.calibration import blocks, door

if TYPE_CHECKING:
    from models.calibration.door import Floats, Integers
    from models.shapes import Array


def lac(probs: Floats) -> Array:
    """Least ambiguous classes: score 1 - p_k, for probs (.., K) -> (.., K).

    A frame that resembles no class may be given the empty set.
    """
    probs = door.floats(probs, "probs")
    scores = np.empty(probs.shape)
    flat = scores.reshape(-1, probs.shape[-1])
    for first, columns in blocks.distributions(probs):
        flat[first : first + columns.shape[1]] = 1.0 - columns.T.astype(np.float64)
    return scores


def aps(probs: Floats, rng: np.random.Generator | None = None) -> Array:
    """Adaptive sets: the mass of likelier classes and u p_k, probs (.., K) -> (.., K).

    u is uniform, one for each frame, drawn from `rng`, which makes scores distinct and
    coverage exact. Without `rng` u is 1 and a frame always has the same set; scores of
    last classes tie at 1. Either way a frame so sure that its likeliest class is above
    the limit has the empty set: `sets.within` can keep one class. Classes of one
    probability rank by their number.
    """
    return raps(probs, rng, penalty=0.0, free=0)


def raps(
    probs: Floats,
    rng: np.random.Generator | None = None,
    *,
    penalty: float = 0.01,
    free: int = 5,
) -> Array:
    """Adaptive sets, each rank beyond the first `free` charged `penalty`.

        score_k = sum of p over classes before k + u p_k + penalty max(0, rank_k - free)

    with rank 1 for the likeliest: probs (.., K) -> (.., K), u as for `aps`. Choose both
    numbers on other frames than the threshold's, or on none. Sorts each frame.
    """
    probs = door.floats(probs, "probs")
    if not 0.0 <= penalty < np.inf:
        raise ValueError(f"penalty is {penalty}: it must be finite, at least 0")
    free = door.count(free, "free", least=0)
    n_classes = probs.shape[-1]
    charge = penalty * np.maximum(np.arange(1, n_classes + 1) - free, 0)
    scores = np.empty(probs.shape)
    flat = scores.reshape(-1, n_classes)
    for first, columns in blocks.distributions(probs):
        rows = flat[first : first + columns.shape[1]]
        share = 1.0 if rng is None else rng.random(len(rows))
        _rank(columns.astype(np.float64), share, charge, rows.T)
    return scores


def _rank(columns: Array, share: Array | float, charge: Array, into: Array) -> None:
    """Write the adaptive scores of columns (K, n) into `into`."""
    order = np.argsort(-columns, axis=0, kind="stable")
    ordered = np.take_along_axis(columns, order, axis=0)
    before = np.cumsum(ordered, axis=0) - ordered
    found = before + share * ordered + charge[:, None]
    np.put_along_axis(into, order, found, axis=0)


def of_labels(scores: Floats, labels: Integers) -> Array:
    """Score of each frame's label: scores (.., K), labels (..) -> (..)."""
    scores = door.floats(scores, "scores")
    *shape, n_classes = scores.shape
    flat = door.integers(labels, "labels", shape=tuple(shape), below=n_classes)
    cells = flat.reshape(*shape, 1).astype(np.int64)
    found: Array = np.take_along_axis(scores, cells, axis=-1)[..., 0].astype(np.float64)
    return found
