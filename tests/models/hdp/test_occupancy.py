"""How many states are occupied, and figures by matched state."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.hdp import occupancy
from models.shapes import Array

EMPTY = np.zeros((0, 3), dtype=int)


def test_spare_states_are_not_reported_as_occupied() -> None:
    """Three states and forty scraps of 0.1 % each: three are occupied, not 43."""
    row = np.concatenate([np.repeat([0, 1, 2], 320), np.arange(3, 43)])
    held = occupancy.shares(np.stack([row, row]), 50)

    found = occupancy.occupied(held)

    np.testing.assert_array_equal(found.counts, [3, 3])
    assert found.probability[3] == 1.0
    assert len(np.unique(row)) == 43


def test_the_count_has_an_interval() -> None:
    """Samples disagree; the median and the central 80 % say by how much."""
    held = np.array([[0.5, 0.5, 0.0]] * 2 + [[0.4, 0.3, 0.3]] * 7 + [[1.0, 0.0, 0.0]])

    found = occupancy.occupied(held, level=0.8)

    np.testing.assert_allclose(found.interval[:3], [3.0, 1.9, 3.0])
    np.testing.assert_allclose(found.probability, [0.0, 0.1, 0.2, 0.7])


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.001, 0.999))
def test_a_higher_bar_never_counts_more(seed: int, at_least: float) -> None:
    """The count falls as the share asked for grows; shares sum to one."""
    rng = np.random.default_rng(seed)
    held = occupancy.shares(rng.integers(0, 6, size=(4, 30)), 7)

    low = occupancy.occupied(held, at_least=at_least / 2.0).counts
    high = occupancy.occupied(held, at_least=at_least).counts

    np.testing.assert_allclose(held.sum(axis=1), 1.0)
    assert (high <= low).all()


def test_states_are_matched_whatever_they_are_called() -> None:
    """Each sample has names of its own; a figure follows its cluster."""
    labels = np.array([0, 0, 0, 1, 1, 2])
    samples = np.array([[4, 4, 4, 0, 0, 1], [1, 1, 1, 2, 2, 2]])
    means = np.array([[20.0, 30.0, -1.0, -1.0, 10.0], [-1.0, 11.0, 21.0, -1.0, -1.0]])

    names = occupancy.matched(samples, labels)
    found = occupancy.by_cluster(means, names)

    np.testing.assert_array_equal(names, [[4, 0, 1], [1, 2, -1]])
    np.testing.assert_array_equal(found, [[10, 20, 30], [11, 21, np.nan]])


def test_a_cluster_that_a_sample_lacks_is_left_out_of_its_interval() -> None:
    """Nan is no figure; where no sample has one, it stays nan."""
    found = occupancy.interval(np.array([[1.0, np.nan], [3.0, np.nan], [np.nan] * 2]))

    assert found.median[0] == 2.0
    assert np.isnan(found.median[1])


def test_an_interval_is_central_for_any_shape() -> None:
    """5 % and 95 % of 0..100, with axes of their own."""
    found = occupancy.interval(np.arange(101.0)[:, None, None])

    assert found.median.shape == (1, 1)
    np.testing.assert_allclose([found.low, found.high], [[[5.0]], [[95.0]]])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: occupancy.interval(np.zeros(0)), "values are empty"),
        (lambda: occupancy.interval(np.zeros(2), 1.0), "level is 1.0"),
        (lambda: occupancy.occupied(np.ones((1, 1)), at_least=0.0), "at_least is 0.0"),
        (lambda: occupancy.occupied(np.array([[np.nan]])), r"held holds nan"),
        (lambda: occupancy.shares(np.array([[3]]), 3), r"samples holds 3 at \(0, 0\)"),
        (
            lambda: occupancy.matched(np.array([[0, 1]]), np.array([0])),
            "labels has 1 frames",
        ),
        (lambda: occupancy.shares(EMPTY, 3), "number of samples is 0"),
        (lambda: occupancy.matched(EMPTY, np.zeros(3, int)), "number of samples is 0"),
        (lambda: occupancy.matched(EMPTY.T, EMPTY[:, 0]), "number of frames is 0"),
        (
            lambda: occupancy.by_cluster(np.ones((2, 3)), np.array([[1]])),
            "names are of the same samples",
        ),
        (
            lambda: occupancy.by_cluster(np.ones((1, 3)), np.array([[3]])),
            "names are of the same samples and states",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(
    wrong: Callable[[], Array], message: str
) -> None:
    """By name."""
    with pytest.raises(ValueError, match=message):
        wrong()
