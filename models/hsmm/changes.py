"""Where behaviour changes: found change points against true ones, each used once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.shapes import IntArray


class ChangeScore(NamedTuple):
    """How found change points agree with true ones, over all sequences.

    matched: pairs within the tolerance, no point in two of them
    precision = matched / found, recall = matched / true,
    f1 = 2 matched / (found + true); each is 1 where it would divide nothing by nothing,
    for then nothing is wrong.
    """

    matched: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        """Share of found points that are true."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of true points that are found."""
        return self.matched / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.found + self.true
        return 2.0 * self.matched / both if both else 1.0


def change_points(labels: IntArray) -> IntArray:
    """Give the frames whose label differs from the one before: (T,) -> (M,)."""
    points: IntArray = np.flatnonzero(labels[1:] != labels[:-1]) + 1
    return points


def pairs_within(found: IntArray, true: IntArray, tolerance: int) -> int:
    """Count the most pairs |found - true| <= tolerance that use no point twice.

    Both ascend. Take the earliest of each side: if they fit they pair, for whoever else
    would take either could take the next one instead; if not, the earlier fits nobody.
    """
    i = j = matched = 0
    while i < len(found) and j < len(true):
        gap = int(found[i]) - int(true[j])
        if abs(gap) <= tolerance:
            matched += 1
        i += gap <= tolerance
        j += gap >= -tolerance
    return matched


def change_score(
    found: Sequence[IntArray], true: Sequence[IntArray], tolerance: int
) -> ChangeScore:
    """Score the changes of found labels against true ones, each a list of (T,).

    A found change counts if a true one lies within `tolerance` frames and no other
    found change has taken it: ten changes around one true one are one hit and nine
    misses.
    """
    if tolerance < 0:
        raise ValueError(f"tolerance is {tolerance}: it counts frames, from 0")
    if [len(a) for a in found] != [len(b) for b in true]:
        message = (
            f"found labels have lengths {[len(a) for a in found]} "
            f"and true ones {[len(b) for b in true]}: they must be alike"
        )
        raise ValueError(message)
    ours = [change_points(labels) for labels in found]
    theirs = [change_points(labels) for labels in true]
    return ChangeScore(
        sum(pairs_within(a, b, tolerance) for a, b in zip(ours, theirs, strict=True)),
        sum(len(points) for points in ours),
        sum(len(points) for points in theirs),
    )
