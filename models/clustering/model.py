"""What every description of clusters can do, whatever it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from models.clustering.points import finite_rows
from models.threads import one_thread

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Self

    from models.shapes import Array, IntArray


class Model(Protocol):
    """K clusters, each with its name, weight and place in one row of the same arrays.

    There is nothing to rename apart from the rest: what is dropped, merged or put in
    another order is so in every array at once. Methods give new models.
    """

    @property
    def names(self) -> IntArray:
        """The labels (K,) that rows are given."""
        ...

    @property
    def weights(self) -> Array:
        """The share of each (K,)."""
        ...

    @property
    def means(self) -> Array:
        """The centre of each (K, F)."""
        ...

    def predict(self, features: npt.ArrayLike) -> IntArray:
        """Give the label of each row (B,)."""
        ...

    def scores(self, rows: Array) -> Array:
        """Give how well each cluster explains each row of (B, F): (B, K)."""
        ...

    def costs(self, i: int) -> Array:
        """Give what it would cost to merge cluster i into each (K,)."""
        ...

    def taken(self, kept: IntArray) -> Self:
        """Give the clusters `kept`, in that order."""
        ...

    def renamed(self, names: IntArray) -> Self:
        """Give the same clusters under other names."""
        ...

    def merged(self, i: int, into: int) -> Self:
        """Give the clusters with i and `into` as one, under the name of `into`."""
        ...


def nearest_index(model: Model, rows: Array) -> IntArray:
    """Give the cluster that explains each row best, the first of equals: (B,)."""
    index: IntArray = model.scores(rows).argmax(axis=1)
    return index


def predict(model: Model, features: npt.ArrayLike) -> IntArray:
    """Give the label of each row of features (B, F).

    A row's label does not depend on the rows beside it.
    """
    rows = fitted_rows(model, features)
    with one_thread():
        return model.names[nearest_index(model, rows)]


def fitted_rows(model: Model, features: npt.ArrayLike) -> Array:
    """Check features (B, F) like those that were fitted, with as many columns."""
    rows = finite_rows(features)
    n_dims = model.means.shape[1]
    if rows.shape[1] != n_dims:
        raise ValueError(
            f"features must have the {n_dims} columns that were fitted, "
            f"found {rows.shape[1]}"
        )
    return rows


def without(model: Model, i: int) -> IntArray:
    """Give the indices of all clusters but i."""
    return np.delete(np.arange(len(model.names)), i)
