"""Many rows through one function, in which each row is its own affair.

A matrix product may sum in another order when it has other rows beside it. Here rows go
through in blocks of one size, so a row's result has the same bits alone or in a crowd:
what was said of a frame when the clusters were made is said of it ever after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.shapes import Array

BLOCK = 256  # a multiple of every kernel's tile, and small enough for the cache


def by_blocks(rows: Array, n_out: int, score: Callable[[Array], Array]) -> Array:
    """Give score(rows) (B, n_out) for rows (B, F), 256 rows at a time, the last padded.

    `score` must treat each row alike wherever it stands.
    """
    given = np.empty((len(rows), n_out))
    block = np.zeros((BLOCK, rows.shape[1]))
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        block[: len(part)] = part
        given[start : start + BLOCK] = score(block)[: len(part)]
    return given
