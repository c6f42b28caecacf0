"""Labels stay with their clusters from one fit to the next."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.clustering.matching import Matching, match
from tests.models.clustering.blobs import STRATEGIES, blobs


def matched(index: list[int], prior: list[int], next_label: int = 0) -> Matching:
    """Match with every row counting once."""
    ones = np.ones(len(index))
    return match(np.array(index), max(index) + 1, np.array(prior), ones, next_label)


@given(st.integers(1, 7).flatmap(lambda k: st.permutations(range(k))), st.data())
def test_any_permutation_is_recovered(order: list[int], data: st.DataObject) -> None:
    """The same groups under other numbers get their old names back."""
    k = len(order)
    rest = data.draw(st.lists(st.integers(0, k - 1), max_size=30))
    prior = np.array([*range(k), *rest])

    found = match(np.array(order)[prior], k, prior, np.ones(len(prior)), 0)

    assert (found.names[np.array(order)[prior]] == prior).all()
    assert (found.fresh, found.vanished) == ((), ())


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)
)
def test_no_other_assignment_keeps_more(pairs: list[tuple[int, int]]) -> None:
    """Every one-to-one assignment of four to four is tried."""
    index, prior = (np.array(side) for side in zip(*pairs, strict=True))

    found = match(index, 4, prior, np.ones(len(index)), 0)

    kept = int((found.names[index] == prior).sum())
    best = max(
        int((np.array(order)[index] == prior).sum()) for order in permutations(range(4))
    )
    assert kept == best


def test_a_new_cluster_gets_a_label_that_nobody_had() -> None:
    """Above every old one, those that vanished too."""
    found = matched([0, 0, 1, 1, 2, 2], [3, 3, 3, 3, 8, 8])

    assert found.names.tolist() == [3, 9, 8]
    assert found.fresh == (9,)
    assert found.next_label == 10


def test_the_label_of_a_vanished_cluster_is_given_to_no_other() -> None:
    """Cluster 5 was split up between others; its name rests."""
    found = matched([0, 0, 0, 1, 1, 1], [4, 4, 5, 6, 6, 5])

    assert found.names.tolist() == [4, 6]
    assert found.vanished == (5,)


def test_a_cluster_that_shares_nothing_is_not_forced_on_an_old_label() -> None:
    """An assignment would pair them all; a pair without a common row is none."""
    found = matched([0, 0, 0, 1], [2, 2, 5, -1])

    assert found.names.tolist() == [2, 6]
    assert found.vanished == (5,)


def test_labels_of_long_ago_stay_out_of_use() -> None:
    """`next_label` of an earlier account carries what no row shows any more."""
    found = matched([0, 1], [0, -1], next_label=12)

    assert found.names.tolist() == [0, 12]
    assert found.next_label == 13


def test_rows_of_unknown_label_do_not_count() -> None:
    """-1 is no label that a cluster could inherit."""
    found = matched([0, 0, 0, 1], [-1, -1, 7, -1])

    assert found.names.tolist() == [7, 8]
    assert found.prior.tolist() == [7]


def test_weight_decides_and_not_the_count_of_rows() -> None:
    """One heavy row outweighs three light ones."""
    index, prior = np.array([0, 0, 0, 0]), np.array([1, 1, 1, 2])

    found = match(index, 1, prior, np.array([1.0, 1.0, 1.0, 5.0]), 0)

    assert found.names.tolist() == [2]


def test_the_account_tells_what_became_of_each_label() -> None:
    """Overlap, matched, fresh and vanished; the next free label to hand on."""
    rows, group = blobs([40, 30, 30])
    prior = np.where(group == 2, 9, 4)

    matching = STRATEGIES["k-means"](rows, prior_labels=prior).audit["matching"]

    assert matching == {
        "names": [4, 10, 9],
        "prior": [4, 9],
        "overlap": [[40.0, 0.0], [30.0, 0.0], [0.0, 30.0]],
        "matched": [4, 9],
        "fresh": [10],
        "vanished": [],
        "next_label": 11,
    }


def test_equal_rows_count_as_often_as_they_came() -> None:
    """In what two clusters share, forty equal rows are forty."""
    rows, prior = np.repeat([[0.0], [9.0]], [40, 2], axis=0), np.repeat([3, 5], [40, 2])

    matching = STRATEGIES["k-means"](rows, 2, prior_labels=prior).audit["matching"]

    assert matching["overlap"] == [[40.0, 0.0], [0.0, 2.0]]  # type: ignore[index]
