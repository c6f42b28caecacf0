"""Vectors seen from where they spread most: principal components, signs and all.

The sign of a component means nothing, and libraries differ in it; here the entry of
largest size is positive, so that a picture is the same on every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from models.shapes import Array


class Principal(NamedTuple):
    """Vectors (C, Z) in their principal components, the widest first.

    places (C, M): their coordinates. explained (M,): each one's share of the variance
    """

    places: Array
    explained: Array


def principal(vectors: Array, weights: Array | None = None) -> Principal:
    """Place vectors (C, Z), each counting as weights (C,) say, or all alike.

    Vectors of weight 0 are placed too, and move nothing.
    """
    if vectors.ndim != 2 or 0 in vectors.shape or not np.isfinite(vectors).all():
        raise ValueError(f"vectors are {vectors.shape}: wanted finite ones (C, Z)")
    share = np.ones(len(vectors)) if weights is None else weights.astype(np.float64)
    if not share.any():
        raise ValueError("weights are all 0: some vector must count")
    share = share / share.sum()
    centred = vectors - share @ vectors
    _, sizes, axes = np.linalg.svd(
        centred * np.sqrt(share)[:, None], full_matrices=False
    )
    rows = np.arange(len(axes))
    axes = axes * np.sign(axes[rows, np.abs(axes).argmax(axis=1)])[:, None]
    total = float((sizes**2).sum())
    explained = sizes**2 / total if total > 0 else np.zeros_like(sizes)
    return Principal(centred @ axes.T, explained)


def enough(explained: Array, share: float, most: int) -> int:
    """Say how many components it takes for a share of the variance, `most` at most."""
    needed = int(np.searchsorted(explained.cumsum(), share)) + 1
    return max(1, min(needed, most, len(explained)))
