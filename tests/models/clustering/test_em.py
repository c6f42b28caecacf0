"""Centroids and densities against closed forms, enumeration and finite differences."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture

from models.clustering.em import Fit, Prior, em, log_prior, maximum, prior_of
from models.clustering.gaussians import Gaussians
from models.clustering.gmm import GMMClusterer
from models.clustering.lloyd import lloyd
from models.clustering.points import Points, points
from models.clustering.wanted import Covariance
from models.logspace import logsumexp
from models.shapes import Array, IntArray
from tests.models.clustering.blobs import Strategy, blobs, gmm, k_means

BOTH: tuple[Covariance, ...] = ("diagonal", "full")
EITHER = pytest.mark.parametrize("covariance", BOTH)


def best_spread(x: Array, weights: Array, k: int) -> float:
    """Give the least spread of all k^U ways to part the rows."""
    least = np.inf
    for way in product(range(k), repeat=len(x)):
        spread = 0.0
        for group in set(way):
            mine = np.array(way) == group
            mean = np.average(x[mine], axis=0, weights=weights[mine])
            spread += float(weights[mine] @ np.square(x[mine] - mean).sum(axis=1))
        least = min(least, spread)
    return least


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_k_means_finds_about_the_best_of_all_partitions(k: int, seed: int) -> None:
    """Or comes within a twentieth, as rounds may end in a lesser one; never below.

    Every partition of seven rows is tried beside it.
    """
    rng = np.random.default_rng(seed)
    x, weights = rng.normal(size=(7, 2)), rng.uniform(0.5, 3.0, size=7)

    found = lloyd(points(x, weights), k, rng, starts=40, rounds=50)

    best = best_spread(x, weights, k)
    assert best * (1 - 1e-12) <= found.spread <= 1.05 * best


def test_a_centroid_is_the_mean_of_what_is_nearest_to_it() -> None:
    """The two conditions under which the rounds end."""
    rng = np.random.default_rng(0)
    rows = points(rng.normal(size=(500, 3)) + 1e6, rng.uniform(size=500))

    found = lloyd(rows, 6, rng, starts=2, rounds=300)

    assert found.settled
    away = np.square(rows.rows[:, None] - found.model.means).sum(axis=2)
    assert (away.argmin(axis=1) == found.group).all()
    for group in range(6):
        mine = found.group == group
        mean = np.average(rows.rows[mine], axis=0, weights=rows.weights[mine])
        # Rows near 1e6 have 1e-10 in their last digit.
        np.testing.assert_allclose(found.model.means[group], mean, atol=1e-8)


@pytest.mark.parametrize("fit", [k_means, gmm])
def test_no_centroid_is_left_without_rows(fit: Strategy) -> None:
    """Rows so near each other that seeds coincide make fewer groups, and no warning."""
    near = 1.0 + 1e-16 * np.arange(8)[:, None] * np.ones(2)
    rows = np.vstack([near, [[5.0, 5.0], [9.0, 9.0]]])

    found = fit(rows, k=10)

    names = found.model.names.tolist()
    assert names == list(range(len(set(found.labels.tolist()))))
    assert np.isfinite(found.model.means).all()
    assert (found.predict(rows) == found.labels).all()


def fitted(
    covariance: Covariance, k: int = 3, rounds: int = 2000
) -> tuple[Points, Fit]:
    """Fit overlapping groups with unequal weights, for long."""
    rng = np.random.default_rng(4)
    rows, _ = blobs([60, 40, 30], n_dims=3, seed=4, apart=3.0)
    given = points(rows, rng.uniform(0.5, 2.0, size=len(rows)))
    start = rng.integers(k, size=len(given.rows))
    return given, em(given, start, k, covariance, rounds=rounds)


@EITHER
def test_the_objective_never_falls(covariance: Covariance) -> None:
    """Each round makes data and parameters more probable, but for rounding."""
    _, fit = fitted(covariance)

    steps = np.diff(fit.objective)

    assert len(steps) >= 2
    assert (steps > -1e-9 * abs(fit.objective[-1])).all()


@EITHER
def test_densities_are_those_of_another_library(covariance: Covariance) -> None:
    """Log w + log N(x; m, S), component by component."""
    given, fit = fitted(covariance)
    model = fit.model
    full = [np.diag(c) if c.ndim == 1 else c for c in model.covariances]

    wanted = np.stack(
        [
            np.log(w) + stats.multivariate_normal(m, c).logpdf(given.rows)
            for w, m, c in zip(model.weights, model.means, full, strict=True)
        ],
        axis=1,
    )

    np.testing.assert_allclose(model.scores(given.rows), wanted, rtol=1e-9, atol=1e-9)


@EITHER
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_round_without_a_prior_is_that_of_scikit_learn(
    covariance: Covariance,
) -> None:
    """E and M from the same parameters: likelihood, weights, means and covariances."""
    _, fit = fitted(covariance, rounds=3)
    rows, model = blobs([60, 40, 30], n_dims=3, seed=5, apart=3.0)[0], fit.model
    peer = GaussianMixture(
        3,
        covariance_type="diag" if covariance == "diagonal" else "full",
        max_iter=1,
        reg_covar=0.0,
        weights_init=model.weights,
        means_init=model.means,
        precisions_init=1 / model.covariances
        if covariance == "diagonal"
        else np.linalg.inv(model.covariances),
    ).fit(rows)
    given = points(rows, None)
    flat = Prior(-2.0 if covariance == "diagonal" else -4.0, np.zeros(()))

    after = maximum(given, model.posterior(given.rows), flat, covariance)

    log_lik = logsumexp(model.scores(given.rows)).mean()
    assert log_lik == pytest.approx(peer.lower_bound_, rel=1e-12)
    for found, wanted in (
        (after.weights, peer.weights_),
        (after.means, peer.means_),
        (after.covariances, peer.covariances_),
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


@EITHER
def test_units_of_measure_do_not_change_a_density(covariance: Covariance) -> None:
    """A column in metres beside one in hundred thousandths of them."""
    rows, group = blobs([60, 50], n_dims=3, apart=4.0)
    units = np.array([1.0, 1e5, 1.0])

    # The order of distinct rows is that of their bytes, so groups are placed anew.
    plain, scaled = (points(x, None) for x in (rows, rows * units))
    one, other = (
        em(p, _placed(p, group), 2, covariance, rounds=30).model
        for p in (plain, scaled)
    )

    np.testing.assert_allclose(other.means, one.means * units, rtol=1e-6)
    np.testing.assert_allclose(other.weights, one.weights, rtol=1e-6)


def _placed(given: Points, group: IntArray) -> IntArray:
    """Give the group of each distinct row."""
    placed = np.empty_like(group)
    placed[given.place] = group
    return placed


@pytest.mark.parametrize("total", [200.0, 1e8])
def test_rows_that_lie_in_a_plane_make_a_density(total: float) -> None:
    """A line in five dimensions, however much it weighs."""
    rng = np.random.default_rng(0)
    rows = np.outer(rng.normal(size=200), rng.normal(size=5))

    found = GMMClusterer(max_clusters=2).fit(
        rows, sample_weight=np.full(200, total / 200)
    )

    assert np.isfinite(found.model.means).all()


@EITHER
def test_one_component_is_the_closed_form(covariance: Covariance) -> None:
    """The weighted mean, and (scale + scatter) / (n + nu + F + 1)."""
    given, fit = fitted(covariance, k=1)
    w, x = given.weights, given.rows
    mean = np.average(x, axis=0, weights=w)
    scatter = ((x - mean).T * w) @ (x - mean)
    prior = prior_of(given, 1, covariance)

    n, n_dims = w.sum(), x.shape[1]
    wanted = (
        (prior.scale + np.diag(scatter)) / (n + 3 + 2)
        if covariance == "diagonal"
        else (prior.scale + scatter) / (n + (n_dims + 2) + n_dims + 1)
    )
    np.testing.assert_allclose(fit.model.means[0], mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(fit.model.covariances[0], wanted, rtol=1e-10)


def objective(given: Points, model: Gaussians, covariance: Covariance) -> float:
    """Give the log of likelihood times prior."""
    log_lik = float(given.weights @ logsumexp(model.scores(given.rows)))
    return log_lik + log_prior(model, prior_of(given, 3, covariance))


@EITHER
def test_a_fit_is_where_the_objective_is_flat(covariance: Covariance) -> None:
    """Finite differences in means and variances vanish, and every step leads down."""
    given, fit = fitted(covariance)
    model, step = fit.model, 1e-3
    top = objective(given, model, covariance)

    for k, f in product(range(3), range(3)):
        means, covariances = np.zeros_like(model.means), model.covariances * 0
        means[k, f] = step
        covariances[(k, f) if covariance == "diagonal" else (k, f, f)] = step
        for dm, dc in ((means, 0 * covariances), (0 * means, covariances)):
            up, down = (
                objective(given, _moved(model, s * dm, s * dc), covariance) - top
                for s in (1, -1)
            )
            # EM stopped within 1e-4 of the top for each unit of weight; the slope left
            # is far below the curvature that a wrong equation would not have.
            assert abs(up - down) / (2 * step) < 0.02 * given.total
            assert up + down < 0


def _moved(model: Gaussians, means: Array, covariances: Array) -> Gaussians:
    """Give the model a step away."""
    return Gaussians(
        model.names,
        model.weights,
        model.means + means,
        model.covariances + covariances,
        model.origin,
    )


def test_bic_finds_how_many_there_are_and_of_what_shape() -> None:
    """Four long, leaning groups: full covariances, and four of them."""
    rng = np.random.default_rng(0)
    lean = np.array([[2.0, 1.6], [0.0, 0.6]])
    rows = np.vstack([rng.normal(size=(150, 2)) @ lean + [0, 6 * g] for g in range(4)])

    audit = GMMClusterer(max_clusters=7).fit(rows).audit

    assert (audit["k"], audit["covariance"]) == (4, "full")
    table = audit["bic"]
    assert isinstance(table, list)
    assert [(row["k"], row["covariance"]) for row in table] == list(
        product(range(1, 8), BOTH)
    )
    assert min(row["bic"] for row in table) == table[7]["bic"]


@pytest.mark.parametrize(
    ("covariance", "k", "parameters"),
    [("diagonal", 1, 6), ("full", 1, 9), ("diagonal", 4, 27), ("full", 4, 39)],
)
def test_bic_is_that_of_its_equation(
    covariance: Covariance, k: int, parameters: int
) -> None:
    """-2 log likelihood + p log n: k - 1 weights, 3 k means, 3 k or 6 k variances."""
    given, fit = fitted(covariance, k)

    log_lik = float(given.weights @ logsumexp(fit.model.scores(given.rows)))

    wanted = -2.0 * log_lik + parameters * np.log(given.weights.sum())
    assert fit.bic(given.total) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_bic_finds_one_where_there_is_one(seed: int) -> None:
    """No structure is seen in a single normal cloud."""
    rows = np.random.default_rng(seed).normal(size=(400, 3))

    assert GMMClusterer(max_clusters=4).fit(rows).audit["k"] == 1


@EITHER
def test_one_code_that_came_often_makes_no_density_without_end(
    covariance: Covariance,
) -> None:
    """No variance is below what the prior alone would leave to all of the weight."""
    grid = np.array([(a, b) for a in range(8) for b in range(6)], float)
    weight = np.ones(48)
    weight[20] = 1000.0
    given = points(grid, weight)
    prior = prior_of(given, 5, covariance)

    model = em(given, np.arange(48) % 5, 5, covariance, rounds=500).model

    full = [np.diag(c) if c.ndim == 1 else c for c in model.covariances]
    scale = np.diag(prior.scale) if covariance == "diagonal" else prior.scale
    floor = np.linalg.eigvalsh(scale).min() / (given.total + 4 + 3)
    assert np.linalg.eigvalsh(np.array(full)).min() >= floor * (1 - 1e-9)


def test_a_row_goes_by_its_posterior_and_not_to_the_nearest_mean() -> None:
    """A narrow group beside a wide one: at 3 the narrow mean is nearer, and wrong."""
    rng = np.random.default_rng(0)
    narrow, wide = rng.normal(0, 0.3, (500, 1)), rng.normal(8, 3.0, (500, 1))
    found = GMMClusterer().fit(np.vstack([narrow, wide]), 2)
    model = found.model
    assert isinstance(model, Gaussians)
    row = np.array([[3.0]])

    by_mean = model.names[np.abs(model.means[:, 0] - 3.0).argmin()]
    by_posterior = model.names[model.posterior(row).argmax()]

    assert found.predict(row)[0] == by_posterior
    assert by_mean != by_posterior
    assert model.posterior(row).sum() == pytest.approx(1.0, abs=1e-12)


def test_users_of_the_old_names_find_them() -> None:
    """With the arguments that they know, by their names."""
    features, previous = blobs([30, 30, 30, 30])

    labels = GMMClusterer(random_state=42).fit_predict(
        features, k=4, prior_labels=previous
    )

    assert (labels == previous).all()


@pytest.mark.parametrize("k", [1, 4])
def test_the_prior_shares_the_space_of_the_rows_evenly(k: int) -> None:
    """S / k^(2 / F): k such volumes fill that of all rows; a full one has a ridge."""
    rows, _ = blobs([60, 40], n_dims=3)
    given = points(rows, None)
    spread = np.cov(rows.T, bias=True)

    diagonal, full = (prior_of(given, k, covariance).scale for covariance in BOTH)

    np.testing.assert_allclose(diagonal, np.diag(spread) / k ** (2 / 3), rtol=1e-12)
    wanted = spread * (1 + 1e-4 * np.eye(3)) / k ** (2 / 3)
    np.testing.assert_allclose(full, wanted, rtol=1e-12, atol=1e-12)
