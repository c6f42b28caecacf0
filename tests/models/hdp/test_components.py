"""Conjugate families against the chain rule, other libraries' densities and draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from models.chance import stream
from models.hdp import components
from models.hdp.components import Categorical, Diagonal, Family
from models.hdp.gaussian import Gaussian
from models.shapes import Array
from tests.models.hdp.joint import FAR, off

CENTRE = np.array([0.3, -0.2])
DIAGONAL = Diagonal(CENTRE, np.array([0.8, 1.7]), shape=1.6, trust=0.4)
GAUSSIAN = Gaussian(CENTRE, np.array([[1.2, 0.4], [0.4, 0.9]]), freedom=3.5, trust=0.4)
FAMILIES: dict[str, Family] = {
    "categorical": Categorical(0.7),
    "diagonal": DIAGONAL,
    "gaussian": GAUSSIAN,
}


def some_points(name: str, n_points: int, seed: int = 0) -> Array:
    """Counts for the categorical family, plain numbers for the others."""
    rng = stream(seed, "points")
    if name == "categorical":
        return rng.integers(0, 4, size=(n_points, 3)).astype(np.float64)
    points: Array = rng.normal(size=(n_points, 2)) * np.array([1.0, 3.0]) + 1.0
    return points


@pytest.mark.parametrize("name", FAMILIES)
def test_evidence_is_the_product_of_predictions(name: str) -> None:
    """p(x_1) p(x_2 | x_1) ..: the chain rule, point by point."""
    family, points = FAMILIES[name], some_points(name, 6)
    statistics = family.statistics(points)

    whole = family.log_evidence(statistics.sum(axis=0, keepdims=True))[0]

    steps = [
        family.log_predictive(points[b : b + 1], statistics[None, :b].sum(axis=1))[0, 0]
        for b in range(len(points))
    ]
    assert whole == pytest.approx(sum(steps), abs=1e-10)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_prediction_is_the_mean_of_drawn_densities(name: str) -> None:
    """Parameters drawn given the cluster, densities averaged: to five errors."""
    family, points = FAMILIES[name], some_points(name, 5)
    summed = family.statistics(points).sum(axis=0, keepdims=True)
    many = np.repeat(summed, 20_000, axis=0)

    drawn = np.exp(family.log_drawn(points[:2], many, stream(1, name)))

    wanted = np.exp(family.log_predictive(points[:2], summed))[:, 0]
    assert (np.abs(off(drawn.T, wanted)) < FAR).all()


def test_the_full_gaussian_predicts_by_students_t() -> None:
    """Before any point: t of freedom - F + 1 degrees, from another library."""
    points = some_points("gaussian", 4)
    degrees = GAUSSIAN.freedom - 1.0
    scale = GAUSSIAN.scatter * (GAUSSIAN.trust + 1.0) / (GAUSSIAN.trust * degrees)

    found = GAUSSIAN.log_predictive(points, np.zeros((1, 7)))[:, 0]

    wanted = stats.multivariate_t(CENTRE, scale, df=degrees).logpdf(points)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_the_diagonal_gaussian_predicts_by_students_t() -> None:
    """A t of 2 shape degrees in each feature, from another library."""
    points = some_points("diagonal", 4)
    scale = np.sqrt(DIAGONAL.rate / DIAGONAL.shape * (1.0 + 1.0 / DIAGONAL.trust))

    found = DIAGONAL.log_predictive(points, np.zeros((1, 5)))[:, 0]

    each = stats.t(2.0 * DIAGONAL.shape, CENTRE, scale).logpdf(points)
    np.testing.assert_allclose(found, each.sum(axis=1), rtol=1e-12)


def test_counts_predict_by_polyas_urn() -> None:
    """Code 1 after codes 1, 1, 0: (0.7 + 2) / (2.1 + 3)."""
    seen = np.array([[1.0, 2.0, 0.0]])

    found = FAMILIES["categorical"].log_predictive(np.array([[0.0, 1.0, 0.0]]), seen)

    assert found[0, 0] == pytest.approx(np.log(2.7 / 5.1))


def test_statistics_are_added_by_label() -> None:
    """A cluster without points has none."""
    added = components.add_up(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([2, 2]), 3)

    np.testing.assert_array_equal(added, [[0, 0], [0, 0], [4, 6]])


@pytest.mark.parametrize("name", ["diagonal", "gaussian"])
def test_far_from_zero_nothing_cancels(name: str) -> None:
    """Points and centre moved by 1e6: the evidence stays, to what 1e6 leaves of it."""
    family, points = FAMILIES[name], some_points(name, 6)
    moved = family._replace(centre=CENTRE + 1e6)  # type: ignore[attr-defined]

    near = family.log_evidence(family.statistics(points).sum(axis=0, keepdims=True))
    far = moved.log_evidence(moved.statistics(points + 1e6).sum(axis=0, keepdims=True))

    np.testing.assert_allclose(far, near, rtol=1e-8)


def test_a_scatter_that_is_lost_in_rounding_is_told() -> None:
    """Squares of 1e12 hold no spread of 1e-8: a centre among the points does."""
    points = 1e6 + 1e-4 * some_points("gaussian", 1_000)
    prior = Gaussian(CENTRE, 1e-8 * np.eye(2), freedom=5.0)
    # Rounding is as often up as down: one of a hundred clusters is surely lost.
    clusters = prior.statistics(points).reshape(100, 10, -1).sum(axis=1)

    with pytest.raises(ValueError, match="points lie too far from the prior's centre"):
        prior.log_evidence(clusters)


@pytest.mark.parametrize(
    ("family", "points", "message"),
    [
        (Categorical(0.0), np.ones((1, 2), dtype=int), "strength is 0.0"),
        (Categorical(), np.array([[1, -1]]), r"points holds -1 at \(0, 1\)"),
        (Categorical(), np.array([[0.5]]), "points is of type float64"),
        (Categorical(), np.ones((2, 0), dtype=int), "number of codes is 0"),
        (DIAGONAL, np.array([[np.nan, 0.0]]), r"points holds nan at \(0, 0\)"),
        (DIAGONAL, np.zeros((1, 3)), "the prior has 2 features"),
        (DIAGONAL, np.zeros(2), r"\(B, F\) is wanted"),
        (DIAGONAL._replace(rate=np.array([1.0, 0.0])), np.zeros((1, 2)), "rate"),
        (GAUSSIAN, np.zeros((1, 3)), "the prior has 2 features"),
        (GAUSSIAN._replace(freedom=1.0), np.zeros((1, 2)), "freedom is 1.0"),
        (GAUSSIAN._replace(scatter=-np.eye(2)), np.zeros((1, 2)), "scatter"),
    ],
)
def test_what_a_family_cannot_hold_is_refused(
    family: Family, points: Array, message: str
) -> None:
    """Points and priors alike, by name."""
    with pytest.raises(ValueError, match=message):
        family.checked(points)
