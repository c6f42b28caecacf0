"""Quantisation on a host, in numpy alone: the part cut off from the graph.

Compilers for accelerators refuse rounding, and the search for a largest value. There
the graph ends at a linear map, and what follows is done here, on the very grid or the
very codebook that was trained with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.quantisers.grid import Grid, grid

Floats = npt.NDArray[np.floating]
Single = npt.NDArray[np.float32]


class Decoded(NamedTuple):
    """What projected frames stand for.

    codes (B, T) int32: sum_z stride_z level_z
    values (B, Z, T) float32: 2 level / (L - 1) - 1, in [-1, 1]
    """

    codes: npt.NDArray[np.int32]
    values: Single


class Lookup(NamedTuple):
    """A codebook for the search of the nearest code: argmax_c z . moved_c + bias_c.

    moved (C, Z): the codes about their mean m, e_c - m
    bias (C,): - moved_c . m - |moved_c|^2 / 2
    """

    moved: Single
    bias: Single


def lookup(codebook: Floats) -> Lookup:
    """Give the lookup of a codebook (C, Z), as models/quantisers/nearest.py has it.

    |z - e_c|^2 = |z|^2 - 2 (z . e_c - |e_c|^2 / 2); z . m is the same for all codes.
    """
    codes = np.asarray(codebook, np.float64)
    middle = codes.mean(axis=0)
    moved = codes - middle
    bias = -(moved @ middle) - np.einsum("cz,cz->c", moved, moved) / 2
    return Lookup(moved.astype(np.float32), bias.astype(np.float32))


def thresholds(made: Grid) -> Single:
    """Thresholds (R, Z) of a grid, infinite where a dimension has fewer."""
    rows = np.array(made.thresholds, np.float32)
    infinite: Single = np.where(np.isnan(rows), np.float32(np.inf), rows)
    return infinite


def decode(projected: Floats, levels: Sequence[int]) -> Decoded:
    """Quantise projected frames (B, Z, T) on the grid of `levels`, one per dimension.

    Raise ValueError for another shape, or when an entry is nan or infinite.
    """
    made, projected = grid(levels), np.asarray(projected)
    _check(projected, made)
    level = levels_of(projected, made)
    strides = np.array(made.strides, np.int32)
    codes: npt.NDArray[np.int32] = np.einsum("z,bzt->bt", strides, level)
    return Decoded(codes, _values(level, made))


def levels_of(projected: Floats, made: Grid) -> npt.NDArray[np.int32]:
    """Level of each entry (B, Z, T): how many thresholds it has reached."""
    level = np.zeros(projected.shape, np.int32)
    for row in np.array(made.thresholds, np.float32)[..., None]:
        level += projected >= row
    return level


def embed(codes: npt.NDArray[np.integer], levels: Sequence[int]) -> Single:
    """Give the values of codes (B, T) as (B, Z, T), the inverse of `decode`."""
    made, codes = grid(levels), np.asarray(codes)
    if codes.ndim != 2 or not np.issubdtype(codes.dtype, np.integer):
        found = f"{codes.shape} of {codes.dtype}"
        raise ValueError(f"codes are {found}: wanted integers (B, T)")
    outside = np.argwhere((codes < 0) | (codes >= made.n_codes))
    if len(outside):
        place = tuple(int(i) for i in outside[0])
        found = f"{int(codes[place])} at {list(place)}"
        raise ValueError(f"codes hold {found}: they must lie in 0..{made.n_codes - 1}")
    strides = np.array(made.strides)[:, None]
    within = np.array(made.levels)[:, None]
    level = codes[:, None, :] // strides % within
    return _values(level.astype(np.int32), made)


def _values(level: npt.NDArray[np.int32], made: Grid) -> Single:
    """Values of levels (B, Z, T): exact numbers and one division, the same anywhere."""
    half = np.array(made.halves, np.float32)[:, None]
    return (level.astype(np.float32) - half) / half


def _check(projected: Floats, made: Grid) -> None:
    """Want finite floats (B, Z, T) with a Z for each of the levels."""
    n_dims = len(made.levels)
    if projected.ndim != 3 or projected.shape[1] != n_dims:
        message = f"projected is {projected.shape}: wanted (B, {n_dims}, T)"
        raise ValueError(message)
    if not np.issubdtype(projected.dtype, np.floating):
        message = f"projected holds {projected.dtype}: wanted floating point"
        raise ValueError(message)
    wrong = np.argwhere(~np.isfinite(projected))
    if len(wrong):
        place = tuple(int(i) for i in wrong[0])
        found = f"{projected[place]} at {list(place)}"
        raise ValueError(f"projected holds {found}: frames must be finite")
