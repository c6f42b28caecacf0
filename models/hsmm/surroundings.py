"""What lies around each frame of a record, as a mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.hsmm.emission import inside

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


def surroundings(features: Array, lengths: IntArray, window: int) -> Array:
    """Mean of features (N, T, F) over `window` frames around each, in its record."""
    kept = inside(lengths, features.shape[1])[..., None]
    padded = np.pad(np.where(kept, features, 0.0), ((0, 0), (1, 0), (0, 0)))
    risen = padded.cumsum(axis=1)
    at = np.arange(features.shape[1])
    last = np.clip(at + window // 2 + 1, 0, lengths[:, None])
    begin = np.minimum(np.clip(at - (window - 1) // 2, 0, None), last)
    total = np.take_along_axis(risen, last[..., None], axis=1)
    total -= np.take_along_axis(risen, begin[..., None], axis=1)
    mean: Array = total / np.maximum(last - begin, 1)[..., None]
    return mean
