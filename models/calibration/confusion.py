"""Which class is taken for which, and what that makes of precision, recall and F1."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration import door

if TYPE_CHECKING:
    from models.calibration.door import Integers
    from models.shapes import Array, IntArray


class Scores(NamedTuple):
    """Of each class (K,): precision, recall and F1; nan where they are not defined.

    precision = hits / predicted: nan for a class never predicted. recall = hits /
    labelled: nan for one that no frame has. f1 = 2 hits / (predicted + labelled): nan
    only for a class that is in neither, and so in no mean.
    """

    precision: Array
    recall: Array
    f1: Array


def confusion(labels: Integers, predictions: Integers, *, n_classes: int) -> IntArray:
    """Count frames by label (rows) and prediction (columns): (..), (..) -> (K, K)."""
    n_classes = door.count(n_classes, "n_classes")
    shape = np.shape(labels)
    if np.size(labels) == 0:
        raise ValueError(f"labels has shape {shape}: it must hold frames")
    rows = door.integers(labels, "labels", shape=shape, below=n_classes)
    columns = door.integers(predictions, "predictions", shape=shape, below=n_classes)
    cells = rows.astype(np.int64) * n_classes + columns
    counts = np.bincount(cells, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).astype(np.int64)


def scores(hits: Array, predicted: Array, labelled: Array) -> Scores:
    """Precision, recall and F1 of counts (.., K)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        f1: Array = 2.0 * hits / (predicted + labelled)
        return Scores(hits / predicted, hits / labelled, f1)


def of_confusion(counts: IntArray) -> Scores:
    """Precision, recall and F1 of counts (K, K), labels in rows."""
    table = counts.astype(np.float64)
    return scores(table.diagonal(), table.sum(axis=0), table.sum(axis=1))


def macro(f1: Array) -> Array:
    """Mean F1 over the classes that a label or a prediction holds: (.., K) -> (..).

    A class in neither has no F1: it is left out, and neither helps nor harms. Where no
    class has one, the mean is nan.
    """
    is_known = ~np.isnan(f1)
    summed = np.where(is_known, f1, 0.0).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        mean: Array = np.divide(summed, is_known.sum(axis=-1))
    return mean
