"""Frames with a known truth: calibrated or not, independent or by subject."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.shapes import Array, IntArray


class Frames(NamedTuple):
    """Probabilities (M, K), labels (M,), subjects (M,)."""

    probs: Array
    labels: IntArray
    subjects: IntArray


def softmax(logits: Array) -> Array:
    """Probabilities of logits (.., K)."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: Array = weights / weights.sum(axis=-1, keepdims=True)
    return found


def labels_of(probs: Array, rng: np.random.Generator) -> IntArray:
    """Draw a label for each frame from its own probabilities (.., K)."""
    u = rng.random((*probs.shape[:-1], 1))
    below = (probs.cumsum(axis=-1) <= u).sum(axis=-1)
    found: IntArray = np.minimum(below, probs.shape[-1] - 1)
    return found


def calibrated(
    n_frames: int, n_classes: int, rng: np.random.Generator, *, sharpness: float = 2.0
) -> Frames:
    """Independent frames whose labels follow their probabilities."""
    probs = softmax(sharpness * rng.normal(size=(n_frames, n_classes)))
    return Frames(probs, labels_of(probs, rng), np.arange(n_frames))


def by_subject(
    n_subjects: int, n_frames: int, n_classes: int, rng: np.random.Generator
) -> Frames:
    """Subjects of whom some are easy and some are not: frames of one fare alike.

    The model is as sure of all of them, so it is wrong together or right together.
    """
    shape = (n_subjects, n_frames, n_classes)
    logits = 2.0 * rng.normal(size=shape)
    ease = np.exp(rng.normal(size=(n_subjects, 1, 1)))
    labels = labels_of(softmax(ease * logits), rng)
    subjects = np.repeat(np.arange(n_subjects), n_frames)
    flat = softmax(logits).reshape(-1, n_classes)
    return Frames(flat, labels.reshape(-1), subjects)


def distributions(
    *, dtype: type[np.floating] = np.float64, least: int = 1
) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """Probabilities (M, K) with zeros, ones and ties among them, and labels (M,)."""

    @st.composite
    def made(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
        n_frames, n_classes = draw(st.integers(least, 12)), draw(st.integers(1, 5))
        counts = draw(
            hnp.arrays(np.int64, (n_frames, n_classes), elements=st.integers(0, 3))
        )
        counts[:, 0] += counts.sum(axis=1) == 0
        probs = (counts / counts.sum(axis=1, keepdims=True)).astype(dtype)
        labels = draw(
            hnp.arrays(np.int64, n_frames, elements=st.integers(0, n_classes - 1))
        )
        return probs, labels

    return made()
