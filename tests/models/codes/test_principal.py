"""Vectors seen from where they spread most, and which go together."""

from __future__ import annotations

import numpy as np
import pytest

from models.codes.order import order
from models.codes.principal import enough, principal
from models.codes.shape import shape


def test_the_first_component_is_where_vectors_spread_most() -> None:
    """With its share of the variance, and the sign that is always the same."""
    along = np.array([-3.0, -1.0, 1.0, 3.0])
    vectors = np.outer(along, [-0.6, 0.8]) + 5.0

    found = principal(vectors)

    assert found.explained == pytest.approx([1.0, 0.0])
    assert found.places[:, 0] == pytest.approx(along)


def test_vectors_of_no_weight_move_nothing() -> None:
    """A dead code far away has a place, and the others keep theirs."""
    vectors = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 0.5], [900.0, 900.0]])
    weights = np.array([4, 4, 4, 0])

    with_it = principal(vectors, weights)

    assert with_it.explained == pytest.approx(principal(vectors[:3]).explained)
    assert with_it.places[:3] == pytest.approx(principal(vectors[:3]).places)


def test_so_many_components_as_it_takes() -> None:
    """One at least, and no more than is allowed."""
    explained = np.array([0.5, 0.3, 0.15, 0.05])

    assert [enough(explained, share, 3) for share in (0.1, 0.75, 1.0)] == [1, 2, 3]


def test_what_follows_each_other_stands_side_by_side() -> None:
    """Two blocks, dealt out in turns, come together again."""
    block = np.arange(8) % 2
    between = np.where(block[:, None] == block, 10.0, 0.1)

    assert np.count_nonzero(np.diff(block[order(between)])) == 1


def test_groups_stay_together_in_the_order_of_their_numbers() -> None:
    """Whatever follows what."""
    group = np.array([2, 0, 1, 2, 0])

    found = order(np.ones((5, 5)), group)

    assert group[found].tolist() == [0, 0, 1, 2, 2]


def test_clusters_of_codes_are_found_again() -> None:
    """Three heaps of vectors, far apart, are three clusters for both ways."""
    rng = np.random.default_rng(0)
    heap = np.repeat([0, 1, 2], 30)
    vectors = 20.0 * np.eye(3)[heap] @ rng.normal(size=(3, 8)) + rng.normal(
        size=(90, 8)
    )

    found = shape(vectors)

    assert len({*zip(heap, found.groups.of_code, strict=True)}) == 3
    assert found.groups.agreement == 1.0
    assert np.isfinite(found.nearest).all()
