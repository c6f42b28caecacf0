"""What segments add up to, counted by hand."""

from __future__ import annotations

import numpy as np

from models.hdp import tallies
from models.hsmm import segments

CODES = np.asfortranarray([[0, 1, 1, 0, 2], [2, 2, 0, 9, 9]])
LABELS = np.array([[1, 1, 0, 2, 2], [0, 0, 1, -1, -1]])
LENGTHS = np.array([5, 3])


def test_every_part_is_counted_once() -> None:
    """Two records of three and two segments; the last of each is cut, no other is."""
    cut = tallies.runs(LABELS, LENGTHS)

    seen = tallies.tally(cut, CODES, n_states=3, max_duration=4, n_codes=3)

    np.testing.assert_array_equal(seen.first, [1, 1, 0])
    np.testing.assert_array_equal(seen.moves, [[0, 1, 1], [1, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(
        seen.whole, [[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]]
    )
    np.testing.assert_array_equal(
        seen.cut, [[0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]
    )
    np.testing.assert_array_equal(seen.emitted, [[0, 1, 2], [2, 1, 0], [1, 0, 1]])


def test_runs_are_the_segments_that_labels_came_from() -> None:
    """And labels come back; what stands past an end is not read."""
    cut = tallies.runs(np.where(LABELS < 0, 7, LABELS), LENGTHS)

    np.testing.assert_array_equal(cut.length, [2, 1, 2, 2, 1])
    np.testing.assert_array_equal(segments.labels(cut, 2, 5), LABELS)


def test_equal_states_on_both_sides_of_a_record_do_not_join() -> None:
    """One record ends and the next begins with state 0: two segments, and no move."""
    cut = tallies.runs(np.array([[0, 0], [0, 0]]), np.array([2, 2]))

    seen = tallies.tally(
        cut, np.zeros((2, 2), dtype=np.int64), n_states=2, max_duration=2, n_codes=1
    )

    np.testing.assert_array_equal(seen.first, [2, 0])
    assert seen.moves.sum() == 0
    assert seen.cut[1, 0] == 2
