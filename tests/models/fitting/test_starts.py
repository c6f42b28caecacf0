"""Where EM begins, and what hard labels add up to."""

from __future__ import annotations

import numpy as np
import pytest

from models.hsmm import code_emission, counts, em, restarts, starts
from models.hsmm import process as processes
from models.hsmm.em import Rule
from models.hsmm.poisson import Poisson
from models.hsmm.surroundings import surroundings
from models.shapes import IntArray

LABELS = np.array([[0, 0, 1, 1, 1, 0, 0], [2, 1, 1, 1, 1, 9, 9]])
LENGTHS = np.array([7, 5])


def test_runs_of_labels_are_counted_by_hand() -> None:
    """Starts, moves, whole runs and cut ones; what is past the end is not looked at."""
    found = counts.from_labels(LABELS, LENGTHS, 3, 3)

    np.testing.assert_array_equal(found.first, [1, 0, 1])
    np.testing.assert_array_equal(found.moves, [[0, 1, 0], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(found.ended, [[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    # The run of four is longer than D = 3 and its record's last: 3 frames are known.
    np.testing.assert_array_equal(found.cut, [[0, 0, 0], [1, 0, 0], [0, 1, 0]])


def test_a_run_beyond_the_longest_duration_is_cut_there() -> None:
    """In the midst of a record too: it is known to have lasted D and more."""
    found = counts.from_labels(np.array([[0, 1, 1, 1, 0]]), np.array([5]), 2, 2)

    np.testing.assert_array_equal(found.cut, [[1, 0], [0, 1]])
    assert found.ended.sum() == 1.0


@pytest.mark.parametrize("window", [1, 2, 5, 50])
def test_surroundings_are_means_within_the_record(window: int) -> None:
    """Each mean is taken by hand over the frames that are there."""
    rng = np.random.default_rng(0)
    features, lengths = rng.standard_normal((2, 9, 2)), np.array([9, 5])

    found = surroundings(features, lengths, window)

    for n, length in enumerate(lengths):
        for t in range(length):
            begin = max(0, t - (window - 1) // 2)
            end = min(length, t + window // 2 + 1)
            wanted = features[n, begin:end].mean(axis=0)
            np.testing.assert_allclose(found[n, t], wanted, atol=1e-12)


def _coded() -> tuple[IntArray, IntArray, IntArray]:
    """Two behaviours of 20 frames that differ in their shares of 4 codes."""
    rng = np.random.default_rng(1)
    labels = np.tile(np.repeat([0, 1], 20), (3, 3))
    shares = np.array([[0.6, 0.3, 0.05, 0.05], [0.05, 0.05, 0.3, 0.6]])
    codes = (rng.random(labels.shape)[..., None] > shares[labels].cumsum(2)).sum(2)
    return codes, np.array([120, 120, 77]), labels


def test_groups_follow_behaviour_and_not_single_codes() -> None:
    """Over 9 frames around, nearly all frames fall into the right one of two groups."""
    codes, lengths, labels = _coded()

    groups = starts.grouped(starts.one_hot(codes, 4), lengths, 2, window=9, seed=0)

    right = (groups == labels)[np.arange(120) < lengths[:, None]].mean()
    assert max(right, 1.0 - right) > 0.9
    again = starts.grouped(starts.one_hot(codes, 4), lengths, 2, window=9, seed=0)
    np.testing.assert_array_equal(groups, again)


def test_a_start_is_a_process_in_which_nothing_needed_is_impossible() -> None:
    """Labels give a proper process, near to the durations that they show."""
    codes, lengths, labels = _coded()

    model = starts.from_labels(
        codes,
        lengths,
        labels,
        emission=code_emission.even(3, 4),
        durations=Poisson(np.full(3, 10.0)),
        max_duration=40,
    )

    process = model.dynamics.process
    processes.check(process)
    assert np.isfinite(process.log_pi).all()
    assert np.isfinite(process.log_a[~np.eye(3, dtype=bool)]).all()
    means = model.dynamics.durations.means()
    np.testing.assert_allclose(means[:2], 20.0, atol=2.0)


def test_the_best_of_several_starts_is_kept() -> None:
    """Its objective is the greatest, and fitting from it alone gives it again."""
    codes, lengths, _ = _coded()
    forms = starts.by_groups(
        codes,
        starts.one_hot(codes, 4),
        lengths,
        emission=code_emission.even(2, 4),
        durations=Poisson(np.full(2, 10.0)),
        max_duration=40,
        windows=(1, 9),
        seeds=(0, 1),
    )
    heard: list[int] = []

    best = restarts.fit_best(
        codes,
        lengths,
        forms,
        rule=Rule(1e-4, 10),
        tell=lambda start, _step, _objective: heard.append(start),
    )

    alone = em.fit(codes, lengths, forms[best.chosen], rule=Rule(1e-4, 10))
    assert best.objectives.max() == best.fit.objective[-1]
    np.testing.assert_array_equal(alone.objective, best.fit.objective)
    assert sorted(set(heard)) == [0, 1, 2, 3]


def test_no_starts_are_refused() -> None:
    """An empty list is named, not a fit of nothing."""
    with pytest.raises(ValueError, match="no starts"):
        restarts.fit_best(np.zeros((1, 1), dtype=np.int64), np.array([1]), [])


def test_groups_that_cannot_be_are_refused() -> None:
    """More states than frames, and a window of none."""
    features, lengths = np.zeros((1, 4, 2)), np.array([3])

    with pytest.raises(ValueError, match="1 to 3 states"):
        starts.grouped(features, lengths, 4, window=1, seed=0)
    with pytest.raises(ValueError, match="window is 0"):
        starts.grouped(features, lengths, 2, window=0, seed=0)


@pytest.mark.parametrize("value", [-1, 3])
def test_a_label_that_is_no_state_is_refused(value: int) -> None:
    """-1 is no name for the last state, as an index would have it."""
    labels = LABELS.copy()
    labels[1, 4] = value

    with pytest.raises(ValueError, match=f"labels hold {value} at sequence 1, frame 4"):
        counts.from_labels(labels, LENGTHS, 3, 3)


def test_any_seed_begins_somewhere() -> None:
    """Those that take more than 32 bits too, and each always at the same place."""
    codes, lengths, _ = _coded()
    features = starts.one_hot(codes, 4)

    first, again = (starts.grouped(features, lengths, 2, 9, 2**63) for _ in range(2))

    np.testing.assert_array_equal(first, again)
    assert set(first[0]) == {0, 1}
