"""Clusters too small to mean anything: the least are dropped, the small are merged.

Dropped: the cluster leaves no trace in any centre, and its rows go to whichever of the
others explains them best. Merged: its weight, mean and covariance become part of the
nearest, and rows are assigned anew. Every row keeps some label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.clustering.model import Model, nearest_index, without

if TYPE_CHECKING:
    from models.clustering.points import Points
    from models.shapes import Array, BoolArray, IntArray


class Decision(NamedTuple):
    """What was done with one cluster, by the names clusters had at the time.

    support: its share of the weight before. moved: the share of the weight that went
    from it to each other cluster, by name.
    """

    did: str
    cluster: int
    support: float
    into: int | None
    cost: float | None
    moved: dict[int, float]


class Supported(NamedTuple):
    """Clusters that all have support enough, and how that came about."""

    model: Model
    before: dict[int, float]
    after: dict[int, float]
    decisions: tuple[Decision, ...]


def supported(
    model: Model, points: Points, *, merge_below: float, drop_below: float
) -> Supported:
    """Drop clusters with less than `drop_below` of the weight, then merge others.

    One at a time, the least first, until each has `merge_below` of the weight or only
    one is left. Both are shares in [0, 1]; a cluster that no row belongs to is dropped.
    """
    index = nearest_index(model, points.rows)
    share = support(index, len(model.names), points)
    before = _by_name(model, share)
    decisions: list[Decision] = []
    while len(model.names) > 1:
        least = int(share.argmin())
        if share[least] > 0 and share[least] >= max(merge_below, drop_below):
            break
        is_dropped = share[least] == 0 or share[least] < drop_below
        after, into, cost = (
            _dropped(model, least) if is_dropped else _merged(model, least)
        )
        now = nearest_index(after, points.rows)
        decisions.append(
            Decision(
                did="drop" if is_dropped else "merge",
                cluster=int(model.names[least]),
                support=float(share[least]),
                into=into,
                cost=cost,
                moved=_moved(after, now[index == least], points, index == least),
            )
        )
        model, index = after, now
        share = support(index, len(model.names), points)
    return Supported(model, before, _by_name(model, share), tuple(decisions))


def support(index: IntArray, n_clusters: int, points: Points) -> Array:
    """Give the share of the weight that belongs to each cluster (K,)."""
    return np.bincount(index, points.weights, n_clusters) / points.total


def _dropped(model: Model, i: int) -> tuple[Model, None, None]:
    """Take cluster i away."""
    return model.taken(without(model, i)), None, None


def _merged(model: Model, i: int) -> tuple[Model, int, float]:
    """Put cluster i into the one that costs least, the first of equals."""
    costs = model.costs(i)
    costs[i] = np.inf
    into = int(costs.argmin())
    return model.merged(i, into), int(model.names[into]), float(costs[into])


def _moved(
    after: Model, now: IntArray, points: Points, left: BoolArray
) -> dict[int, float]:
    """Give the share of all weight that the rows which `left` took to each cluster."""
    indices, place = np.unique(now, return_inverse=True)
    share = np.bincount(place, points.weights[left], len(indices)) / points.total
    return dict(zip(after.names[indices].tolist(), share.tolist(), strict=True))


def _by_name(model: Model, share: Array) -> dict[int, float]:
    """Write shares by name."""
    return dict(zip(model.names.tolist(), share.tolist(), strict=True))
