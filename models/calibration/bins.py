"""Frames sorted by confidence into bins, and how far confidence is from being right.

The confidence of a frame is the probability of its prediction, the first of the most
probable classes. Bins have one width and hold their lower edge; the last holds 1.0 too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration import blocks, door

if TYPE_CHECKING:
    from models.calibration.door import Floats, Integers
    from models.shapes import Array, BoolArray, IntArray


class Bins(NamedTuple):
    """Sums over the frames of each bin, all (M,).

    frames: how many. confidence: sum of confidences. right: frames predicted rightly.
    """

    frames: IntArray
    confidence: Array
    right: Array

    @property
    def weight(self) -> Array:
        """Share of all frames that each bin holds."""
        shares: Array = self.frames / self.frames.sum()
        return shares

    @property
    def gap(self) -> Array:
        """Mean confidence less share right; 0 in a bin that holds no frame."""
        gaps: Array = (self.confidence - self.right) / np.maximum(self.frames, 1)
        return gaps


def by_width(probs: Floats, labels: Integers, *, n_bins: int = 15) -> Bins:
    """Sort frames into bins of one width: probs (.., K), labels (..).

    One pass in blocks. A prediction is right when its label has the largest
    probability; only a block in which two have it asks which class came first.
    """
    probs = door.floats(probs, "probs")
    n_bins = door.count(n_bins, "n_bins")
    *shape, n_classes = probs.shape
    labels = door.integers(labels, "labels", shape=tuple(shape), below=n_classes)
    cells = np.zeros(2 * n_bins, dtype=np.int64)
    confidence = np.zeros(n_bins)
    for first, columns in blocks.distributions(probs):
        top = columns.max(axis=0)
        is_right = right(columns, top, labels[first : first + len(top)])
        sure = top.astype(np.float64)
        at = place(sure, n_bins)
        confidence += np.bincount(at, weights=sure, minlength=n_bins)
        cells += np.bincount(2 * at + is_right, minlength=2 * n_bins)
    wrong_right = cells.reshape(n_bins, 2)
    frames = wrong_right.sum(axis=1)
    return Bins(frames, confidence, wrong_right[:, 1].astype(np.float64))


def place(confidence: Array, n_bins: int) -> IntArray:
    """Give the bin of each confidence in [0, 1]; the last bin is closed above."""
    bins: IntArray = (confidence * n_bins).astype(np.int64)
    return np.minimum(bins, n_bins - 1, out=bins)


def right(columns: Floats, top: Floats, labels: Integers) -> BoolArray:
    """Tell whether the first largest class of each column is its label: (K, n) -> (n,).

    Equals columns.argmax(axis=0) == labels, at a third of its price.
    """
    is_top = columns == top
    if np.count_nonzero(is_top) > top.size:
        return np.asarray(columns.argmax(axis=0) == labels, dtype=np.bool_)
    return np.asarray(blocks.at_class(is_top, labels), dtype=np.bool_)


def expected_error(bins: Bins) -> float:
    """Expected calibration error: sum of weight |gap| (Naeini et al. 2015)."""
    return float(bins.weight @ np.abs(bins.gap))


def largest_error(bins: Bins) -> float:
    """Largest |gap| of a bin that holds a frame; never less than the expected error.

    A bin of few frames has a large gap by chance: read it with its interval.
    """
    return float(np.abs(bins.gap).max())


def ece(probs: Floats, labels: Integers, *, n_bins: int = 15) -> float:
    """Expected calibration error over bins of one width: probs (.., K), labels (..)."""
    return expected_error(by_width(probs, labels, n_bins=n_bins))


def mce(probs: Floats, labels: Integers, *, n_bins: int = 15) -> float:
    """Maximum calibration error over bins of one width: probs (.., K), labels (..)."""
    return largest_error(by_width(probs, labels, n_bins=n_bins))
