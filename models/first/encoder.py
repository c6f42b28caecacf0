"""Frames to points: one causal convolution with fixed filters, then principal axes.

Each channel gives its mean (posture) and the logarithm of its spread (motion) over the
last `width` frames; the phase of an oscillation is lost on purpose. A frame's point
depends on nothing after it. The trained Conv2d encoder takes this file's place later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.shapes import einsum

if TYPE_CHECKING:
    from models.shapes import Array

# A variance below this is sensor noise or a window of one frame, not stillness.
LEAST_VARIANCE = 0.05


class Projection(NamedTuple):
    """Principal axes: point = (features - shift) @ axes, shift (F,), axes (F, Z)."""

    shift: Array
    axes: Array


def features(frames: Array, width: int) -> Array:
    """Mean and log spread of each channel over the last `width` frames.

    frames (T, V, P) -> (T, F), F = 2 V P. The first frames see what there is of them.
    """
    flat = frames.reshape(len(frames), -1)
    mean = causal_mean(flat, width)
    variance = causal_mean(flat**2, width) - mean**2
    return np.hstack([mean, 0.5 * np.log(np.maximum(variance, LEAST_VARIANCE))])


def causal_mean(signal: Array, width: int) -> Array:
    """Mean of the last `width` rows of signal (T, F), as differences of one sum."""
    total = np.vstack([np.zeros(signal.shape[1]), signal.cumsum(axis=0)])
    end = np.arange(1, len(signal) + 1)
    start = np.maximum(end - width, 0)
    mean: Array = (total[end] - total[start]) / (end - start)[:, None]
    return mean


def fit(rows: Array, n_dims: int) -> Projection:
    """Find the `n_dims` principal axes of standardised features (B, F).

    Each axis points so that its largest entry is positive; eigenvectors have no sign.
    """
    shift, scale = rows.mean(axis=0), rows.std(axis=0)
    standard = (rows - shift) / scale
    covariance = einsum("bf,bg->fg", standard, standard) / len(rows)
    _, vectors = np.linalg.eigh(covariance)
    axes = vectors[:, ::-1][:, :n_dims]
    largest = np.abs(axes).argmax(axis=0)
    signs = np.sign(axes[largest, np.arange(n_dims)])
    return Projection(shift, axes * signs / scale[:, None])


def project(projection: Projection, rows: Array) -> Array:
    """Give the points (B, Z) of features (B, F)."""
    return einsum("bf,fz->bz", rows - projection.shift, projection.axes)


def encode(projection: Projection, frames: Array, width: int) -> Array:
    """Give the points (T, Z) of frames (T, V, P)."""
    return project(projection, features(frames, width))
