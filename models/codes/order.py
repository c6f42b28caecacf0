"""Things side by side that go together, so that a table of them shows its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


def order(between: Array, group: IntArray | None = None) -> IntArray:
    """Order M things by what is between them (M, M), how often one follows another.

    Things of one group (M,) stay together, groups in the order of their numbers. Within
    it is the order of a tree of mean linkage, in which neighbours follow each other
    often.
    """
    n_things = len(between)
    leaves = _leaves(between) if n_things > 2 else np.arange(n_things)
    if group is None:
        return leaves
    place = np.empty(n_things, dtype=np.int64)
    place[leaves] = np.arange(n_things)
    return np.lexsort([place, group])


def _leaves(between: Array) -> IntArray:
    """Give the leaves of the tree, from left to right."""
    out = between / np.maximum(between.sum(axis=1, keepdims=True), 1e-12)
    near = out + out.T
    far = near.max() - near
    np.fill_diagonal(far, 0.0)
    tree = linkage(squareform(far, checks=False), "average", optimal_ordering=True)
    leaves: IntArray = leaves_list(tree).astype(np.int64)
    return leaves
