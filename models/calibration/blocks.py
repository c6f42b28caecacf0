"""Frames in blocks that stay in the cache, each turned to one row per class.

With the classes first, (K, n), what is done to each frame is done to whole rows, and
vector instructions do it. The turn is a copy of one block: a million frames in any
layout never make an array of their own size.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from models.calibration import door

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.calibration.door import Floats, Integers

Cell = TypeVar("Cell", bound=np.generic)

# A megabyte of doubles at most: one block and what is made of it fit in a core's cache.
CELLS = 2**17


def rows(values: Floats) -> Iterator[tuple[int, Floats]]:
    """Cut (.., K) into (first frame, (n, K)), frames counted in C order."""
    yield from _cut(values, max(256, CELLS // values.shape[-1]), 0)


def _cut(values: Floats, limit: int, first: int) -> Iterator[tuple[int, Floats]]:
    if values.ndim == 1:
        yield first, values[None, :]
        return
    inner = math.prod(values.shape[1:-1])
    if inner > limit:
        for i, part in enumerate(values):
            yield from _cut(part, limit, first + i * inner)
        return
    step = max(1, limit // inner)
    for i in range(0, len(values), step):
        part = values[i : i + step]
        yield first + i * inner, part.reshape(-1, values.shape[-1])


def turned(block: Floats) -> Floats:
    """Give (n, K) as (K, n), each class contiguous."""
    return np.ascontiguousarray(block.T)


def at_class(columns: npt.NDArray[Cell], classes: Integers) -> npt.NDArray[Cell]:
    """Give what each column (K, n) holds at its class (n,)."""
    cells = classes.astype(np.intp) * len(classes) + np.arange(len(classes))
    return columns.reshape(-1).take(cells)


def distributions(probs: Floats, name: str = "probs") -> Iterator[tuple[int, Floats]]:
    """Cut (.., K) into (first frame, (K, n)), each frame seen to be a distribution.

    nan and infinities show in the sum over classes, so one sum and one minimum are the
    whole check; only a block that fails is looked at more closely, and in double.
    """
    within = door.SUMS_WITHIN[probs.dtype.name]
    for first, block in rows(probs):
        columns = turned(block)
        with np.errstate(invalid="ignore", over="ignore"):
            off = np.abs(columns.sum(axis=0) - 1.0).max()
        if not off <= within or columns.min() < 0.0:
            door.proper(block, name, first, probs.shape[:-1])
        yield first, columns
