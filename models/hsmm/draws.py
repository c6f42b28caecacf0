"""Draws from many small laws at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


def draw_rows(log_weights: Array, rng: np.random.Generator) -> IntArray:
    """Draw an index for each row (R, M) with probability in proportion to exp of it.

    What has no weight is never drawn: a uniform number below 1 times the total lies
    below the total, and an index is passed over while the sum so far is not above it.
    """
    top = log_weights.max(axis=1, keepdims=True)
    summed = np.exp(log_weights - top).cumsum(axis=1)
    wanted = rng.random(len(log_weights)) * summed[:, -1]
    drawn: IntArray = (summed <= wanted[:, None]).sum(axis=1)
    return drawn
