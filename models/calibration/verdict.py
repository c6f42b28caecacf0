"""What each frame says of a model: how sure it was, and how right."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration import blocks, door

if TYPE_CHECKING:
    from models.calibration.door import Floats, Integers
    from models.shapes import Array, BoolArray, IntArray


class Verdicts(NamedTuple):
    """Every frame by itself, in C order; all (M,).

    predicted: the prediction. confidence: its probability. is_right: it is the label.
    brier: sum_k (p_k - [k is the label])^2, in 0 .. 2. nll: -log p of the label, which
    is infinite where that was held impossible; nothing is clipped.
    """

    predicted: IntArray
    confidence: Array
    is_right: BoolArray
    brier: Array
    nll: Array


def verdicts(
    probs: Floats, labels: Integers, predictions: Integers | None = None
) -> Verdicts:
    """Judge each frame: probs (.., K), labels (..), predictions (..).

    Without `predictions` it is the most probable class, the first of equals. With them,
    as after smoothing, it is what they say, however improbable that was.
    """
    probs = door.floats(probs, "probs")
    *shape, n_classes = probs.shape
    labels = door.integers(labels, "labels", shape=tuple(shape), below=n_classes)
    if predictions is not None:
        predictions = door.integers(
            predictions, "predictions", shape=tuple(shape), below=n_classes
        )
    n_frames = math.prod(shape)
    predicted = np.empty(n_frames, dtype=np.int64)
    confidence, brier, nll = (np.empty(n_frames) for _ in range(3))
    for first, columns in blocks.distributions(probs):
        here = slice(first, first + columns.shape[1])
        chosen = columns.argmax(axis=0) if predictions is None else predictions[here]
        predicted[here] = chosen
        confidence[here] = blocks.at_class(columns, chosen)
        brier[here], nll[here] = _losses(columns, labels[here])
    return Verdicts(predicted, confidence, predicted == labels, brier, nll)


def _losses(columns: Floats, labels: Integers) -> tuple[Array, Array]:
    """Brier and negative log-likelihood of each column (K, n)."""
    off = columns.astype(np.float64)
    of_label = blocks.at_class(off, labels)
    off[labels, np.arange(len(labels))] -= 1.0
    with np.errstate(divide="ignore"):
        nll = 0.0 - np.log(of_label)
    return np.einsum("kn,kn->n", off, off), nll


def brier(probs: Floats, labels: Integers) -> float:
    """Mean of sum_k (p_k - [k is the label])^2, in 0 .. 2 (Brier 1950)."""
    return float(verdicts(probs, labels).brier.mean())


def nll(probs: Floats, labels: Integers) -> float:
    """Mean of -log p of the label, in nats; infinite where a label had p = 0."""
    return float(verdicts(probs, labels).nll.mean())
