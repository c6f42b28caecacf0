"""Windows laid out as sequences."""

from __future__ import annotations

import numpy as np
import pytest

from models.temporal.stretches import stretches

NAMES = np.array(["a", "a", "a", "b", "b", "b"])
START = np.array([0, 50, 200, 0, 50, 100])


def test_a_gap_and_another_recording_begin_a_stretch() -> None:
    """What lies on both sides of a gap is never smoothed together."""
    found = stretches(NAMES, START, 50)

    assert found.lengths.tolist() == [2, 1, 3]
    assert found.place.tolist() == [[0, 1, 0], [2, 0, 0], [3, 4, 5]]


def test_what_is_said_of_stretches_comes_back_in_order() -> None:
    """Each window has what was said of it."""
    found = stretches(NAMES, START, 50)

    assert found.flat(10 * found.place).tolist() == [0, 10, 20, 30, 40, 50]


def test_windows_out_of_order_are_refused() -> None:
    """By the first that is not after the one before."""
    with pytest.raises(ValueError, match="start holds 0 at 1: it must increase"):
        stretches(NAMES[:2], np.array([50, 0]), 50)
