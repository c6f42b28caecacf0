"""Splits and merges of clusters, as Metropolis steps on partitions.

Two points are picked. If they are in different clusters a merge of the two is tried, if
in one cluster a split of it (Jain and Neal 2004). A split starts from the two points
alone and looks a few times at who is nearer to which side; then each other point is put
at a side by an independent coin with that probability. All but the coins is a function
of the cluster and the two points, so the chance of the reverse of a merge is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from models.hdp import components

if TYPE_CHECKING:
    from models.hdp.components import Family
    from models.shapes import Array, BoolArray, IntArray

LOOKS = 3


class Cloud(NamedTuple):
    """points (B, F), their statistics (B, Q), and the family of a cluster."""

    points: Array
    statistics: Array
    family: Family


class Restaurant(NamedTuple):
    """The prior over partitions: Dirichlet(concentration / L) weights, integrated out.

    p(partition of k blocks) = L! / (L-k)! Gamma(a) / Gamma(a + B)
        prod Gamma(a/L + n) / Gamma(a/L)
    """

    n_components: int
    concentration: float

    def log_split(self, n_left: int, n_right: int, n_clusters: int) -> float:
        """Log ratio of having two blocks instead of one of n_clusters."""
        if n_clusters >= self.n_components:
            return -np.inf
        each = self.concentration / self.n_components
        log_blocks = special.gammaln([each + n_left, each + n_right]).sum()
        log_one = special.gammaln([each, each + n_left + n_right]).sum()
        free = self.n_components - n_clusters
        return float(np.log(free) + log_blocks - log_one)


def moved(
    cloud: Cloud,
    labels: IntArray,
    restaurant: Restaurant,
    n_moves: int,
    rng: np.random.Generator,
) -> IntArray:
    """Try n_moves splits or merges on labels (B,), each costing a few looks."""
    labels = labels.copy()
    if len(labels) < 2:
        return labels
    for _ in range(n_moves):
        left, right = rng.choice(len(labels), size=2, replace=False)
        if labels[left] == labels[right]:
            _try_split(cloud, labels, restaurant, (left, right), rng)
        else:
            _try_merge(cloud, labels, restaurant, (left, right), rng)
    return labels


def _try_split(
    cloud: Cloud,
    labels: IntArray,
    restaurant: Restaurant,
    pair: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    """Split the pair's cluster; the right point's side gets the first free label."""
    members = np.flatnonzero(labels == labels[pair[0]])
    log_odds = _log_odds(cloud, members, pair)
    goes_right = rng.random(len(members)) < special.expit(log_odds)
    log_ratio = _log_gain(cloud, members, goes_right, restaurant, _in_use(labels))
    log_ratio -= _log_chance(log_odds, goes_right)
    if np.log1p(-rng.random()) < log_ratio:
        sizes = np.bincount(labels, minlength=restaurant.n_components)
        labels[members[goes_right]] = int(np.argmin(sizes))


def _try_merge(
    cloud: Cloud,
    labels: IntArray,
    restaurant: Restaurant,
    pair: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    """Merge the pair's clusters, under the left point's label."""
    to, away = labels[pair[0]], labels[pair[1]]
    members = np.flatnonzero((labels == to) | (labels == away))
    was_right = labels[members] == away
    log_odds = _log_odds(cloud, members, pair)
    after = _in_use(labels) - 1
    log_ratio = _log_chance(log_odds, was_right)
    log_ratio -= _log_gain(cloud, members, was_right, restaurant, after)
    if np.log1p(-rng.random()) < log_ratio:
        labels[members] = to


def _in_use(labels: IntArray) -> int:
    return int(np.count_nonzero(np.bincount(labels)))


def _log_gain(
    cloud: Cloud,
    members: IntArray,
    is_right: BoolArray,
    restaurant: Restaurant,
    n_clusters: int,
) -> float:
    """Log posterior ratio of members in two blocks, over all in one of n_clusters."""
    two = components.add_up(cloud.statistics[members], is_right.astype(np.int64), 2)
    log_two = cloud.family.log_evidence(two).sum()
    log_one = cloud.family.log_evidence(two.sum(axis=0, keepdims=True))[0]
    n_right = int(is_right.sum())
    log_prior = restaurant.log_split(len(members) - n_right, n_right, n_clusters)
    return float(log_two - log_one + log_prior)


def _log_odds(cloud: Cloud, members: IntArray, pair: tuple[int, int]) -> Array:
    """Log odds (M,) for the right side; the two points stay where they are."""
    points, statistics = cloud.points[members], cloud.statistics[members]
    summed, sizes = cloud.statistics[list(pair)], np.ones(2)
    fixed = np.where(members == pair[0], -np.inf, np.inf)
    is_fixed = (members == pair[0]) | (members == pair[1])
    for _ in range(LOOKS):
        log_p = cloud.family.log_fitted(points, summed) + np.log(sizes)
        log_odds: Array = np.where(is_fixed, fixed, log_p[:, 1] - log_p[:, 0])
        goes_right = (log_odds > 0.0).astype(np.int64)
        summed = components.add_up(statistics, goes_right, 2)
        sizes = np.bincount(goes_right, minlength=2).astype(np.float64)
    return log_odds


def _log_chance(log_odds: Array, goes_right: BoolArray) -> float:
    """Log probability that the coins fall as in goes_right (M,)."""
    signed = np.where(goes_right, log_odds, -log_odds)
    return float(-np.logaddexp(0.0, -signed).sum())
