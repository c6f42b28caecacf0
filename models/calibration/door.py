"""What calibration is asked about: probabilities or logits, labels, groups, shares.

Every public function of this room takes its arguments through this door. A value that
cannot be used is refused here, by the name of its argument and its first place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats: TypeAlias = npt.NDArray[np.floating]
Integers: TypeAlias = npt.NDArray[np.integer]

# A row of single precision has often passed through half precision on its way.
SUMS_WITHIN: Mapping[str, float] = {"float32": 1e-3, "float64": 1e-5}


def floats(values: object, name: str) -> Floats:
    """Take an array (.., K) of float32 or float64 that holds at least one frame."""
    array = np.asarray(values)
    if array.dtype.name not in SUMS_WITHIN:
        raise ValueError(f"{name} is {array.dtype}: it must be float32 or float64")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} has shape {array.shape}: it must hold frames (.., K)")
    return array


def integers(
    values: object, name: str, *, shape: tuple[int, ...], below: int
) -> Integers:
    """Take whole numbers of `shape` in 0 .. below - 1, and give them flat."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} is {array.dtype}: it must hold whole numbers")
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}: the frames have {shape}")
    if array.min() < 0 or array.max() >= below:
        where = place((array < 0) | (array >= below))
        raise ValueError(
            f"{name} holds {array[where]} at {where}: it must lie in 0 .. {below - 1}"
        )
    return array.reshape(-1)


def finite(values: Floats, name: str) -> None:
    """Refuse nan and infinities, telling the first."""
    if not np.isfinite(values).all():
        where = place(~np.isfinite(values))
        raise ValueError(f"{name} holds {values[where]} at {where}: it must be finite")


def share(value: float, name: str) -> float:
    """Take a number strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} is {value}: it must lie inside 0 .. 1")
    return float(value)


def count(value: object, name: str, *, least: int = 1) -> int:
    """Take a whole number that is not too small."""
    if not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} is {value}: it must be whole, from {least} on")
    return int(value)


def proper(probs: Floats, name: str, first: int, shape: tuple[int, ...]) -> None:
    """Refuse rows (n, K) that are no distributions; the first is frame `first`.

    `shape` is that of all frames, so that the place is told as the caller counts.
    """
    for is_bad, rule in (
        (~np.isfinite(probs), "be finite"),
        (probs < 0.0, "not be negative"),
    ):
        if is_bad.any():
            row, k = place(is_bad)
            at = (*_at(first + row, shape), k)
            raise ValueError(f"{name} holds {probs[row, k]} at {at}: it must {rule}")
    within = SUMS_WITHIN[probs.dtype.name]
    sums = probs.sum(axis=1, dtype=np.float64)
    is_off = np.abs(sums - 1.0) > within
    if is_off.any():
        (row,) = place(is_off)
        raise ValueError(
            f"{name} sums to {sums[row]:.6g} at frame {_at(first + row, shape)}: "
            f"it must be 1 within {within:g}"
        )


def _at(frame: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Tell the place of a frame, by its number in C order."""
    return tuple(int(i) for i in np.unravel_index(frame, shape))


def place(is_bad: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """Tell where the first True is."""
    return tuple(int(i) for i in np.unravel_index(np.argmax(is_bad), is_bad.shape))
