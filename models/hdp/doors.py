"""What a caller may get wrong, checked once, with a message that names the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


def positive(value: float, name: str) -> None:
    """Refuse what is not a finite number above zero."""
    if not (np.isfinite(value) and value > 0.0):
        raise ValueError(f"{name} is {value}: it must be finite and above zero")


def at_least_one(value: int, name: str) -> None:
    """Refuse a count below one."""
    if value < 1:
        raise ValueError(f"{name} is {value}: there must be at least 1")


def axes(array: npt.NDArray[np.generic], letters: str, name: str) -> None:
    """Refuse an array whose number of axes is not that of `letters`."""
    if array.ndim != len(letters):
        wanted = ", ".join(letters)
        raise ValueError(f"{name} has shape {array.shape}: ({wanted}) is wanted")


def finite(values: npt.ArrayLike, letters: str, name: str) -> Array:
    """Give `values` as doubles with the axes of `letters`, none of them nan or inf."""
    array = np.asarray(values, dtype=np.float64)
    axes(array, letters, name)
    _refuse(~np.isfinite(array), array, name, "finite numbers are wanted")
    return array


def varied(points: Array) -> Array:
    """Variance (F,) of points (B, F); a feature that never varies has no scale."""
    at_least_one(len(points), "the number of points")
    with np.errstate(over="ignore"):
        variance: Array = points.var(axis=0)
    off = ~((variance > 0.0) & np.isfinite(variance))
    _refuse(off, variance, "the variance of points", "rescale the feature, or drop it")
    return variance


def featured(points: npt.ArrayLike, n_features: int) -> Array:
    """Give points (B, F) as finite doubles of as many features as a prior has."""
    array = finite(points, "BF", "points")
    if array.shape[1] != n_features:
        wanted = f"the prior has {n_features} features"
        raise ValueError(f"points has shape {array.shape}: {wanted}")
    return array


def counts(values: npt.ArrayLike, letters: str, name: str) -> IntArray:
    """Give `values` as integers with the axes of `letters`, none of them negative."""
    array = integers(values, letters, name)
    _refuse(array < 0, array, name, "counts are 0 or more")
    return array


def labels(
    values: npt.ArrayLike, letters: str, name: str, n_labels: int | None = None
) -> IntArray:
    """Give `values` as integers in 0..n_labels-1 with the axes of `letters`."""
    array = integers(values, letters, name)
    _refuse(array < 0, array, name, "labels begin at 0")
    if n_labels is not None:
        _refuse(array >= n_labels, array, name, f"labels end at {n_labels - 1}")
    return array


def integers(values: npt.ArrayLike, letters: str, name: str) -> IntArray:
    """Give `values` as int64, refusing what is not of an integer type."""
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name} is of type {array.dtype}: integers are wanted")
    axes(array, letters, name)
    return array.astype(np.int64, copy=False)


def log_distribution(values: npt.ArrayLike, name: str) -> Array:
    """Give log probabilities (.., K) as doubles; they must sum to one along K.

    The tolerance is what K roundings in a sum of logs up to 700 can leave.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(
            f"{name} has shape {array.shape}: (.., K) with K > 0 is wanted"
        )
    _refuse(
        np.isnan(array) | np.isposinf(array), array, name, "logs of shares are wanted"
    )
    total = np.logaddexp.reduce(array, axis=-1)
    off = ~(np.abs(total) <= 1e-9)
    _refuse(off, np.exp(total), f"the sum of {name}", "shares sum to one")
    return array


def _refuse(
    wrong: npt.NDArray[np.bool_], array: npt.NDArray[np.generic], name: str, wanted: str
) -> None:
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{name} holds {array[at]} at {at}: {wanted}")
