"""What codes tell by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from models.codes.lasting import lasting
from models.codes.spoken import Recordings, spoken

CODES = np.array([[0, 0, 1, 1, 1, -1], [2, 2, 2, 2, 0, 1], [0, 1, 1, -1, -1, -1]])
LENGTHS = np.array([5, 6, 3])


def recordings(truth: np.ndarray) -> Recordings:
    """Three recordings: two of the seen subject 0, one of the unseen subject 1."""
    is_seen = np.array([True, True, False])
    owner = np.array([0, 0, 1])
    return Recordings(CODES, truth, LENGTHS, owner, is_seen, ~is_seen, 4, 2)


def test_runs_end_with_their_recording() -> None:
    """Runs 2 3 | 4 1 1 | 1 2: none goes on in the next row."""
    found = lasting(CODES, 4, LENGTHS)

    assert found is not None
    assert (found.runs, found.longest, found.mean) == (7, 4, 2.0)
    assert found.frames.tolist() == [1, 2, 3, 4]
    assert found.at_least == pytest.approx(np.array([7, 4, 2, 1]) / 7)


def test_seen_and_unseen_subjects_are_counted_apart() -> None:
    """Code 2 was only ever taken by the seen."""
    found = spoken(recordings(np.where(CODES >= 0, CODES % 2, -1)))

    assert found.seen is not None
    assert found.unseen is not None
    assert found.seen.counts.tolist() == [3, 4, 4, 0]
    assert found.unseen.counts.tolist() == [1, 2, 0, 0]
    assert found.meaning is not None
    assert found.meaning.purity.value == 1.0


def test_without_truth_all_but_meaning_is_told() -> None:
    """Codes are named by nobody."""
    found = spoken(recordings(np.full_like(CODES, -1)))

    assert (found.meaning, found.bouts) == (None, None)
    assert found.named.tolist() == [-1] * 4
    assert found.lasting.runs == 7
