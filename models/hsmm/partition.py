"""Pieces: rows of numbers cut where their mean changes, at the least cost.

    cost = sum over pieces of |row - mean of its piece|^2 + charge for each piece

The least of it over all ways to cut is found exactly (Jackson et al. 2005), with the
mean and not each row as what a piece has of its own: however much rows of one piece
are alike, and however far its mean lies from those of others, it is one piece.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


def pieces(rows: Array, charge: float, longest: int) -> IntArray:
    """Give the first row of each piece of rows (T, F), none over `longest` rows.

    Rows are wanted in units of their own noise; a charge of F log T is the least that
    keeps noise from being cut. Time is T longest F.
    """
    if not (np.isfinite(charge) and charge >= 0.0) or longest < 1:
        raise ValueError(
            f"charge is {charge} and longest {longest}: 0 or more and 1 or more are "
            f"wanted"
        )
    if rows.ndim != 2 or not len(rows):
        raise ValueError(f"rows has shape {rows.shape}: (T, F) with T > 0 is wanted")
    return _followed(_last_starts(rows - rows.mean(axis=0), charge, longest))


def _last_starts(rows: Array, charge: float, longest: int) -> IntArray:
    """Where the last piece of the best cut of the first t rows begins: (T,), t - 1."""
    n_rows = len(rows)
    summed = np.vstack([np.zeros(rows.shape[1]), rows.cumsum(axis=0)])
    squares = np.concatenate([[0.0], (rows**2).sum(axis=1).cumsum()])
    best = np.zeros(n_rows + 1)
    starts = np.zeros(n_rows, dtype=np.int64)
    for t in range(1, n_rows + 1):
        first = max(0, t - longest)
        inside = summed[t] - summed[first:t]
        held = np.einsum("sf,sf->s", inside, inside) / np.arange(t - first, 0, -1)
        cost = best[first:t] - squares[first:t] - held
        at = int(cost.argmin())
        starts[t - 1] = first + at
        best[t] = cost[at] + squares[t] + charge
    return starts


def _followed(starts: IntArray) -> IntArray:
    """Walk back from the last row to the first."""
    found, t = [], len(starts)
    while t > 0:
        t = int(starts[t - 1])
        found.append(t)
    return np.array(found[::-1], dtype=np.int64)
