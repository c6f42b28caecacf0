"""Bins of equal mass: each holds about as many frames, and no tie is torn apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.calibration import door
from models.calibration.bins import Bins, expected_error
from models.calibration.verdict import verdicts

if TYPE_CHECKING:
    from models.calibration.door import Floats, Integers
    from models.shapes import Array, IntArray


def edges(confidence: Array, n_bins: int) -> Array:
    """Lower edges of the bins but the first: quantiles of confidence (M,), each once.

    Frames of one confidence share a bin. So where many do there are fewer bins, down to
    one, and a bin's share may exceed 1 / n_bins.
    """
    n_frames = len(confidence)
    n_bins = min(n_bins, n_frames)
    places = np.unique([i * n_frames // n_bins for i in range(1, n_bins)]).astype(int)
    if not len(places):
        return np.empty(0)
    found = np.unique(np.partition(confidence, places)[places])
    above: Array = found[found > confidence.min()]
    return above


def place(confidence: Array, lower: Array) -> IntArray:
    """Give the bin of each confidence, by the lower edges of all bins but the first."""
    return np.searchsorted(lower, confidence, side="right").astype(np.int64)


def by_mass(probs: Floats, labels: Integers, *, n_bins: int = 15) -> Bins:
    """Sort frames into bins of about equal mass: probs (.., K), labels (..)."""
    n_bins = door.count(n_bins, "n_bins")
    seen = verdicts(probs, labels)
    lower = edges(seen.confidence, n_bins)
    at, n_found = place(seen.confidence, lower), len(lower) + 1
    confidence = np.bincount(at, seen.confidence, minlength=n_found)
    hits = np.bincount(at, seen.is_right, minlength=n_found)
    return Bins(
        np.bincount(at, minlength=n_found).astype(np.int64),
        confidence.astype(np.float64),
        hits.astype(np.float64),
    )


def adaptive_ece(probs: Floats, labels: Integers, *, n_bins: int = 15) -> float:
    """Expected calibration error over bins of equal mass (Nguyen and O'Connor 2015)."""
    return expected_error(by_mass(probs, labels, n_bins=n_bins))
