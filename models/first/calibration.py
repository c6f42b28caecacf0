"""Whether probabilities mean what they say, and what to do when they do not.

Frames of one subject are not independent of each other. So temperature and threshold
are fitted on some subjects and judged on others, and the conformal set counts subjects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.logspace import log_softmax
from models.shapes import einsum

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray

COLDEST, HOTTEST = 0.05, 20.0


class Reliability(NamedTuple):
    """By bins of confidence: share of frames, mean confidence, share right."""

    weight: Array
    confidence: Array
    accuracy: Array


def probabilities(logits: Array, temperature: float) -> Array:
    """Softmax of logits / temperature along the last axis."""
    return np.exp(log_softmax(logits / temperature))


def slope(logits: Array, labels: IntArray, coldness: float) -> float:
    """Slope of the mean negative log-likelihood in `coldness` = 1 / temperature.

    It is the mean of E_p[logit] - logit of the label, and grows with coldness: the
    negative log-likelihood is convex in 1 / temperature.
    """
    expected = einsum("bk,bk->b", probabilities(logits, 1.0 / coldness), logits)
    return float((expected - logits[np.arange(len(labels)), labels]).mean())


def temperature(logits: Array, labels: IntArray) -> float:
    """Find the temperature of least loss for logits (B, K), between two bounds.

    Bisection on a slope that only grows: it always ends, and at the one minimum.
    """
    low, high = 1.0 / HOTTEST, 1.0 / COLDEST
    for _ in range(60):
        middle = 0.5 * (low + high)
        if slope(logits, labels, middle) < 0.0:
            low = middle
        else:
            high = middle
    return 2.0 / (low + high)


def reliability(probs: Array, labels: IntArray, n_bins: int) -> Reliability:
    """Sort frames by confidence into bins of one width; the last bin holds 1.0 too."""
    sure = probs.max(axis=1)
    is_right = probs.argmax(axis=1) == labels
    bins = np.minimum((sure * n_bins).astype(np.int64), n_bins - 1)
    size = np.bincount(bins, minlength=n_bins)
    least = np.maximum(size, 1)
    confidence = np.bincount(bins, weights=sure, minlength=n_bins) / least
    accuracy = np.bincount(bins, weights=is_right, minlength=n_bins) / least
    return Reliability(size / len(labels), confidence, accuracy)


def expected_error(bins: Reliability) -> float:
    """Expected calibration error: mean gap between confidence and share right."""
    return float((bins.weight * np.abs(bins.confidence - bins.accuracy)).sum())


def threshold(scores: Array, miss: float) -> float:
    """Conformal threshold from scores (N, T) of N subjects, for one frame of another.

    Subjects are exchangeable, their frames are not: each subject weighs 1 / (N + 1),
    spread over its frames, and the new one weighs as much at infinity. Then a frame of
    a new subject is missed with probability `miss` at most, averaged over subjects
    (Lee, Barber and Willett 2023). It is infinite below 1 / miss - 1 subjects.
    """
    n_subjects, n_frames = scores.shape
    ordered = np.sort(scores, axis=None)
    needed = (1.0 - miss) * (n_subjects + 1) * n_frames
    # A hair less, so that a whole number is not missed for its rounding.
    place = int(np.ceil(needed * (1.0 - 1e-12))) - 1
    return float(ordered[place]) if place < ordered.size else float("inf")


def scores(probs: Array, labels: IntArray) -> Array:
    """Nonconformity 1 - p(label): probs (N, T, K), labels (N, T) -> (N, T)."""
    return 1.0 - np.take_along_axis(probs, labels[..., None], axis=-1)[..., 0]


def sets(probs: Array, limit: float) -> BoolArray:
    """Tell which labels are in the set of each frame: probs (.., K) -> (.., K)."""
    inside: BoolArray = 1.0 - probs <= limit
    return inside


def coverage(inside: BoolArray, labels: IntArray) -> Array:
    """Share of each subject's frames whose set holds the label: (N, T, K) -> (N,)."""
    held = np.take_along_axis(inside, labels[..., None], axis=-1)[..., 0]
    shares: Array = held.mean(axis=1)
    return shares
