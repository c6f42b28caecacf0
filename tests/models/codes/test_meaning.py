"""Which behaviour a code stands for."""

from __future__ import annotations

import numpy as np
import pytest

from models.codes.meaning import information, joint, meaning


def test_codes_are_named_by_others_than_they_are_judged_on() -> None:
    """Codes that mean the opposite to new subjects are all wrong."""
    naming = np.array([[9, 0], [0, 9]])
    judged = np.array([[[0, 4], [4, 0]], [[0, 2], [2, 0]]])

    found = meaning(naming, judged)

    assert found.named.tolist() == [0, 1]
    assert found.purity.value == 0.0
    assert found.explained.value == pytest.approx(1.0)


def test_gain_is_what_codes_foretell_of_other_subjects() -> None:
    """All there is where they mean the same there; where not, less than nothing."""
    naming = np.array([[90_000, 0], [0, 90_000]])
    same, other = np.diag([50, 50]), np.fliplr(np.diag([50, 50]))

    gains = [meaning(naming, one[None]).gain.value for one in (same, other)]

    assert gains[0] == pytest.approx(np.log(2), abs=0.01)
    assert gains[1] < -3


def test_a_code_that_nobody_named_is_wrong_for_all() -> None:
    """It is not left out, which would flatter a large codebook."""
    naming = np.array([[9, 0], [0, 0]])
    judged = np.array([[[3, 0], [1, 0]]])

    found = meaning(naming, judged)

    assert found.named.tolist() == [0, -1]
    assert found.purity.value == 0.75


def test_codes_without_regard_to_behaviour_tell_nothing() -> None:
    """Mutual information is none, and never less."""
    assert information(np.outer([1, 2, 3], [4, 5])[None]) == pytest.approx(0.0)


def test_unknown_behaviours_are_left_out_of_the_table() -> None:
    """And so is what lies behind a recording's end."""
    codes, truth = np.array([[0, 1, 1, -1]]), np.array([[1, -1, 0, -1]])

    table = joint(codes, truth, np.array([0]), (1, 2, 2))

    assert table.tolist() == [[[0, 1], [1, 0]]]


def test_truth_on_one_side_alone_is_refused() -> None:
    """Nothing can be judged by it."""
    with pytest.raises(ValueError, match="no frame has a known behaviour"):
        meaning(np.ones((2, 2), dtype=np.int64), np.zeros((1, 2, 2), dtype=np.int64))
