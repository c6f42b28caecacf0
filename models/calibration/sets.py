"""Conformal sets, as sets: which classes each frame may be, and how that turned out.

Classes have no order, so a set is a row of booleans, never a span from one class number
to another. It may be empty, when nothing suits, and whole, when nothing is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from models.calibration import bootstrap, clusters, door, interval
from models.calibration.interval import Measure, Measures

if TYPE_CHECKING:
    from models.calibration.clusters import Clusters
    from models.calibration.door import Floats, Integers
    from models.shapes import Array, BoolArray, IntArray


class Outcome(NamedTuple):
    """How sets fared on labelled frames.

    coverage: share of frames whose set holds the label. size: mean number of classes.
    sizes (K+1,): frames by the size of their set, the empty ones first.
    by_class (K,): coverage by label, nan for a class that no frame has.
    by_subject (G,): coverage within each of `subjects` (G,), its interval as if its
        frames were independent; empty when no groups were given.
    """

    coverage: Measure
    size: Measure
    sizes: IntArray
    by_class: Measures
    by_subject: Measures
    subjects: npt.NDArray[np.generic]


def within(
    scores: Floats, limit: float | Array, *, keep_likeliest: bool = False
) -> BoolArray:
    """Tell which classes score at most the limit: scores (.., K) -> sets (.., K).

    `limit` is one number, or one for each class (K,). `keep_likeliest` adds the class
    of the least score, so that no set is empty; that can only cover more.
    """
    scores = door.floats(scores, "scores")
    door.finite(scores, "scores")
    bound = np.asarray(limit, dtype=np.float64)
    if bound.shape not in {(), scores.shape[-1:]}:
        raise ValueError(
            f"limit has shape {bound.shape}: wanted one number, or {scores.shape[-1:]}"
        )
    if np.isnan(bound).any():
        raise ValueError("limit holds nan")
    inside: BoolArray = scores <= bound
    if keep_likeliest:
        least = scores.argmin(axis=-1)[..., None]
        np.put_along_axis(inside, least, values=True, axis=-1)
    return inside


def holds(inside: BoolArray, labels: Integers) -> BoolArray:
    """Tell whether each set holds its label: sets (.., K), labels (..) -> (..)."""
    inside = np.asarray(inside)
    if inside.dtype != np.bool_ or inside.ndim == 0 or inside.size == 0:
        raise ValueError(
            f"inside is {inside.dtype} of shape {inside.shape}: "
            "it must be booleans (.., K), one frame at least"
        )
    *shape, n_classes = inside.shape
    flat = door.integers(labels, "labels", shape=tuple(shape), below=n_classes)
    cells = flat.reshape(*shape, 1).astype(np.int64)
    held: BoolArray = np.take_along_axis(inside, cells, axis=-1)[..., 0]
    return held


def outcome(
    inside: BoolArray,
    labels: Integers,
    groups: object = None,
    rng: np.random.Generator | None = None,
    *,
    level: float = 0.95,
    n_draws: int = 2_000,
) -> Outcome:
    """Measure sets (.., K) against labels (..), with intervals over groups (..)."""
    inside = np.asarray(inside)
    held = holds(inside, labels).reshape(-1)
    n_classes = inside.shape[-1]
    truth = np.ravel(labels).astype(np.int64)
    again = bootstrap.drawn(groups, np.shape(labels), rng, level=level, n_draws=n_draws)
    found = again.clusters
    size = inside.sum(axis=-1).reshape(-1)
    subjects = None if groups is None else clusters.by_group(groups, np.shape(labels))
    return Outcome(
        coverage=again.share(found.sums(held), found.size.astype(np.float64)),
        size=again.mean(size.astype(np.float64), float(n_classes)),
        sizes=np.bincount(size, minlength=n_classes + 1).astype(np.int64),
        by_class=again.shares(
            found.sums_at(truth, n_classes, held), found.sums_at(truth, n_classes)
        ),
        by_subject=_by_subject(held, subjects, level),
        subjects=np.empty(0) if subjects is None else subjects.names,
    )


def _by_subject(held: BoolArray, subjects: Clusters | None, level: float) -> Measures:
    """Coverage within each subject, as if its frames (M,) were independent."""
    if subjects is None:
        return Measures(*(np.empty(0) for _ in Measures._fields))
    hits, sizes = subjects.sums(held), subjects.size.astype(np.float64)
    return interval.shares(hits[None], sizes[None], level=level, are_independent=True)
