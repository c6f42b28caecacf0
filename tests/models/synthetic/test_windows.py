"""Windows: where they come from, and what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.chance import stream
from models.shapes import IntArray
from models.synthetic.recording import record
from models.synthetic.windows import (
    chance_level,
    cohort,
    starts,
    window_labels,
    windows,
)
from models.synthetic.world import world

KNOWN = world()
ONE = record(KNOWN, 1, 4, 30.0)


@settings(deadline=None)
@given(start=st.integers(0, 55))
def test_a_window_is_the_frames_it_says_it_is(start: int) -> None:
    """Readings and labels alike, from `start` on."""
    cut = windows(ONE, size=100, hop=50)

    where = slice(int(cut.origin.start[start]), int(cut.origin.stop[start]))
    assert (where.start, where.stop) == (50 * start, 50 * start + 100)
    assert np.array_equal(cut.frames[start], ONE.frames[:, :, where])
    assert np.array_equal(cut.frame_labels[start], ONE.labels[where])


def test_windows_have_the_shape_that_networks_read() -> None:
    """(B, 9, 2, 100) float32, in one piece, all of one subject."""
    cut = windows(ONE)

    assert cut.frames.shape == (59, 9, 2, 100)
    assert cut.frames.dtype == np.float32
    assert cut.frames.flags.c_contiguous
    assert set(cut.origin.subject.tolist()) == {"seed 1, subject 4"}
    assert cut.origin.stop[-1] == 3000


@settings(deadline=None)
@given(
    hnp.arrays(
        np.int64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=7),
        elements=st.integers(0, 3),
    )
)
def test_a_window_is_called_by_most_of_its_frames(frame_labels: IntArray) -> None:
    """Counting by hand; of equals the one whose last frame is later."""
    called = window_labels(frame_labels)

    for row, label in zip(frame_labels.tolist(), called.tolist(), strict=True):
        wanted = max(set(row), key=lambda k: (row.count(k), -row[::-1].index(k)))
        assert label == wanted


def test_of_two_that_are_as_frequent_the_last_seen_counts() -> None:
    """Not the smaller label: that would favour the first of the table."""
    assert window_labels(np.array([[0, 0, 1, 1], [1, 1, 0, 0]])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.array([0, 1]), r"must be \(B, T\): found \(2,\)"),
        (np.array([[0, -1]]), r"must be 0 or more: found -1 at \(0, 1\)"),
        (
            np.zeros((1, 0), dtype=np.int64),
            r"must hold .* one or more: found int64 \(1, 0\)",
        ),
        (np.array([[0.0, 1.0]]), r"must hold whole numbers.*float64"),
        (np.array([[True]]), r"must hold whole numbers.*bool"),
    ],
)
def test_labels_that_are_none_are_refused(wrong: IntArray, message: str) -> None:
    """One row a window, a frame or more in each, nothing negative, nothing broken."""
    with pytest.raises(ValueError, match=f"frame_labels {message}"):
        window_labels(wrong)


def test_a_label_costs_nothing_by_being_large() -> None:
    """Labels are names: only how many there are counts."""
    big = np.array([[2**62, 2**62, 7]])

    assert window_labels(big).tolist() == [2**62]


def test_a_cohort_is_its_subjects_one_after_the_other() -> None:
    """Each with the windows that it has by itself."""
    both = cohort(KNOWN, 1, [4, 9], 30.0)

    alone = windows(ONE)
    assert np.array_equal(both.frames[:59], alone.frames)
    assert both.origin.subject.tolist() == [
        f"seed 1, subject {n}" for n in (4, 9) for _ in range(59)
    ]


def test_adding_a_subject_changes_no_other() -> None:
    """A subject's windows are the same in whatever company."""
    some = cohort(KNOWN, 1, np.arange(2, 4), 10.0)
    more = cohort(KNOWN, 1, [8, 3, 2], 10.0)

    for subject in ("seed 1, subject 2", "seed 1, subject 3"):
        mine, theirs = (
            each.frames[each.origin.subject == subject] for each in (some, more)
        )
        assert len(mine) == 19
        assert np.array_equal(mine, theirs)


def test_subjects_of_two_splits_share_no_window() -> None:
    """Not one window of a test subject is one that was trained on."""
    train, test = cohort(KNOWN, 1, range(6), 20.0), cohort(KNOWN, 1, range(6, 9), 20.0)

    seen = {window.tobytes() for window in train.frames}
    assert len(seen) == len(train.frames)
    assert not any(window.tobytes() in seen for window in test.frames)


@pytest.mark.parametrize("subjects", [[], [3, 3]])
def test_a_subject_counts_once(subjects: list[int]) -> None:
    """Twice the same subject would be twice the same data."""
    with pytest.raises(ValueError, match="each once"):
        cohort(KNOWN, 1, subjects, 10.0)


@pytest.mark.parametrize(
    ("size", "hop", "message"),
    [
        (0, 1, "size must be a whole number, 1 to 10: found 0"),
        (11, 1, "size must be a whole number, 1 to 10: found 11"),
        (5.0, 1, "size must be a whole number, 1 to 10: found 5.0"),
        (5, 0, "hop must be a whole number, 1 or more: found 0"),
        (5, 2.5, "hop must be a whole number, 1 or more: found 2.5"),
    ],
)
def test_windows_that_do_not_fit_are_refused(size: int, hop: int, message: str) -> None:
    """A window has a frame or more, and no more than there are."""
    with pytest.raises(ValueError, match=message):
        starts(10, size, hop)


def test_the_chance_level_is_the_share_of_the_most_frequent() -> None:
    """Of labels in any shape."""
    assert chance_level(np.array([[3, 3], [1, 0]])) == 0.5
    with pytest.raises(ValueError, match="labels must hold whole numbers, one or more"):
        chance_level(np.array([], dtype=np.int64))


def test_a_network_that_learned_nothing_is_right_by_chance() -> None:
    """300 random networks: one window in ten, whatever the labels' shares.

    Outputs of an untrained network are exchangeable, so it names each of K behaviours
    as often as the next: 1/K in expectation. Networks differ by some 0.06 each; 300 of
    them by 0.0035, and 5 of those are allowed.
    """
    test = cohort(KNOWN, 1, range(5), 60.0)
    flat = test.frames.reshape(len(test.labels), -1)
    flat = (flat - flat.mean(axis=0)) / flat.std(axis=0)
    rng = stream(1, "untrained")
    right = []
    for _ in range(300):
        hidden = np.maximum(flat @ rng.standard_normal((1800, 24), dtype=np.float32), 0)
        scores = (hidden - hidden.mean(axis=0)) @ rng.standard_normal((24, 10))
        right.append((scores.argmax(axis=1) == test.labels).mean())

    assert np.mean(right) == pytest.approx(0.1, abs=0.0175)
    assert np.mean(right) < chance_level(test.labels)
