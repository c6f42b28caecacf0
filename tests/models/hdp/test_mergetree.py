"""The tree of merges: what it forgets, and what it merges first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster import hierarchy

from models.chance import stream
from models.hdp import mergetree
from models.hdp.mergetree import Features
from models.shapes import Array


def some_features(seed: int, n_states: int = 6) -> Features:
    """Laws over four codes and nine durations, with counts."""
    rng = stream(seed, "features")
    return Features(
        code=rng.dirichlet(np.full(4, 0.7), n_states),
        duration=rng.dirichlet(np.full(9, 0.7), n_states),
        frames=rng.integers(1, 500, n_states).astype(np.float64),
        segments=rng.integers(1, 50, n_states).astype(np.float64),
    )


def known(features: Features) -> float:
    """Nats a frame that states know of codes and durations: two mutual informations."""

    def information(laws: Array, weights: Array) -> float:
        joint = weights[:, None] * laws
        alone = joint.sum(axis=0) / weights.sum()
        safe = np.where(laws > 0.0, laws, 1.0)
        return float((joint * np.log(safe / alone)).sum())

    frames = features.frames
    whole = information(features.code, frames)
    whole += information(features.duration, features.segments)
    return whole / float(frames.sum())


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 7))
def test_heights_rise_to_all_that_is_known(seed: int, n_states: int) -> None:
    """None falls, and the root has forgotten the mutual information, no more."""
    features = some_features(seed, n_states)

    tree = mergetree.merge_tree(features)

    assert (np.diff(tree.heights) >= 0.0).all()
    top = tree.heights[-1] if n_states > 1 else 0.0
    assert top == pytest.approx(known(features), abs=1e-10)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_each_height_is_what_its_cut_forgets(seed: int) -> None:
    """Known before less known after pooling by the cut's labels, at every cut."""
    features = some_features(seed)
    tree = mergetree.merge_tree(features)

    for n_clusters in range(1, 6):
        labels = mergetree.cut_to(tree, n_clusters=n_clusters)
        member = (labels == np.arange(n_clusters)[:, None]).astype(float)
        frames, segments = member @ features.frames, member @ features.segments
        pooled = Features(
            (member @ (features.frames[:, None] * features.code)) / frames[:, None],
            (member @ (features.segments[:, None] * features.duration))
            / segments[:, None],
            frames,
            segments,
        )
        wanted = known(features) - known(pooled)
        assert tree.heights[5 - n_clusters] == pytest.approx(wanted, abs=1e-10)


def test_two_copies_of_one_state_merge_first() -> None:
    """They forget nothing, though others are smaller and nearly as like."""
    features = some_features(3, 5)
    features.code[4], features.duration[4] = features.code[1], features.duration[1]
    features.frames[[1, 4]] = 400.0

    tree = mergetree.merge_tree(features)

    np.testing.assert_array_equal(tree.pairs[0], [1, 4])
    assert tree.heights[0] == pytest.approx(0.0, abs=1e-15)
    assert tree.heights[1] > 1e-6


def test_states_that_differ_in_duration_alone_stay_apart() -> None:
    """The same codes for 2 or for 8 frames: two states, unless durations are unread."""
    features = some_features(4, 3)
    features.code[1] = features.code[0]
    features.duration[:2] = 0.0
    features.duration[0, 1] = features.duration[1, 7] = 1.0

    tree = mergetree.merge_tree(features)

    assert tree.heights[0] > 1e-4


def test_an_empty_state_joins_for_nothing() -> None:
    """A state without frames has nothing to forget, whatever its laws say."""
    features = some_features(5, 3)
    features.frames[2] = features.segments[2] = 0.0

    tree = mergetree.merge_tree(features)

    assert 2 in tree.pairs[0]
    assert tree.heights[0] == 0.0
    assert np.isfinite(tree.heights).all()


@pytest.mark.parametrize("held", [[5.0, 0.0, 0.0], [0.0, 0.0, 5.0], [5.0, 1e-17, 0.0]])
def test_an_empty_state_may_have_codes_of_its_own(held: list[float]) -> None:
    """Codes and durations that no other state has: it still joins for nothing."""
    own, frames = np.eye(3), np.array(held)

    tree = mergetree.merge_tree(Features(own, own, frames, frames))

    np.testing.assert_allclose(tree.heights, 0.0, atol=1e-14)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_a_cut_is_that_of_scipys_linkage(seed: int) -> None:
    """The same clusters from the same rows, at every number of clusters."""
    tree = mergetree.merge_tree(some_features(seed))
    rows = mergetree.linkage(tree)

    assert hierarchy.is_valid_linkage(rows)
    for n_clusters in range(1, 7):
        found = mergetree.cut_to(tree, n_clusters=n_clusters)
        wanted = hierarchy.cut_tree(rows, n_clusters=n_clusters)[:, 0]
        both = set(zip(found.tolist(), wanted.tolist(), strict=True))
        assert len(both) == n_clusters == len(set(found.tolist()))


def test_a_cut_by_height_takes_all_merges_up_to_it() -> None:
    """None below the first, all at the last; labels by first appearance."""
    tree = mergetree.merge_tree(some_features(6))

    none = mergetree.cut(tree, height=tree.heights[0] / 2.0)
    third = mergetree.cut(tree, height=float(tree.heights[2]))
    every = mergetree.cut(tree, height=float(tree.heights[-1]))

    np.testing.assert_array_equal(none, np.arange(6))
    assert third.max() == 2
    assert third[0] == 0
    np.testing.assert_array_equal(every, 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"code": np.full((6, 4), 0.3)}, "each row of code"),
        ({"duration": np.full((5, 9), 1 / 9)}, "K rows each"),
        ({"frames": np.full(6, -1.0)}, "frames and segments"),
        ({"frames": np.full(6, np.nan)}, r"frames holds nan at \(0,\)"),
    ],
)
def test_features_that_are_none_are_refused(
    change: dict[str, Array], message: str
) -> None:
    """By name."""
    with pytest.raises(ValueError, match=message):
        mergetree.merge_tree(some_features(7)._replace(**change))


def test_a_cut_to_no_clusters_is_refused() -> None:
    """1..K is what a tree can be cut to."""
    with pytest.raises(ValueError, match=r"n_clusters is 0: 1\.\.6 is wanted"):
        mergetree.cut_to(mergetree.merge_tree(some_features(8)), n_clusters=0)
