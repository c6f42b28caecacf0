"""Runs and the numbers that describe them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.temporal.behaviour import behaviour
from models.temporal.runs import runs, transitions


@settings(deadline=None)
@given(data=st.data())
def test_runs_spell_the_sequence(data: st.DataObject) -> None:
    """Written out again they are the rows; neighbours in a row differ."""
    shape = data.draw(st.tuples(st.integers(0, 4), st.integers(0, 12)))
    labels = data.draw(hnp.arrays(np.int64, shape, elements=st.integers(-1, 1)))
    lengths = data.draw(
        hnp.arrays(np.int64, shape[0], elements=st.integers(0, shape[1]))
    )

    found = runs(labels, lengths)

    for i, length in enumerate(lengths):
        mine = found.row == i
        spelt = np.repeat(found.label[mine], found.length[mine])
        np.testing.assert_array_equal(spelt, labels[i, :length])
        assert (np.diff(found.label[mine]) != 0).all()
        ends = found.start[mine] + found.length[mine]
        np.testing.assert_array_equal(found.start[mine][1:], ends[:-1])
    np.testing.assert_array_equal(
        transitions(labels, lengths),
        [(np.diff(row[:n]) != 0).sum() for row, n in zip(labels, lengths, strict=True)],
    )


def test_a_small_sequence_is_described_by_hand() -> None:
    """Two rows; changes count within a row only."""
    labels = np.array([[0, 0, 1, 1, 1, 0], [2, 0, 0, 1, 9, 9]])

    found = behaviour(labels, 4, np.array([6, 4]))

    np.testing.assert_array_equal(found.frames, [5, 4, 1, 0])
    np.testing.assert_array_equal(found.runs, [3, 2, 1, 0])
    np.testing.assert_array_equal(found.mean_dwell, [5 / 3, 2.0, 1.0, np.nan])
    wanted = [[0, 2, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(found.follows, wanted)
    assert found.rate == 4 / 8
    assert found.entropy == 0.0


def test_an_even_choice_of_what_follows_has_its_entropy() -> None:
    """From 0 to 1 or 2 alike, always back to 0: half the changes are open, log 2."""
    found = behaviour(np.array([0, 1, 0, 2] * 50 + [0]), 3)

    assert found.entropy == pytest.approx(0.5 * math.log(2.0), rel=1e-12)


def test_nothing_has_no_mean() -> None:
    """No frames and no change: NaN, not zero."""
    found = behaviour(np.zeros(0, int), 2)

    assert math.isnan(found.rate)
    assert math.isnan(found.entropy)
    assert np.isnan(found.mean_dwell).all()


def test_a_label_that_is_none_is_refused() -> None:
    """By its place."""
    with pytest.raises(ValueError, match="-1 at row 1, frame 2: wanted 0 to 2"):
        behaviour(np.array([[0, 0, 0], [1, 1, -1]]), 3)
    with pytest.raises(ValueError, match="n_labels is -1: wanted a whole number"):
        behaviour(np.zeros(0, int), -1)
