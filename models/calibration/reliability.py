"""What a reliability diagram draws: by bin, how sure and how often right."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration import bins, clusters, door, interval, mass
from models.calibration.interval import Measures
from models.calibration.verdict import verdicts

if TYPE_CHECKING:
    from models.calibration.door import Floats, Integers
    from models.shapes import Array, IntArray


class Diagram(NamedTuple):
    """Bars of a reliability diagram and of its confidence histogram, for M bins.

    edges (M+1,): where bins begin and end. frames (M,): the histogram of confidence.
    confidence (M,): its mean in each bin, nan where there is no frame. accuracy (M,):
    share right, with its interval; nan, somewhere in 0 .. 1, where there is no frame.
    """

    edges: Array
    frames: IntArray
    confidence: Array
    accuracy: Measures


def reliability(
    probs: Floats,
    labels: Integers,
    groups: object = None,
    *,
    n_bins: int = 15,
    equal_mass: bool = False,
    level: float = 0.95,
) -> Diagram:
    """Sort frames by confidence, into bins of one width or of about equal mass.

    probs (.., K), labels (..), groups (..): the subject of each frame, for intervals
    about another draw of subjects. They are Wilson's, for each bin by itself, at the
    number of independent frames that would vary as much; nothing is random.
    """
    n_bins = door.count(n_bins, "n_bins")
    seen = verdicts(probs, labels)
    level = door.share(level, "level")
    if groups is None:
        found = clusters.whole(len(seen.nll))
    else:
        found = clusters.by_group(groups, np.shape(labels))
    if equal_mass:
        lower = mass.edges(seen.confidence, n_bins)
        at = mass.place(seen.confidence, lower)
        edges = np.concatenate([[0.0], lower, [1.0]])
    else:
        at = bins.place(seen.confidence, n_bins)
        edges = np.linspace(0.0, 1.0, n_bins + 1)
    width = len(edges) - 1
    frames = np.bincount(at, minlength=width).astype(np.int64)
    summed = np.bincount(at, seen.confidence, minlength=width)
    confidence = np.full(width, np.nan)
    np.divide(summed, frames, out=confidence, where=frames > 0)
    accuracy = interval.shares(
        found.sums_at(at, width, seen.is_right),
        found.sums_at(at, width),
        level=level,
        are_independent=found.is_dealt,
    )
    return Diagram(edges, frames, confidence, accuracy)
