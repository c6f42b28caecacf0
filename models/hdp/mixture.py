"""A Dirichlet-process mixture of points: the weak limit, with splits and merges.

    concentration ~ Gamma        weights ~ Dirichlet(concentration / L, .., )
    label_b ~ weights            point_b ~ family, parameters of label_b

A sweep draws weights and parameters and then all labels at once; then tries to split
and merge clusters, weights and parameters integrated out; then the concentration.
Labels alone would need as many sweeps to merge two halves of a large cluster as it has
points; a merge is one step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import components, concentrations, doors, estimate, splitmerge
from models.hdp.concentrations import GammaPrior
from models.hsmm.draws import draw_rows
from models.logspace import log_dirichlet_draw

if TYPE_CHECKING:
    from models.hdp.components import Family
    from models.shapes import Array, IntArray


class MixturePrior(NamedTuple):
    """family: of one cluster; n_components: L, well above the clusters expected.

    n_moves: splits or merges tried in a sweep. With 5, every third chain of 40 sweeps
    still had one of three clear clusters in pieces; with 20, one chain of 56.
    """

    family: Family
    n_components: int = 20
    concentration: GammaPrior = GammaPrior(1.0, 1.0)
    n_moves: int = 20


class Mixture(NamedTuple):
    """One draw: labels (B,) in 0..L-1, and the concentration."""

    labels: IntArray
    concentration: float


class MixtureFit(NamedTuple):
    """What a run of sweeps found.

    labels (B,): the point clustering, largest cluster first, from 0 on
    samples (S, B): the clusterings it stands for, by names of their own
    concentrations (S,); n_clusters (S,): of each sample
    summed (J, Q): statistics of its J clusters, for `assign`
    """

    labels: IntArray
    samples: IntArray
    concentrations: Array
    n_clusters: IntArray
    summed: Array


def fit(
    points: Array,
    prior: MixturePrior,
    *,
    sweeps: int,
    rng: np.random.Generator,
) -> MixtureFit:
    """Sweep over points (B, F) and sum up the later half of the sweeps.

    Begins with all points in one cluster. A sweep costs B L F (for full Gaussians F
    times more), and each move 6 B F.
    """
    points = _checked(points, prior)
    doors.at_least_one(sweeps, "sweeps")
    mixture = Mixture(np.zeros(len(points), dtype=np.int64), 1.0)
    kept = []
    for done in range(sweeps):
        mixture = sweep(points, prior, mixture, rng)
        if done >= sweeps // 2:
            kept.append(mixture)
    samples = np.stack([one.labels for one in kept])
    labels = estimate.point(samples).labels
    statistics = prior.family.statistics(points)
    return MixtureFit(
        labels=labels,
        samples=samples,
        concentrations=np.array([one.concentration for one in kept]),
        n_clusters=np.array([len(np.unique(row)) for row in samples]),
        summed=components.add_up(statistics, labels, int(labels.max()) + 1),
    )


def assign(points: Array, prior: MixturePrior, found: MixtureFit) -> IntArray:
    """Give new points (B, F) to the likeliest cluster of the fit: (B,).

    Weighs clusters by size and predicts with their parameters integrated out. Points
    far from all clusters still get the least unlikely one.
    """
    points = prior.family.checked(points)
    sizes = np.bincount(found.labels, minlength=len(found.summed))
    log_p = prior.family.log_predictive(points, found.summed) + np.log(sizes)
    likeliest: IntArray = log_p.argmax(axis=1)
    return likeliest


def _checked(points: Array, prior: MixturePrior) -> Array:
    doors.at_least_one(prior.n_components, "n_components")
    prior.concentration.checked("concentration")
    points = prior.family.checked(points)
    doors.at_least_one(len(points), "the number of points")
    return points


def sweep(
    points: Array, prior: MixturePrior, mixture: Mixture, rng: np.random.Generator
) -> Mixture:
    """Draw labels, try moves, and draw the concentration, given points (B, F)."""
    statistics = prior.family.statistics(points)
    labels = _draw_labels(points, statistics, prior, mixture, rng)
    labels = splitmerge.moved(
        splitmerge.Cloud(points, statistics, prior.family),
        labels,
        splitmerge.Restaurant(prior.n_components, mixture.concentration),
        prior.n_moves,
        rng,
    )
    sizes = np.bincount(labels, minlength=prior.n_components)
    fresh = concentrations.of_shares(
        mixture.concentration, sizes, prior.concentration, rng
    )
    return Mixture(labels, fresh)


def _draw_labels(
    points: Array,
    statistics: Array,
    prior: MixturePrior,
    mixture: Mixture,
    rng: np.random.Generator,
) -> IntArray:
    """Draw weights and parameters given labels, then labels given both."""
    n_components = prior.n_components
    sizes = np.bincount(mixture.labels, minlength=n_components)
    shape: Array = mixture.concentration / n_components + sizes.astype(np.float64)
    log_weights = log_dirichlet_draw(shape, rng)
    summed = components.add_up(statistics, mixture.labels, n_components)
    log_p = log_weights + prior.family.log_drawn(points, summed, rng)
    return draw_rows(log_p, rng)
