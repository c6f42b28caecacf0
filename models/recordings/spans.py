"""Stretches of time, and where several lists of them agree."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.shapes import Array


def meet(lists: Iterable[Array]) -> Array:
    """Give the stretches (N, 2) that lie in one stretch of every list.

    Each list holds (M, 2) from .. to, in order and apart; an instant is no stretch.
    """
    return reduce(_both, lists)


def _both(one: Array, other: Array) -> Array:
    """Walk along two lists and keep what lies in both."""
    kept, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        low, high = max(one[i, 0], other[j, 0]), min(one[i, 1], other[j, 1])
        if low < high:
            kept.append((low, high))
        if one[i, 1] < other[j, 1]:
            i += 1
        else:
            j += 1
    return np.array(kept, dtype=one.dtype).reshape(-1, 2)
