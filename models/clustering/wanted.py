"""What is asked for, checked: counts, and kinds of covariance."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from models.clustering.points import Points

Covariance = Literal["diagonal", "full"]


def possible(k: int, points: Points) -> int:
    """Give k, or the count of distinct rows with weight where that is less."""
    return min(at_least(1, "k", k), int(np.count_nonzero(points.weights)))


def at_least(least: int, name: str, value: int) -> int:
    """Refuse what is no whole number of `least` or more, in words."""
    try:
        count = None if isinstance(value, (bool, np.bool_)) else index(value)
    except TypeError:
        count = None
    if count is None:
        raise ValueError(f"{name} must be a whole number, found {value!r}")
    if count < least:
        raise ValueError(f"{name} must be {least} or more, found {count}")
    return count


def known(name: str, covariances: Sequence[str]) -> None:
    """Refuse kinds of covariance that there are not, and none at all."""
    kinds = get_args(Covariance)
    if not covariances or set(covariances) - set(kinds):
        raise ValueError(f"{name} must be some of {kinds}, found {covariances!r}")
