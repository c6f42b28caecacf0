"""The one definition of the grid."""

from __future__ import annotations

import math

import pytest

from models.quantisers.grid import MOST_CODES, grid


@pytest.mark.parametrize("n_levels", [2, 3, 5, 6, 8, 16, 255])
def test_thresholds_are_where_the_formula_jumps(n_levels: int) -> None:
    """Just under a threshold floor((L-1)/2 tanh z + L/2) is one level less."""
    column = [row[0] for row in grid([n_levels]).thresholds]

    def level(z: float) -> int:
        return math.floor((n_levels - 1) / 2 * math.tanh(z) + n_levels / 2)

    assert len(column) == n_levels - 1
    for j, threshold in enumerate(column, start=1):
        assert level(threshold - 1e-9) == j - 1
        assert level(threshold + 1e-9) == j


@pytest.mark.parametrize("n_levels", [2, 3, 4, 5, 8])
def test_the_grid_is_the_same_to_both_sides_of_zero(n_levels: int) -> None:
    """For even and odd numbers of levels alike."""
    column = [row[0] for row in grid([n_levels]).thresholds]

    assert column == pytest.approx([-t for t in reversed(column)], abs=1e-15)


def test_a_dimension_with_fewer_levels_has_nan_for_the_rest() -> None:
    """Nothing reaches nan, an infinite value neither."""
    thresholds = grid([4, 2]).thresholds

    assert [math.isnan(row[1]) for row in thresholds] == [False, True, True]
    assert not math.inf >= thresholds[1][1]


def test_codes_are_counted_with_the_first_dimension_fastest() -> None:
    """[8, 6, 5] makes 240 codes with strides 1, 8 and 48."""
    made = grid([8, 6, 5])

    assert (made.n_codes, made.strides) == (240, (1, 8, 48))


@pytest.mark.parametrize(
    ("levels", "says"),
    [
        ([], "levels are empty"),
        ([8, 1], "levels hold 1 at 1: wanted at least 2"),
        ([8, -3], "levels hold -3 at 1"),
        ([8, 6.5], "levels hold 6.5 at 1: wanted whole numbers"),
        ([256] * 4, f"levels make {256**4} codes: wanted at most {MOST_CODES}"),
    ],
    ids=["none", "one", "negative", "half", "too many"],
)
def test_what_is_no_grid_is_refused(levels: list[int], says: str) -> None:
    """The level and its place are named."""
    with pytest.raises(ValueError, match=says):
        grid(levels)
