"""What a codebook's vectors look like, with or without knowing how they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.codes.groups import Groups, groups
from models.codes.principal import Principal, principal

if TYPE_CHECKING:
    from models.shapes import Array


class Shape(NamedTuple):
    """C vectors: where they spread, their clusters, and how close the nearest are.

    dimensions: exp of the entropy of explained variances: how many count, about.
    nearest (C,): distance of each vector to the nearest other; nan of one alone.
    """

    principal: Principal
    groups: Groups
    dimensions: float
    nearest: Array


def shape(
    vectors: Array, weights: Array | None = None, *, seed: int = 0, most: int = 12
) -> Shape:
    """Look at vectors (C, Z), each counting as weights (C,) say, or all alike."""
    seen = principal(vectors, weights)
    share = seen.explained[seen.explained > 0]
    return Shape(
        seen,
        groups(seen, weights, seed=seed, most=most),
        float(np.exp(-(share * np.log(share)).sum())),
        _nearest(seen.places),
    )


def _nearest(places: Array) -> Array:
    """Distance of each row (C, M) to the nearest other."""
    if len(places) < 2:
        return np.full(len(places), np.nan)
    squares = (places**2).sum(axis=1)
    far = squares[:, None] + squares - 2.0 * places @ places.T
    np.fill_diagonal(far, np.inf)
    distance: Array = np.sqrt(np.maximum(far.min(axis=1), 0.0))
    return distance
