"""The mixture's sampler against the posterior over every partition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from models.chance import stream
from models.hdp import mixture, splitmerge
from models.hdp.components import Categorical, Diagonal, Family
from models.hdp.concentrations import GammaPrior
from models.hdp.gaussian import Gaussian
from models.hdp.mixture import Mixture, MixturePrior
from models.shapes import Array, IntArray
from tests.models.hdp import partitions

CENTRE = np.zeros(2)
SMALL: dict[str, tuple[Family, Array]] = {
    "categorical": (
        Categorical(0.4),
        np.array([[3.0, 0.0], [2.0, 1.0], [0.0, 2.0], [0.0, 1.0], [1.0, 0.0]]),
    ),
    "diagonal": (
        Diagonal(CENTRE, np.ones(2), shape=1.5, trust=0.2),
        np.array([[1.5, 1.0], [1.2, 0.8], [-1.5, 0.0], [-1.0, 0.3], [0.1, 0.2]]),
    ),
    "gaussian": (
        Gaussian(CENTRE, np.eye(2), freedom=3.0, trust=0.2),
        np.array([[1.5, 1.0], [1.2, 0.8], [-1.5, 0.0], [-1.0, 0.3], [0.1, 0.2]]),
    ),
}


def exact(name: str, n_components: int) -> dict[partitions.Key, float]:
    """Give the posterior of SMALL's points, over all 52 partitions."""
    family, points = SMALL[name]

    def log_marginal(cluster: Array) -> float:
        statistics = family.statistics(cluster).sum(axis=0, keepdims=True)
        return float(family.log_evidence(statistics)[0])

    return partitions.posterior(points, n_components, 1.0, 1.0, log_marginal)


def prior_of(name: str, n_components: int, n_moves: int = 1) -> MixturePrior:
    """Give the prior that `exact` knows."""
    return MixturePrior(SMALL[name][0], n_components, GammaPrior(1.0, 1.0), n_moves)


@pytest.mark.parametrize(
    ("name", "n_components"), [("categorical", 3), ("diagonal", 6), ("gaussian", 4)]
)
def test_long_run_shares_are_those_of_every_partition(
    name: str, n_components: int
) -> None:
    """52 partitions, each share within five errors, by batches of the chain."""
    points, prior, rng = SMALL[name][1], prior_of(name, n_components), stream(1, name)
    wanted = exact(name, n_components)
    place = {part: i for i, part in enumerate(wanted)}
    now, seen = Mixture(np.zeros(5, dtype=np.int64), 1.0), []

    for _ in range(2_400):
        now = mixture.sweep(points, prior, now, rng)
        seen.append(place[partitions.key(now.labels)])

    batches = np.array(seen).reshape(60, 40)
    shares = np.stack([(batches == i).mean(axis=1) for i in range(len(wanted))])
    error = shares.std(axis=1, ddof=1) / np.sqrt(60) + 1e-3
    assert (np.abs(shares.mean(axis=1) - list(wanted.values())) < 5.6 * error).all()


def test_seven_points_are_together_as_often_as_in_all_877_partitions() -> None:
    """Each pair's co-clustering probability, and that of each number of clusters."""
    family = Categorical(0.5)
    points = np.array(
        [[3, 0], [2, 1], [4, 0], [0, 2], [1, 3], [0, 3], [1, 1]], dtype=np.float64
    )

    def log_marginal(cluster: Array) -> float:
        return float(family.log_evidence(cluster.sum(axis=0, keepdims=True))[0])

    wanted = partitions.posterior(points, 4, 1.0, 1.0, log_marginal)
    prior, rng = MixturePrior(family, 4, n_moves=1), stream(9, "seven")
    now, seen = Mixture(np.zeros(7, dtype=np.int64), 1.0), []
    for _ in range(2_400):
        now = mixture.sweep(points, prior, now, rng)
        seen.append(told(now.labels))

    exact_mean = np.sum([p * told(np.array(part)) for part, p in wanted.items()], 0)
    batches = np.array(seen).reshape(60, 40, -1).mean(axis=1)
    error = batches.std(axis=0, ddof=1) / np.sqrt(60) + 1e-3
    # Bell's number: the oracle leaves none out and has none twice.
    assert len(set(partitions.partitions(7))) == 877
    assert (np.abs(batches.mean(axis=0) - exact_mean) < 5.6 * error).all()


def told(labels: IntArray) -> Array:
    """Give which pairs are together, and which number of clusters there is."""
    together = (labels[:, None] == labels)[np.triu_indices(len(labels), 1)]
    number = np.arange(1, 5) == len(np.unique(labels))
    return np.concatenate([together, number]).astype(np.float64)


@pytest.mark.parametrize("name", SMALL)
def test_a_move_alone_leaves_the_posterior_in_place(name: str) -> None:
    """Exact partitions, given the concentration, moved once: chi-square."""
    family, points = SMALL[name]
    rng, restaurant = stream(2, name), splitmerge.Restaurant(4, 1.3)
    cloud = splitmerge.Cloud(points, family.statistics(points), family)
    keys = list(partitions.partitions(5))
    log_p = [
        float(partitions.log_prior(part, 4, np.array([1.3]))[0])
        + family.log_evidence(
            np.stack(
                [
                    cloud.statistics[np.array(part) == k].sum(axis=0)
                    for k in range(max(part) + 1)
                ]
            )
        ).sum()
        for part in keys
    ]
    p = np.exp(np.array(log_p) - max(log_p))
    p /= p.sum()
    start = rng.choice(len(keys), size=2_500, p=p)

    ends = [
        splitmerge.moved(cloud, np.array(keys[s]), restaurant, 1, rng) for s in start
    ]

    place = {part: i for i, part in enumerate(keys)}
    seen = np.bincount([place[partitions.key(e)] for e in ends], minlength=len(keys))
    common = p * len(ends) > 5.0
    counts = np.append(seen[common], seen[~common].sum())
    expected = np.append(p[common], p[~common].sum()) * len(ends)
    assert stats.chisquare(counts, expected).pvalue > 1e-6
    assert np.mean([place[partitions.key(e)] for e in ends] != start) > 0.02


def blobs(seed: int, n_each: int = 60) -> tuple[Array, IntArray]:
    """Three clusters, twelve widths apart, in random order, with their labels."""
    rng = stream(seed, "blobs")
    centres = np.array([[0.0, 0.0], [12.0, 0.0], [0.0, 12.0]])
    truth = rng.permutation(np.repeat(np.arange(3), n_each))
    return centres[truth] + rng.normal(size=(len(truth), 2)), truth


@pytest.mark.parametrize("family", [Diagonal, Gaussian])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_prior_around_the_points_finds_their_clusters(
    family: type[Diagonal | Gaussian], seed: int
) -> None:
    """In any units and from any origin, with nothing else said."""
    points, truth = blobs(seed, 30)
    points = points * np.array([1e-4, 1e5]) + np.array([5.0, -1e7])

    found = mixture.fit(
        points, MixturePrior(family.around(points, 0.05)), sweeps=30, rng=stream(1, "f")
    )

    # A point far out may be a cluster of its own; no two of the three may be one.
    table = np.zeros((int(found.labels.max()) + 1, 3))
    np.add.at(table, (found.labels, truth), 1.0)
    assert (np.sort(table.sum(axis=1))[-3:] >= 28).all()
    assert table.max(axis=1).sum() == len(truth)


@pytest.mark.parametrize("family", [Diagonal, Gaussian])
def test_a_feature_that_never_varies_has_no_scale(
    family: type[Diagonal | Gaussian],
) -> None:
    """It is named, and no prior is made."""
    with pytest.raises(ValueError, match=r"variance of points holds 0.0 at \(1,\)"):
        family.around(np.array([[1.0, 2.0], [3.0, 2.0]]))
    with pytest.raises(ValueError, match=r"variance of points holds inf at \(0,\)"):
        family.around(np.array([[1e200, 2.0], [-1e200, 3.0]]))


@pytest.mark.parametrize("full", [False, True])
def test_the_same_clusters_come_from_every_seed(full: bool) -> None:
    """Whatever the seed: names by size, and at most an outlier is set apart."""
    points, truth = blobs(3)
    few = [np.flatnonzero(truth == k)[:n] for k, n in enumerate((60, 40, 25))]
    points, truth = points[np.concatenate(few)], truth[np.concatenate(few)]
    family: Family = (
        Gaussian(points.mean(axis=0), np.eye(2), freedom=4.0, trust=0.01)
        if full
        else Diagonal(points.mean(axis=0), np.ones(2), trust=0.01)
    )
    prior = MixturePrior(family)

    found = [
        mixture.fit(points, prior, sweeps=40, rng=stream(seed, "fit")).labels
        for seed in (1, 2, 3)
    ]

    for labels in found:
        assert (labels == truth).mean() > 0.98


def test_one_seed_gives_one_answer() -> None:
    """Every number of two fits under one seed is the same."""
    points, _ = blobs(4, 10)
    prior = MixturePrior(Diagonal(points.mean(axis=0), np.ones(2)))

    one, other = (
        mixture.fit(points, prior, sweeps=6, rng=stream(5, "fit")) for _ in range(2)
    )

    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right)
    assert one.samples.shape == (3, 30)


def test_a_point_between_two_clusters_goes_to_the_larger() -> None:
    """Of two clusters that predict alike, nine points outweigh one."""
    family = Categorical(1.0)
    found = mixture.MixtureFit(
        labels=np.array([0] + [1] * 9),
        samples=np.zeros((1, 10), dtype=np.int64),
        concentrations=np.ones(1),
        n_clusters=np.array([2]),
        summed=np.ones((2, 2)),
    )

    given = mixture.assign(np.array([[1, 0]]), MixturePrior(family), found)

    np.testing.assert_array_equal(given, [1])


def test_new_points_go_to_the_cluster_they_lie_in() -> None:
    """The fit's own points get the fit's own labels: apply is fit, when apart."""
    points, _ = blobs(6)
    prior = MixturePrior(Diagonal(points.mean(axis=0), np.ones(2), trust=0.01))
    found = mixture.fit(points, prior, sweeps=30, rng=stream(6, "fit"))

    again = mixture.assign(np.asfortranarray(points), prior, found)

    np.testing.assert_array_equal(again, found.labels)


def test_one_point_is_one_cluster() -> None:
    """And nothing is split or merged."""
    prior = MixturePrior(Categorical(1.0), n_components=2)

    found = mixture.fit(np.array([[1, 0]]), prior, sweeps=3, rng=stream(7, "one"))

    np.testing.assert_array_equal(found.labels, [0])
    np.testing.assert_array_equal(found.n_clusters, 1)


@pytest.mark.parametrize(
    ("prior", "points", "message"),
    [
        (MixturePrior(Categorical(), 0), np.ones((1, 2), int), "n_components is 0"),
        (MixturePrior(Categorical()), np.ones((0, 2), int), "number of points is 0"),
        (
            MixturePrior(Categorical(), 2, GammaPrior(-1.0, 1.0)),
            np.ones((1, 2), int),
            "concentration.shape is -1.0",
        ),
    ],
)
def test_what_is_no_mixture_is_refused(
    prior: MixturePrior, points: Array, message: str
) -> None:
    """Before any sweep."""
    with pytest.raises(ValueError, match=message):
        mixture.fit(points, prior, sweeps=2, rng=stream(8, "wrong"))
