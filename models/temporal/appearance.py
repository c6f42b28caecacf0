"""Labels numbered by when they first appear in their row.

So a tie that goes to the lower number goes to the label that came first, whatever the
labels are called, and renaming the labels renames the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from models.shapes import IntArray


class Appearance(NamedTuple):
    """Who came when, among frames (J,) that lie row after row.

    labels (L,): all labels of the batch, in order
    order  (B, L): the labels of each row, as they come; those that do not come, last
    codes  (J,): the place of each frame's label in its row's order
    """

    labels: IntArray
    order: IntArray
    codes: IntArray

    def named(self, codes: IntArray, row: IntArray) -> IntArray:
        """Give the labels (J,) that go by these codes in these rows."""
        return self.labels[self.order[row, codes]]


def appearance(flat: IntArray, row: IntArray, n_rows: int) -> Appearance:
    """Number the labels of frames (J,) of `n_rows` rows by their first appearance."""
    labels, which = np.unique(flat, return_inverse=True)
    first = np.full(n_rows * len(labels), len(flat))
    np.minimum.at(first, row * len(labels) + which, np.arange(len(flat)))
    order = first.reshape(n_rows, len(labels)).argsort(axis=1, kind="stable")
    codes = order.argsort(axis=1, kind="stable")[row, which]
    return Appearance(labels, order, codes)
