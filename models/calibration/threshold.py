"""The score up to which classes are let into a conformal set, for a wanted miss rate.

All four are finite-sample quantiles in which the new frame counts as one more score, at
infinity. When there are too few calibration scores the threshold is infinite and every
class is let in: a set never promises what the data cannot keep.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration import clusters, door

if TYPE_CHECKING:
    from models.calibration.door import Floats, Integers
    from models.shapes import Array, IntArray

# Sums of a million weights are off by less; so a whole number is not missed.
ROUNDING = 1e-10


class ClassThresholds(NamedTuple):
    """A threshold for each class.

    limit (K,): infinite for a class with too few frames, which is then in every set.
    frames (K,): calibration frames of each. unknown: the classes with too few.
    """

    limit: Array
    frames: IntArray
    unknown: tuple[int, ...]


def rank(n: int, miss: float) -> int:
    """Which of n + 1 ordered scores bounds the next: ceil((n + 1) (1 - miss)).

    Counted in whole numbers, from 1, taking `miss` for the plain fraction it was
    written as.
    """
    missed = math.floor((n + 1) * Fraction(miss).limit_denominator(10**9))
    return max(1, n + 1 - missed)


def split(scores: Floats, *, miss: float) -> float:
    """Threshold for one more frame like these: scores of the labels (..) -> limit.

    Frames must be exchangeable, as one frame from each of many subjects is. The label
    of a new one has a score above the limit with probability `miss` at most, and above
    miss - 1 / (n + 1) where scores are distinct (Vovk et al. 2005).
    """
    return _quantile(_entered(scores), door.share(miss, "miss"))


def by_class(
    scores: Floats, labels: Integers, *, n_classes: int, miss: float
) -> ClassThresholds:
    """A threshold per class, so that each class is missed alike (Vovk 2012, Mondrian).

    scores of the labels (..), labels (..). Use `limit` (K,) where one is asked for.
    """
    flat, miss = _entered(scores), door.share(miss, "miss")
    n_classes = door.count(n_classes, "n_classes")
    shape = np.shape(scores)
    labels = door.integers(labels, "labels", shape=shape, below=n_classes)
    limit = np.array([_quantile(flat[labels == k], miss) for k in range(n_classes)])
    frames = np.bincount(labels, minlength=n_classes).astype(np.int64)
    unknown = tuple(int(k) for k in np.flatnonzero(np.isinf(limit)))
    return ClassThresholds(limit, frames, unknown)


def by_subject(scores: Floats, groups: object, *, miss: float) -> float:
    """Threshold for a frame of a new subject: scores of the labels (..), groups (..).

    Subjects are exchangeable, their frames need not be. Each of N subjects weighs
    1 / (N + 1), spread over its frames, and the new one weighs as much at infinity; the
    limit is the least score with weight 1 - miss at or below it. A frame of a new
    subject is then missed with probability `miss` at most, on average over subjects
    (Lee, Barber and Willett 2023). Infinite below 1 / miss - 1 subjects.
    """
    flat, miss = _entered(scores), door.share(miss, "miss")
    found = clusters.by_group(groups, np.shape(scores))
    order = np.argsort(flat, kind="stable")
    weight = 1.0 / ((len(found.size) + 1) * found.size[found.member[order]])
    place = int(np.searchsorted(np.cumsum(weight), 1.0 - miss - ROUNDING))
    return float(flat[order[place]]) if place < len(flat) else math.inf


def by_sequence(
    scores: Floats, groups: object, *, miss: float, share: float = 1.0
) -> float:
    """Threshold that holds a share of all frames of a new subject at once.

    scores of the labels (..), groups (..). Each subject counts once, by the least score
    that `share` of its frames do not exceed. With probability 1 - miss at least, the
    sets of a new subject hold the label in that share of its frames; with share 1, in
    every one.
    """
    flat, miss = _entered(scores), door.share(miss, "miss")
    if not 0.0 < share <= 1.0:
        raise ValueError(f"share is {share}: it must lie above 0, at most 1")
    found = clusters.by_group(groups, np.shape(scores))
    order = np.lexsort((flat, found.member))
    part = Fraction(share).limit_denominator(10**9)
    needed = [max(1, math.ceil(part * int(size))) for size in found.size]
    before = np.cumsum(found.size) - found.size
    return _quantile(flat[order[before + needed - 1]], miss)


def _entered(scores: Floats) -> Array:
    """See that scores (..) are numbers, and give them flat."""
    scores = door.floats(scores, "scores")
    door.finite(scores, "scores")
    return scores.reshape(-1).astype(np.float64)


def _quantile(scores: Array, miss: float) -> float:
    """The score (n,) of that rank; infinite when it is the one that is to come."""
    place = rank(len(scores), miss)
    if place > len(scores):
        return math.inf
    return float(np.partition(scores, place - 1)[place - 1])
