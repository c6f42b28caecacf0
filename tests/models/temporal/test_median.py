"""A median of labels that never adds a transition, and the policy built on it."""

from __future__ import annotations

import itertools
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models import chance
from models.temporal.dwell import fewest_changes
from models.temporal.majority import majority
from models.temporal.median import MedianHysteresisPolicy
from models.temporal.runs import runs, transitions
from tests.models.temporal.sequences import SHORT, every


def slow_majority(labels: list[int], width: int) -> list[int]:
    """Count the votes of each window, one after the other."""
    half, held = width // 2, []
    for t in range(len(labels)):
        votes = labels[max(0, t - half) : t + half + 1]
        held.append(next((k for k in votes if votes.count(k) > half), None))
    winners = [k for k in held if k is not None]
    if not winners:
        return labels
    last, out = winners[0], []
    for k in held:
        last = last if k is None else k
        out.append(last)
    return out


@pytest.mark.parametrize("width", [1, 3, 5, 7])
def test_the_majority_of_every_short_sequence_is_counted(width: int) -> None:
    """The votes by shifts are the votes by counting."""
    for n_frames, n_labels in SHORT[:18]:
        sequences = every(n_frames, n_labels)

        found = majority(sequences, width)

        wanted = [slow_majority(row.tolist(), width) for row in sequences]
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("width", [1, 3, 5, 7, 9])
def test_no_majority_adds_a_transition_or_a_label(width: int) -> None:
    """In every short sequence; the most frequent label of a window would."""
    for n_frames, n_labels in SHORT:
        sequences = every(n_frames, n_labels)

        found = majority(sequences, width)

        assert (transitions(found) <= transitions(sequences)).all()
        there = (sequences[:, :, None] == np.arange(n_labels)).any(axis=1)
        assert np.take_along_axis(there, found, axis=1).all()


def test_a_cut_window_adds_no_flicker() -> None:
    """0011100 stays calm with a window of 7, where counting in cut windows does not."""
    found = majority(np.array([0, 0, 1, 1, 1, 0, 0]), 7)

    np.testing.assert_array_equal(found, [0] * 7)


def test_of_two_labels_it_is_the_median() -> None:
    """Away from the ends, where a window always has a winner."""
    labels = chance.stream(1, "median").integers(0, 2, 500)

    found = majority(labels, 7)

    windows = np.lib.stride_tricks.sliding_window_view(labels, 7)
    np.testing.assert_array_equal(found[3:-3], np.median(windows, axis=1))


@pytest.mark.parametrize("width", [3, 5])
def test_names_and_ties_do_not_matter(width: int) -> None:
    """Renaming renames: no label wins a tie by its number."""
    sequences = every(7, 3)
    found = majority(sequences, width)
    for names in itertools.permutations([4, -1, 2]):
        name = np.array(names)

        np.testing.assert_array_equal(majority(name[sequences], width), name[found])


def test_a_row_does_not_vote_in_the_next() -> None:
    """A row of zeros would win the frames of the next, in which nobody wins."""
    labels = np.array([[0, 0, 0, 0], [0, 0, 1, 1]])

    together = majority(labels, 5)

    for row, found in zip(labels, together, strict=True):
        np.testing.assert_array_equal(found, majority(row, 5))


@settings(deadline=None)
@given(data=st.data())
def test_each_row_is_smoothed_as_if_alone(data: st.DataObject) -> None:
    """By the median and by the policy; what lies behind a row's end stays."""
    shape = data.draw(st.tuples(st.integers(0, 5), st.integers(0, 14)))
    labels = data.draw(hnp.arrays(np.int64, shape, elements=st.integers(-2, 1)))
    lengths = data.draw(
        hnp.arrays(np.int8, shape[0], elements=st.integers(0, shape[1]))
    )
    policy = MedianHysteresisPolicy(min_dwell=3, window_size=5)

    found, smooth = majority(labels, 5, lengths), policy.smooth(labels, lengths)

    for i, length in enumerate(lengths):
        row = labels[i, :length]
        np.testing.assert_array_equal(found[i, :length], majority(row, 5))
        np.testing.assert_array_equal(smooth[i, :length], policy.smooth(row))
        np.testing.assert_array_equal(smooth[i, length:], labels[i, length:])


@pytest.mark.parametrize("dwell", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("width", [1, 3, 5])
def test_the_policy_keeps_every_promise_on_every_short_sequence(
    dwell: int, width: int
) -> None:
    """Transitions never increase, no label is invented, no run is under the dwell."""
    policy = MedianHysteresisPolicy(min_dwell=dwell, window_size=width)
    for n_frames, n_labels in SHORT:
        sequences = every(n_frames, n_labels)

        found = policy.smooth(sequences)

        assert (transitions(found) <= transitions(sequences)).all()
        there = (sequences[:, :, None] == np.arange(n_labels)).any(axis=1)
        assert np.take_along_axis(there, found, axis=1).all()
        assert runs(found).length.min() >= min(dwell, n_frames)


def test_the_policy_smooths_before_it_judges_runs() -> None:
    """The dwell reads what the median gives, and that is not what came."""
    labels = chance.stream(3, "policy").integers(0, 3, (20, 100))

    found = MedianHysteresisPolicy(min_dwell=5, window_size=7).smooth(labels)

    np.testing.assert_array_equal(found, fewest_changes(majority(labels, 7), 5))
    assert (found != fewest_changes(labels, 5)).any()


def test_the_policy_keeps_shape_and_cannot_be_changed() -> None:
    """(B, T) to (B, T) as the experiment's file has it."""
    policy = MedianHysteresisPolicy(min_dwell=5, window_size=7)
    labels = chance.stream(2, "policy").integers(0, 6, (4, 100))

    found = policy.smooth(labels)

    assert found.shape == (4, 100)
    assert runs(found).length.min() >= 5
    with pytest.raises(FrozenInstanceError):
        policy.min_dwell = 1  # type: ignore[misc]


def test_what_is_no_window_and_no_dwell_is_refused() -> None:
    """Even or empty windows have no middle; a dwell of nothing means nothing."""
    with pytest.raises(ValueError, match="window_size is 4: wanted an odd"):
        majority(np.zeros(3, int), 4)
    with pytest.raises(ValueError, match="window_size is 6"):
        MedianHysteresisPolicy(window_size=6)
    with pytest.raises(ValueError, match="min_dwell is 0"):
        MedianHysteresisPolicy(min_dwell=0)
