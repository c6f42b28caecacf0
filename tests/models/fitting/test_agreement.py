"""Agreement with truth: change points, names, and scores of partitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from models.hsmm import agreement, changes


def _most_pairs(found: tuple[int, ...], true: tuple[int, ...], tolerance: int) -> int:
    """Try every assignment of found points to true ones."""
    if not found:
        return 0
    most = _most_pairs(found[1:], true, tolerance)
    for j, point in enumerate(true):
        if abs(found[0] - point) <= tolerance:
            rest = true[:j] + true[j + 1 :]
            most = max(most, 1 + _most_pairs(found[1:], rest, tolerance))
    return most


@pytest.mark.parametrize("tolerance", [0, 1, 2])
def test_change_points_are_matched_as_well_as_can_be(tolerance: int) -> None:
    """Every two sets of points within 6 frames: as many pairs as by trying them all."""
    sets = [c for m in range(4) for c in itertools.combinations(range(1, 7), m)]

    for found, true in itertools.product(sets, repeat=2):
        pairs = changes.pairs_within(np.array(found), np.array(true), tolerance)
        assert pairs == _most_pairs(found, true, tolerance)


def test_no_change_point_counts_twice() -> None:
    """Three changes around one true one are one hit and two misses."""
    found = np.array([0, 0, 1, 0, 1, 1, 1])
    true = np.array([0, 0, 0, 1, 1, 1, 1])

    score = changes.change_score([found], [true], tolerance=5)

    assert (score.matched, score.found, score.true) == (1, 3, 1)
    assert score.precision == pytest.approx(1 / 3)
    assert score.recall == 1.0
    assert score.f1 == pytest.approx(0.5)


def test_a_change_one_frame_too_far_is_a_miss() -> None:
    """The tolerance is inclusive, and no more."""
    true, late = np.repeat([0, 1], [5, 5]), np.repeat([0, 1], [7, 3])

    assert changes.change_score([late], [true], tolerance=2).f1 == 1.0
    assert changes.change_score([late], [true], tolerance=1).f1 == 0.0


def test_changes_do_not_cross_from_one_sequence_to_the_next() -> None:
    """Each sequence is matched alone, and nothing found of nothing is right."""
    still, moved = np.zeros(4, dtype=np.int64), np.array([0, 0, 1, 1])

    crossed = changes.change_score([still, moved], [moved, still], tolerance=9)
    nothing = changes.change_score([still], [still], tolerance=0)

    assert crossed.matched == 0
    assert (nothing.precision, nothing.recall, nothing.f1) == (1.0, 1.0, 1.0)


def test_scoring_refuses_what_does_not_fit() -> None:
    """Unequal lengths and a tolerance below zero are named."""
    labels = np.zeros(4, dtype=np.int64)

    with pytest.raises(ValueError, match="must be alike"):
        changes.change_score([labels], [labels[:3]], tolerance=1)
    with pytest.raises(ValueError, match="tolerance is -1"):
        changes.change_score([labels], [labels], tolerance=-1)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 40), k=st.integers(1, 5))
def test_partition_scores_are_sklearns(seed: int, n: int, k: int) -> None:
    """NMI (arithmetic mean) and ARI agree to 1e-9 on random labels."""
    rng = np.random.default_rng(seed)
    states, labels = rng.integers(0, k, n), rng.integers(0, 3, n)
    counts = agreement.joint(states, labels, k, 3)

    nmi, ari = agreement.nmi(counts), agreement.ari(counts)

    assert nmi == pytest.approx(
        metrics.normalized_mutual_info_score(labels, states), abs=1e-9
    )
    assert ari == pytest.approx(metrics.adjusted_rand_score(labels, states), abs=1e-9)


@pytest.mark.parametrize(("n_states", "n_labels"), [(3, 3), (4, 2), (2, 4)])
def test_no_other_naming_agrees_on_more_frames(n_states: int, n_labels: int) -> None:
    """Every one-to-one naming is tried; the rest of the states are unnamed."""
    counts = np.random.default_rng(5).integers(1, 50, (n_states, n_labels))
    named = agreement.names(counts)
    found = agreement.share_right(counts, named)

    padded = [*range(n_labels), *[agreement.UNNAMED] * n_states]
    others = set(itertools.permutations(padded, n_states))

    assert found == max(agreement.share_right(counts, np.array(o)) for o in others)
    assert (named == agreement.UNNAMED).sum() == max(0, n_states - n_labels)


def test_names_are_given_on_some_subjects_and_judged_on_others() -> None:
    """A naming that fits chance on its own frames does not carry over."""
    rng = np.random.default_rng(6)
    first, other = (
        agreement.joint(rng.integers(0, 40, 60), rng.integers(0, 2, 60), 40, 2)
        for _ in range(2)
    )
    named = agreement.commonest(first)

    assert agreement.share_right(first, named) > 0.7
    assert agreement.share_right(other, named) < 0.6


def test_duration_errors_follow_the_names() -> None:
    """Errors are relative, by label, and nan for a label that no state has."""
    named = np.array([2, agreement.UNNAMED, 0])

    errors = agreement.duration_errors(
        np.array([12.0, 7.0, 5.0]), np.array([10.0, 20.0, 10.0]), named
    )

    np.testing.assert_allclose(errors, [-0.5, np.nan, 0.2])


def test_labels_out_of_range_are_named() -> None:
    """Which array, where, and what range."""
    with pytest.raises(ValueError, match="labels hold 3 at frame 1"):
        agreement.joint(np.array([0, 1]), np.array([0, 3]), 2, 3)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
def test_narrow_integers_count_as_wide_ones(dtype: type) -> None:
    """100 states of 4 labels are more than 8 bits hold, and each has its own cell."""
    states, labels = np.arange(100), np.arange(100) % 4

    found = agreement.joint(states.astype(dtype), labels.astype(dtype), 100, 4)

    np.testing.assert_array_equal(np.argwhere(found), np.stack([states, labels], 1))


def test_no_frames_agree_on_nothing() -> None:
    """No share and no score is made up for them, nor warned about."""
    none = np.zeros((2, 3), dtype=np.int64)

    for score in (agreement.nmi, agreement.mutual_information):
        with pytest.raises(ValueError, match="counts hold no frames"):
            score(none)
    with pytest.raises(ValueError, match="counts hold no frames"):
        agreement.share_right(none, np.array([0, 1]))
    with pytest.raises(ValueError, match="states are of float64"):
        agreement.joint(np.zeros(2), np.zeros(2, dtype=np.int64), 2, 2)  # type: ignore[arg-type]
