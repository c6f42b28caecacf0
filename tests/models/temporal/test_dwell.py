"""The least change that leaves no short run: compared with every labelling there is."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models import chance
from models.temporal import pieces
from models.temporal.dwell import best_posterior, fewest_changes
from models.temporal.runs import runs, transitions
from tests.models.temporal.sequences import (
    DWELLS,
    SHORT,
    Ints,
    allowed,
    every,
    in_order,
    shortest,
)


def walk(labelling: Ints) -> Ints:
    """Number labellings (., T) by the rule for ties: stay, else the first label."""
    moves = labelling + 1
    moves[:, 1:][labelling[:, 1:] == labelling[:, :-1]] = 0
    number: Ints = moves @ 4 ** np.arange(labelling.shape[1])[::-1]
    return number


@pytest.mark.parametrize("censored", [False, True], ids=["strict", "censored"])
@pytest.mark.parametrize("dwell", DWELLS)
def test_it_is_the_optimum_of_every_short_sequence(dwell: int, censored: bool) -> None:
    """Fewest changes, then fewest transitions, then the rule for ties: no other."""
    for n_frames, n_labels in SHORT:
        given_ = in_order(every(n_frames, n_labels))
        options = allowed(n_frames, n_labels, dwell, censored=censored)
        changes = (given_[:, None] != options).sum(axis=2)
        rank = (changes * 9 + transitions(options)) * 4**8 + walk(options)

        found = fewest_changes(given_, dwell, censored_ends=censored)

        np.testing.assert_array_equal(found, options[rank.argmin(axis=1)])


@pytest.mark.parametrize("censored", [False, True], ids=["strict", "censored"])
@pytest.mark.parametrize("dwell", DWELLS)
def test_the_invariants_hold_for_every_short_sequence(
    dwell: int, censored: bool
) -> None:
    """No short run, no new transition, no invented label, and a second pass is idle."""
    for n_frames, n_labels in SHORT:
        sequences = every(n_frames, n_labels)

        found = fewest_changes(sequences, dwell, censored_ends=censored)

        least = shortest(found, censored=censored)
        assert ((least >= dwell) | (transitions(found) == 0)).all()
        assert (transitions(found) <= transitions(sequences)).all()
        there = (sequences[:, :, None] == np.arange(n_labels)).any(axis=1)
        assert np.take_along_axis(there, found, axis=1).all()
        again = fewest_changes(found, dwell, censored_ends=censored)
        np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("dwell", DWELLS)
def test_renaming_the_labels_renames_the_answer(dwell: int) -> None:
    """No label is favoured for its number."""
    sequences = every(7, 3)
    found = fewest_changes(sequences, dwell)
    for names in itertools.permutations([-5, 0, 9]):
        name = np.array(names)

        renamed = fewest_changes(name[sequences], dwell)

        np.testing.assert_array_equal(renamed, name[found])


@pytest.mark.parametrize("dwell", DWELLS)
def test_backwards_it_costs_the_same(dwell: int) -> None:
    """Changes and transitions do not depend on where time begins; ties may."""
    sequences = every(8, 3)
    backwards = sequences[:, ::-1]

    found, turned = fewest_changes(sequences, dwell), fewest_changes(backwards, dwell)

    np.testing.assert_array_equal(
        (found != sequences).sum(axis=1), (turned != backwards).sum(axis=1)
    )
    np.testing.assert_array_equal(transitions(found), transitions(turned))


def test_two_halves_under_a_dwell_become_one_run_of_the_first() -> None:
    """0011 at dwell 5 is one run of what came first, never 1100; so for any names."""
    np.testing.assert_array_equal(fewest_changes(np.array([0, 0, 1, 1]), 5), [0] * 4)
    np.testing.assert_array_equal(fewest_changes(np.array([1, 1, 0, 0]), 5), [1] * 4)


def test_short_runs_beside_each_other_do_not_stay_short() -> None:
    """Merged shorts are judged again: three pairs at dwell 3 are two runs of three."""
    found = fewest_changes(np.array([0, 0, 1, 1, 2, 2]), 3)

    np.testing.assert_array_equal(found, [0, 0, 0, 2, 2, 2])


def test_a_run_cut_off_by_the_record_may_stay_short() -> None:
    """Two frames at the begin are the end of something longer, if so said."""
    labels = np.array([7, 7, 3, 3, 3, 3, 3, 7])

    strict = fewest_changes(labels, 3)
    censored = fewest_changes(labels, 3, censored_ends=True)

    np.testing.assert_array_equal(strict, [7, 7, 7, 3, 3, 3, 3, 3])
    np.testing.assert_array_equal(censored, labels)


@settings(deadline=None)
@given(data=st.data())
def test_ragged_rows_are_smoothed_as_if_alone(data: st.DataObject) -> None:
    """Each row, up to its end; what lies behind stays as it is."""
    shape = data.draw(st.tuples(st.integers(0, 5), st.integers(0, 12)))
    labels = data.draw(hnp.arrays(np.int16, shape, elements=st.integers(-2, 2)))
    lengths = data.draw(
        hnp.arrays(np.int64, shape[0], elements=st.integers(0, shape[1]))
    )
    dwell = data.draw(st.integers(1, 6))
    censored = data.draw(st.booleans())

    found = fewest_changes(labels, dwell, lengths, censored_ends=censored)

    for row, length, smooth in zip(labels, lengths, found, strict=True):
        alone = fewest_changes(row[:length], dwell, censored_ends=censored)
        np.testing.assert_array_equal(smooth[:length], alone)
        np.testing.assert_array_equal(smooth[length:], row[length:])


LASTING = st.tuples(st.integers(0, 2), st.sampled_from([1, 2, 3, 8, 9, 12, 16]))


@settings(max_examples=60, deadline=None)
@given(stays=st.lists(LASTING, min_size=1, max_size=9), dwell=st.integers(1, 4))
def test_cutting_at_long_runs_changes_nothing(
    stays: list[tuple[int, int]], dwell: int
) -> None:
    """What is cut into pieces costs what one piece, never cut, would cost."""
    labels = np.concatenate([np.full(length, label) for label, length in stays])

    found = fewest_changes(labels, dwell)

    changes, more = slow_fewest_changes(labels, dwell)
    assert int((found != labels).sum()) == changes
    assert int(transitions(found)[0]) == more
    assert shortest(found[None], censored=False)[0] >= min(dwell, len(labels))


def slow_fewest_changes(labels: Ints, dwell: int) -> tuple[int, int]:
    """Give the least (changes, transitions) by asking where the last run began."""
    names = np.unique(labels)
    wrong = np.cumsum(labels == names[:, None], axis=1)
    wrong = np.arange(len(labels) + 1) - np.pad(wrong, ((0, 0), (1, 0)))
    dear = 1 << 20  # more than all transitions: one number orders both
    least = np.full(len(labels) + 1, 1 << 40)
    least[0] = -1  # the first run is no transition
    for end in range(min(dwell, len(labels)), len(labels) + 1):
        last = 0 if len(labels) < dwell else end - dwell
        cost = dear * (wrong[:, end, None] - wrong[:, : last + 1])
        least[end] = (cost + least[: last + 1] + 1).min()
    return divmod(int(least[-1]), dear)


def test_a_dwell_beyond_all_rows_costs_no_more_than_one_just_beyond() -> None:
    """A billion unseen frames at each end are never laid out."""
    labels = np.array([[0, 1, 1, 0, 2], [3, 3, 4, 4, 4]])

    for censored in (False, True):
        found = fewest_changes(labels, 10**9, censored_ends=censored)

        beyond = fewest_changes(labels, 6, censored_ends=censored)
        np.testing.assert_array_equal(found, beyond)


def test_a_long_sequence_is_smoothed_in_pieces() -> None:
    """A hundred thousand frames that last become thousands of pieces."""
    rng = chance.stream(5, "long")
    labels = np.repeat(rng.integers(0, 10, 4000), rng.integers(5, 45, 4000))
    flicker = rng.random(len(labels)) < 0.05
    labels[flicker] = rng.integers(0, 10, int(flicker.sum()))

    cut = pieces.cuts(labels, np.zeros(len(labels), dtype=np.int64), 5)
    found = fewest_changes(labels, 5)

    assert np.diff(cut).max() < 3000
    assert runs(found).length.min() >= 5
    assert transitions(found)[0] < transitions(labels)[0] / 2


@pytest.mark.parametrize(
    "cast", [np.asfortranarray, lambda a: a[:, ::-1][:, ::-1], np.uint8, np.int32]
)
def test_the_layout_of_the_labels_does_not_matter(cast: Any) -> None:
    """Fortran order, strides and whole-number types give the same int64."""
    labels = chance.stream(6, "layout").integers(0, 3, (5, 40))

    found = fewest_changes(cast(labels), 4)

    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, fewest_changes(labels, 4))


REFUSED: tuple[tuple[str, Any, Any, Any, str], ...] = (
    ("cube", np.zeros((2, 2, 2), int), 2, None, r"shape \(2, 2, 2\): wanted \(T,\)"),
    ("real", np.zeros(3), 2, None, "type float64: wanted whole numbers"),
    ("object", np.array([1, None]), 2, None, "type object"),
    ("vast", np.array([2**63], np.uint64), 2, None, "hold 9223372036854775808: wanted"),
    ("dwell", np.zeros(3, int), 0, None, "dwell is 0: wanted one frame or more"),
    ("half", np.zeros(3, int), 2.5, None, "dwell is 2.5: wanted one frame or more"),
    ("long", np.zeros((2, 3), int), 2, np.array([3, 4]), "4 at row 1: wanted 0 to 3"),
    ("few", np.zeros((2, 3), int), 2, np.array([3]), "one whole number for each of 2"),
)


@pytest.mark.parametrize(
    ("labels", "dwell", "lengths", "says"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_what_are_no_labels_is_refused(
    labels: Any, dwell: int, lengths: Any, says: str
) -> None:
    """One message that says what was found and what was wanted."""
    with pytest.raises(ValueError, match=says):
        fewest_changes(labels, dwell, lengths)


def test_nothing_is_smoothed_to_nothing() -> None:
    """No rows, no frames, rows without frames."""
    assert fewest_changes(np.zeros((0, 5), int), 3).shape == (0, 5)
    assert fewest_changes(np.zeros((3, 0), int), 3).shape == (3, 0)
    assert fewest_changes(np.zeros(0, int), 3, censored_ends=True).shape == (0,)
    assert best_posterior(np.zeros((0, 2)), 3).shape == (0,)
    assert best_posterior(np.zeros((2, 0, 2)), 3).shape == (2, 0)
