"""Small clusters are merged whole: name, weight, mean and covariance alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.clustering.centroids import Centroids
from models.clustering.gaussians import Gaussians
from models.clustering.points import points
from models.clustering.support import supported
from models.shapes import Array


def centroids(means: list[list[float]], weights: list[float]) -> Centroids:
    """Give centroids named 0, 1, ..."""
    array = np.array(means, float)
    share = np.array(weights) / np.sum(weights)
    return Centroids(np.arange(len(array)), share, array, np.zeros(array.shape[1]))


def gaussians(seed: int, k: int, n_dims: int, *, is_full: bool) -> Gaussians:
    """Give densities drawn at random."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(k, n_dims, n_dims))
    covariances = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(n_dims)
    if not is_full:
        covariances = np.diagonal(covariances, axis1=1, axis2=2).copy()
    means = 3.0 * rng.normal(size=(k, n_dims))
    weights = rng.dirichlet(np.ones(k))
    return Gaussians(np.arange(k), weights, means, covariances, np.zeros(n_dims))


def second_moment(model: Gaussians) -> Array:
    """Give E[x x^T] of a mixture (F, F), or its diagonal (F,)."""
    squares = model.means[:, :, None] * model.means[:, None, :]
    if model.is_diagonal:
        squares = np.diagonal(squares, axis1=1, axis2=2)
    moment: Array = np.tensordot(model.weights, squares + model.covariances, 1)
    return moment


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    k=st.integers(2, 5),
    n_dims=st.integers(1, 4),
    is_full=st.booleans(),
    data=st.data(),
)
def test_merging_conserves_weight_mean_and_second_moment(
    seed: int, k: int, n_dims: int, *, is_full: bool, data: st.DataObject
) -> None:
    """Whichever two are merged, the mixture as a whole stays where and as wide."""
    model = gaussians(seed, k, n_dims, is_full=is_full)
    i, into = data.draw(st.permutations(range(k)))[:2]

    merged = model.merged(i, into)

    assert merged.weights.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(
        merged.weights @ merged.means, model.weights @ model.means, atol=1e-10
    )
    np.testing.assert_allclose(second_moment(merged), second_moment(model), atol=1e-9)


def test_merging_takes_the_name_the_weight_and_the_mean_together() -> None:
    """One row of every array goes, and the other row holds both."""
    model = centroids([[0.0], [4.0], [10.0]], [1.0, 3.0, 4.0])

    merged = model.merged(0, 1)

    assert merged.names.tolist() == [1, 2]
    np.testing.assert_allclose(merged.weights, [0.5, 0.5])
    np.testing.assert_allclose(merged.means, [[3.0], [10.0]])


def test_a_small_cluster_goes_to_the_nearest_of_the_current_centres() -> None:
    """After a first merge has moved a centre, that is where it is measured from.

    The one at 0 joins that at 8, which moves to 6. The one at 14 is then nearer to 21
    than to 6; by the old centres it would have gone to 8.
    """
    rows = np.repeat([0.0, 8.0, 14.0, 21.0], [20, 60, 30, 90])[:, None]
    model = centroids([[0.0], [8.0], [14.0], [21.0]], [20, 60, 30, 90])

    found = supported(model, points(rows, None), merge_below=0.2, drop_below=0.0)

    steps = [(d.did, d.cluster, d.into) for d in found.decisions]
    assert steps == [("merge", 0, 1), ("merge", 2, 3)]
    assert [d.cost for d in found.decisions] == pytest.approx([64.0, 49.0])
    np.testing.assert_allclose(found.model.means, [[6.0], [19.25]])


def test_rows_of_a_dropped_cluster_go_to_what_explains_them_best() -> None:
    """No centre is drawn towards them, and the account says where they went."""
    rows = np.repeat([0.0, 5.0, 6.0, 20.0], [500, 1, 1, 998])[:, None]
    model = centroids([[0.0], [5.5], [20.0]], [500, 2, 998])

    found = supported(model, points(rows, None), merge_below=0.01, drop_below=0.01)

    assert [(d.did, d.cluster) for d in found.decisions] == [("drop", 1)]
    assert found.decisions[0].moved == pytest.approx({0: 2 / 1500})
    np.testing.assert_array_equal(found.model.means, [[0.0], [20.0]])
    assert found.after == pytest.approx({0: 502 / 1500, 2: 998 / 1500})


def test_a_cluster_without_rows_is_dropped_even_when_nothing_else_is() -> None:
    """A share of zero is no support, whatever is asked."""
    model = centroids([[0.0], [50.0]], [1.0, 1.0])

    found = supported(model, points([[0.0], [1.0]], None), merge_below=0, drop_below=0)

    assert found.model.names.tolist() == [0]


def test_the_last_cluster_stays() -> None:
    """However large a share is asked for."""
    model = centroids([[0.0], [5.0], [9.0]], [1.0, 1.0, 1.0])

    found = supported(model, points([[0.0], [5.0], [9.0]], None), merge_below=1.0,
                      drop_below=0.5)  # fmt: skip

    assert len(found.model.names) == 1
    assert sum(found.after.values()) == pytest.approx(1.0)


def test_the_cost_of_a_merge_is_that_of_its_equation() -> None:
    """Two unit densities of weight 1/2 at a distance a: log(1 + a^2 / 4) / 2."""
    one = np.ones((2, 1))
    model = Gaussians(
        np.arange(2), np.array([0.5, 0.5]), np.array([[0.0], [3.0]]), one, np.zeros(1)
    )

    assert model.costs(0)[1] == pytest.approx(0.5 * np.log(1 + 9 / 4))
    assert model.costs(1)[0] == pytest.approx(model.costs(0)[1])


@pytest.mark.parametrize("is_full", [False, True])
def test_the_cost_of_a_merge_is_that_of_the_moments(*, is_full: bool) -> None:
    """It is w log |S| / 2 of both as one, less that of each, by E[x x^T] - m m^T."""
    model = gaussians(3, 4, 3, is_full=is_full)

    costs = model.costs(1)

    for j in (0, 2, 3):
        pair = model.taken(np.array([1, j]))
        mean = pair.weights @ pair.means
        moment = second_moment(pair)
        s = moment - (np.outer(mean, mean) if is_full else np.square(mean))
        volumes = [
            np.linalg.slogdet(c if is_full else np.diag(c))[1]
            for c in (s, *pair.covariances)
        ]
        w = model.weights[[1, j]]
        wanted = 0.5 * (w.sum() * volumes[0] - w @ volumes[1:])
        assert costs[j] == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    ("merge_below", "drop_below", "wanted"),
    [
        (0.01, 0.01, []),
        (0.01, 0.0, []),
        (0.02, 0.01, ["merge"]),
        (0.02, 0.02, ["drop"]),
    ],
)
def test_a_cluster_with_just_enough_is_left_alone(
    merge_below: float, drop_below: float, wanted: list[str]
) -> None:
    """Below is below: one row of a hundred has a share of 0.01, and not less."""
    rows = points(np.repeat([0.0, 50.0], [1, 99])[:, None], None)
    model = centroids([[0.0], [50.0]], [1, 99])

    found = supported(model, rows, merge_below=merge_below, drop_below=drop_below)

    assert [d.did for d in found.decisions] == wanted
