"""Calibration of every class's probability, not of the prediction's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration import bins, blocks, door

if TYPE_CHECKING:
    from models.calibration.door import Floats, Integers
    from models.shapes import Array, IntArray


class ClassBins(NamedTuple):
    """Sums over the frames whose probability of class k lies in bin m, all (K, M).

    frames: how many. probability: sum of p_k. labelled: how many have label k.
    surplus (G, K M): probability less labelled, cluster by cluster.
    """

    frames: Array
    probability: Array
    labelled: Array
    surplus: Array


class BrierParts(NamedTuple):
    """A Brier score is reliability - resolution + uncertainty + within.

    With shares w_km of frames, means p_km of probability, y_km of labels, y_k of all:

        reliability = sum_km w_km (p_km - y_km)^2      what calibration would save
        resolution  = sum_km w_km (y_km - y_k)^2       what telling frames apart gains
        uncertainty = sum_k  y_k (1 - y_k)             what there is to know
        within      = the rest, from spread inside bins (Stephenson et al. 2008)
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float


def by_class(
    probs: Floats,
    labels: Integers,
    *,
    n_bins: int = 15,
    member: IntArray | None = None,
    n_clusters: int = 1,
) -> ClassBins:
    """Sort each class's probability into bins of one width: probs (.., K), labels (..).

    `member` (M,) tells the cluster of each frame, for `surplus`; else there is one.
    """
    probs = door.floats(probs, "probs")
    n_bins = door.count(n_bins, "n_bins")
    *shape, n_classes = probs.shape
    labels = door.integers(labels, "labels", shape=tuple(shape), below=n_classes)
    width = n_classes * n_bins
    frames, probability, labelled = (np.zeros(width) for _ in range(3))
    surplus = np.zeros(n_clusters * width)
    for first, columns in blocks.distributions(probs):
        here = slice(first, first + columns.shape[1])
        double = columns.astype(np.float64)
        at = bins.place(double, n_bins) + n_bins * np.arange(n_classes)[:, None]
        of_label = blocks.at_class(at, labels[here])
        frames += np.bincount(at.reshape(-1), minlength=width)
        probability += np.bincount(at.reshape(-1), double.reshape(-1), minlength=width)
        labelled += np.bincount(of_label, minlength=width)
        if member is not None:
            row = width * member[here]
            np.add.at(surplus, (at + row).reshape(-1), double.reshape(-1))
            np.subtract.at(surplus, of_label + row, 1.0)
    if member is None:
        surplus = probability - labelled
    table = (n_classes, n_bins)
    return ClassBins(
        frames.reshape(table),
        probability.reshape(table),
        labelled.reshape(table),
        surplus.reshape(n_clusters, width),
    )


def expected_error(found: ClassBins) -> float:
    """Mean over classes of sum_m w_km |p_km - y_km| (Nixon et al. 2019)."""
    n_classes, n_frames = len(found.frames), found.frames[0].sum()
    gaps = np.abs(found.probability - found.labelled)
    return float(gaps.sum() / (n_classes * n_frames))


def classwise_ece(probs: Floats, labels: Integers, *, n_bins: int = 15) -> float:
    """Classwise expected calibration error: probs (.., K), labels (..)."""
    return expected_error(by_class(probs, labels, n_bins=n_bins))


def brier_parts(found: ClassBins, brier: float) -> BrierParts:
    """Split a Brier score by the bins of its classes."""
    n_frames = found.frames[0].sum()
    least = np.maximum(found.frames, 1.0)
    weight = found.frames / n_frames
    forecast, outcome = found.probability / least, found.labelled / least
    base = found.labelled.sum(axis=1) / n_frames
    reliability = float((weight * (forecast - outcome) ** 2).sum())
    resolution = float((weight * (outcome - base[:, None]) ** 2).sum())
    uncertainty = float((base * (1.0 - base)).sum())
    rest = brier - (reliability - resolution + uncertainty)
    return BrierParts(reliability, resolution, uncertainty, rest)
