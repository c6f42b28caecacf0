"""Who is learned from, who calibrates, who judges: by subject, never by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.shapes import IntArray

TRAIN, CALIBRATE, TEST = 0, 1, 2


def groups(n_train: int, n_calibrate: int, n_test: int) -> IntArray:
    """Give the group of each subject (N,), those for training first."""
    return np.repeat([TRAIN, CALIBRATE, TEST], [n_train, n_calibrate, n_test])
