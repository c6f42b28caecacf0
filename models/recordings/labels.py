"""Labels on the grid of the frames: taken over from the nearest, never mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray

UNLABELLED = -1


def labelled(
    frames_s: Array, times_s: Array, labels: npt.NDArray[Any], within_s: float
) -> IntArray:
    """Give each frame's time (T,) the label of the nearest labelled time (N,).

    -1 where none is within `within_s`, and where that one is -1. Of two that are as
    near, the earlier. The labelled times may come in any order.
    """
    if (
        labels.dtype.kind not in "iu"
        or labels.ndim != 1
        or labels.shape != times_s.shape
    ):
        message = (
            f"labels have shape {labels.shape} and type {labels.dtype}, their times "
            f"shape {times_s.shape}: wanted whole numbers (N,) and (N,)"
        )
        raise ValueError(message)
    if not np.isfinite(times_s).all() or not within_s >= 0.0:
        raise ValueError("times of labels must be finite and within_s not negative")
    if not len(labels):
        return np.full(len(frames_s), UNLABELLED)
    order = np.argsort(times_s, kind="stable")
    known = times_s[order]
    behind = np.clip(np.searchsorted(known, frames_s), 0, len(known) - 1)
    before = np.maximum(behind - 1, 0)
    is_nearer = np.abs(known[behind] - frames_s) < np.abs(known[before] - frames_s)
    nearest = np.where(is_nearer, behind, before)
    # The grid is exact to some 1e-9 s: what is as far as asked for is near enough.
    near = np.abs(known[nearest] - frames_s) <= within_s + 1e-9
    return np.where(near, labels[order][nearest].astype(np.int64), UNLABELLED)


def majority_of(labels: IntArray, purity: float) -> IntArray:
    """Give the label (B,) of more than `purity` of each window's frames (B, T), or -1.

    purity of a half or more, so that there is one at most; frames that are not labelled
    count as frames.
    """
    if not 0.5 <= purity < 1.0:
        message = f"purity is {purity}: wanted 0.5 or more, and less than 1"
        raise ValueError(message)
    if labels.ndim != 2 or labels.dtype.kind not in "iu":
        message = (
            f"labels have shape {labels.shape} and type {labels.dtype}: wanted whole "
            "numbers (B, T)"
        )
        raise ValueError(message)
    n_frames = labels.shape[1]
    if not labels.size:
        return np.full(len(labels), UNLABELLED)
    # What fills more than half of a sorted row is in its middle.
    middle = np.sort(labels, axis=1)[:, n_frames // 2]
    votes = (labels == middle[:, None]).sum(axis=1)
    wins: BoolArray = votes > purity * n_frames
    return np.where(wins & (middle >= 0), middle, UNLABELLED)
