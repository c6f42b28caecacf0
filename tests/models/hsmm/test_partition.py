"""Pieces and slow axes: against every way to cut, and where the answer is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from models.hsmm.partition import pieces
from models.hsmm.slow import slow_axes
from models.shapes import Array


def cost(rows: Array, cuts: tuple[int, ...], charge: float) -> float:
    """Add up what one way to cut costs."""
    parts = np.split(rows, cuts)
    return sum(float(((p - p.mean(axis=0)) ** 2).sum()) + charge for p in parts)


@pytest.mark.parametrize("charge", [0.0, 0.5, 3.0, 100.0])
def test_no_way_to_cut_costs_less(charge: float) -> None:
    """All 256 ways are tried."""
    rows = np.random.default_rng(3).standard_normal((9, 2))
    ways = [c for n in range(9) for c in combinations(range(1, 9), n)]

    found = pieces(rows, charge, 9)

    least = min(cost(rows, way, charge) for way in ways)
    assert cost(rows, tuple(found[1:]), charge) == pytest.approx(least)


def test_no_piece_is_longer_than_allowed() -> None:
    """Though one piece would be cheapest."""
    found = pieces(np.zeros((10, 1)), 1.0, 4)

    assert np.diff(np.append(found, 10)).max() <= 4
    assert found[0] == 0


def test_a_row_of_nothing_is_refused() -> None:
    """And so is a charge that is none."""
    with pytest.raises(ValueError, match="T > 0 is wanted"):
        pieces(np.zeros((0, 2)), 1.0, 4)
    with pytest.raises(ValueError, match="charge is nan"):
        pieces(np.zeros((3, 2)), float("nan"), 4)


def test_the_slow_axis_is_found_beside_a_louder_fast_one() -> None:
    """What changes every ten frames, not what changes every frame tenfold."""
    rng = np.random.default_rng(0)
    slow = rng.standard_normal((2, 60)).repeat(10, axis=1)
    fast = 10.0 * rng.standard_normal((2, 600))
    lengths = np.array([600, 500])

    axes = slow_axes(np.stack([fast, slow], axis=2), lengths, 5, 1)

    assert axes.shape == (2, 1)
    assert abs(axes[1, 0]) > 20.0 * abs(axes[0, 0])


def test_vectors_that_never_change_have_no_slow_axis() -> None:
    """None is made up."""
    axes = slow_axes(np.ones((1, 30, 4)), np.array([30]), 5, 3)

    assert axes.shape == (4, 0)
