"""What a model gains by staying silent where it is unsure: error against coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration import clusters, door, interval
from models.calibration.interval import Measures
from models.calibration.verdict import verdicts

if TYPE_CHECKING:
    from models.calibration.door import Floats, Integers
    from models.shapes import Array


class Selective(NamedTuple):
    """Risk of the frames that a model is surest of, from few of them to all (M points).

    threshold (M,): least confidence offered. coverage (M,): share of frames offered.
    risk (M,): share wrong among those, with its interval.
    area: mean risk over all coverages (AURC). least: what it would be, had every right
    frame more confidence than every wrong one.
    """

    threshold: Array
    coverage: Array
    risk: Measures
    area: float
    least: float


def selective(
    probs: Floats,
    labels: Integers,
    groups: object = None,
    *,
    n_points: int = 50,
    level: float = 0.95,
) -> Selective:
    """Offer frames by confidence: probs (.., K), labels (..), groups (..).

    Frames of one confidence are offered together. Intervals are Wilson's, for each
    point by itself, over another draw of groups.
    """
    seen = verdicts(probs, labels)
    n_points, level = door.count(n_points, "n_points"), door.share(level, "level")
    if groups is None:
        found = clusters.whole(len(seen.nll))
    else:
        found = clusters.by_group(groups, np.shape(labels))
    ordered = np.sort(seen.confidence)[::-1]
    places = np.ceil(np.linspace(1, n_points, n_points) / n_points * len(ordered))
    threshold = np.unique(ordered[places.astype(np.int64) - 1])[::-1]
    # Columns count what lies between two thresholds; their running sums what is above.
    at = len(threshold) - np.searchsorted(threshold[::-1], seen.confidence, "right")
    width = len(threshold) + 1
    offered = found.sums_at(at, width)[:, :-1].cumsum(axis=1)
    wrong = found.sums_at(at, width, ~seen.is_right)[:, :-1].cumsum(axis=1)
    is_wrong = ~seen.is_right[np.argsort(-seen.confidence, kind="stable")]
    return Selective(
        threshold,
        offered.sum(axis=0) / len(ordered),
        interval.shares(wrong, offered, level=level, are_independent=found.is_dealt),
        _area(is_wrong.astype(np.float64)),
        _area(np.sort(is_wrong.astype(np.float64))),
    )


def _area(wrong: Array) -> float:
    """Mean risk over coverages, of frames (M,) in the order in which they come."""
    return float((wrong.cumsum() / np.arange(1, len(wrong) + 1)).mean())
