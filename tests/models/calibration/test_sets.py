"""Sets are sets of classes: any of them, none or all, and never a span of numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from models.calibration import conformity, sets
from tests.models.calibration import simulated


def test_a_set_may_leave_out_a_class_between_two_others() -> None:
    """Classes 0 and 3 suit and those between do not: they stay outside."""
    probs = np.array([[0.5, 0.02, 0.03, 0.45]])

    inside = sets.within(conformity.lac(probs), 0.6)

    np.testing.assert_array_equal(inside, [[True, False, False, True]])


def test_a_set_is_empty_when_nothing_suits_unless_one_is_kept() -> None:
    """No neighbour of the prediction is made up; kept is the likeliest alone."""
    probs = np.array([[0.3, 0.4, 0.3], [0.05, 0.05, 0.9]])
    scores = conformity.lac(probs)

    np.testing.assert_array_equal(sets.within(scores, 0.2).sum(axis=1), [0, 1])
    kept = sets.within(scores, 0.2, keep_likeliest=True)
    np.testing.assert_array_equal(kept, [[False, True, False], [False, False, True]])


@given(simulated.distributions())
def test_sets_grow_with_the_limit_until_they_hold_all(
    frames: tuple[np.ndarray, np.ndarray],
) -> None:
    """A larger limit holds all that a smaller one held; 1 and infinity hold all."""
    scores = conformity.aps(frames[0])

    small, large = sets.within(scores, 0.4), sets.within(scores, 0.7)

    assert not (small & ~large).any()
    assert sets.within(scores, 1.0 + 1e-12).all()
    assert sets.within(scores, np.inf).all()
    assert sets.within(scores, -np.inf, keep_likeliest=True).sum() == len(scores)


def test_a_frame_surer_than_the_limit_has_the_empty_set() -> None:
    """Adaptive sets too can be empty: the likeliest class alone weighs too much."""
    scores = conformity.aps(np.array([[0.95, 0.05]]))

    assert not sets.within(scores, 0.9).any()
    np.testing.assert_array_equal(
        sets.within(scores, 0.9, keep_likeliest=True), [[True, False]]
    )


def test_an_outcome_counts_frames_classes_and_subjects() -> None:
    """Three subjects of two frames, counted by hand."""
    inside = np.array(
        [[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0], [0, 1, 1]], dtype=bool
    )
    labels, groups = np.array([0, 0, 0, 1, 1, 1]), np.array([7, 7, 8, 8, 9, 9])

    found = sets.outcome(inside, labels, groups)

    assert found.coverage.value == pytest.approx(5 / 6)
    assert found.size.value == pytest.approx(1.5)
    np.testing.assert_array_equal(found.sizes, [1, 2, 2, 1])
    np.testing.assert_allclose(found.by_class.value, [2 / 3, 1.0, np.nan])
    np.testing.assert_array_equal(found.subjects, [7, 8, 9])
    np.testing.assert_allclose(found.by_subject.value, [1.0, 0.5, 1.0])
    assert found.by_subject.low[1] < 0.5 < found.by_subject.high[1]


def test_without_groups_there_are_no_subjects_in_the_outcome() -> None:
    """Frames are independent then; intervals are Wilson's over frames."""
    found = sets.outcome(np.ones((100, 2), dtype=bool), np.zeros(100, dtype=int))

    assert len(found.subjects) == len(found.by_subject.value) == 0
    assert found.coverage.value == found.coverage.high == 1.0
    assert 0.96 < found.coverage.low < 0.97
    assert found.size == (2.0, 2.0, 2.0)
