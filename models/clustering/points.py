"""Rows to be clustered: checked once, and each distinct one kept once with its weight.

Distinct rows lie in an order that they alone decide. So nothing that follows can depend
on the order in which rows came, and a hundred thousand frames with 240 codes cost as
much as 240 rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.shapes import Array, IntArray


class Points(NamedTuple):
    """Distinct rows and how often each came.

    rows (U, F): distinct, in an order of their own
    weights (U,): summed over equal rows, >= 0
    place (B,): row b as it came is rows[place[b]]
    """

    rows: Array
    weights: Array
    place: IntArray

    @property
    def total(self) -> float:
        """The weight of all."""
        return float(self.weights.sum())


# The squares of larger ones, and sums of those, may be too large for any number.
LARGEST = 1e100


def points(features: npt.ArrayLike, sample_weight: npt.ArrayLike | None) -> Points:
    """Check features (B, F) and weights (B,), and gather equal rows.

    Rows of weight zero are placed like all others and move nothing.
    """
    rows = finite_rows(features)
    weights = _weights(sample_weight, len(rows))
    first, place = _distinct(rows)
    summed = np.zeros(len(first))
    np.add.at(summed, place, weights)
    return Points(rows[first], summed, place)


def finite_rows(features: npt.ArrayLike) -> Array:
    """Give features as rows of doubles (B, F); refuse what is not that, in words."""
    found = np.asarray(features)
    if found.dtype.kind not in "fiub":
        raise ValueError(f"features must be real numbers, found {found.dtype}")
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(
            f"features must be (B, F) with B >= 1 and F >= 1, found {found.shape}"
        )
    rows = np.ascontiguousarray(found, dtype=np.float64)
    _refuse_too_large("features", rows, "row {}, column {}")
    return rows + 0.0  # makes -0.0 equal to 0.0 in its bits too


def _weights(sample_weight: npt.ArrayLike | None, n_rows: int) -> Array:
    """Give a weight for each row: one, or what is said."""
    if sample_weight is None:
        return np.ones(n_rows)
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (n_rows,):
        raise ValueError(
            f"sample_weight must be ({n_rows},), one for each row of features, "
            f"found {weights.shape}"
        )
    _refuse_too_large("sample_weight", weights, "row {}")
    if (weights < 0).any():
        row = int((weights < 0).argmax())
        raise ValueError(
            f"sample_weight is {weights[row]} at row {row}: it must be >= 0"
        )
    if not weights.any():
        raise ValueError("sample_weight is 0 at every row: some row must count")
    return weights


def _refuse_too_large(name: str, values: Array, place: str) -> None:
    """Name the first value that is not finite, or too large to be squared."""
    bad = np.argwhere(~(np.abs(values) <= LARGEST))
    if len(bad):
        first = tuple(bad[0])
        where = place.format(*(int(i) for i in first))
        raise ValueError(
            f"{name} holds {values[first]} at {where}: every value must be finite, "
            f"and {LARGEST:g} at most"
        )


def _distinct(rows: Array) -> tuple[IntArray, IntArray]:
    """Give where each distinct row is first, and which distinct row each row is.

    Rows are told apart by their bytes, whose order is as good as any: one comparison a
    row, where an order by value would need one for every column.
    """
    as_bytes = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
    _, first, place = np.unique(as_bytes, return_index=True, return_inverse=True)
    return first.astype(np.int64), place.astype(np.int64)
