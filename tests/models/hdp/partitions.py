"""All partitions of a few points, and their exact posterior in a mixture."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import special

from models.shapes import Array, IntArray

Key = tuple[int, ...]


def partitions(n_points: int) -> Iterator[Key]:
    """Yield each partition once, as labels by first appearance: Bell(n) of them."""
    if n_points == 0:
        yield ()
        return
    for shorter in partitions(n_points - 1):
        for label in range(max(shorter, default=-1) + 2):
            yield (*shorter, label)


def key(labels: IntArray) -> Key:
    """Name labels by first appearance."""
    seen: dict[int, int] = {}
    return tuple(seen.setdefault(int(label), len(seen)) for label in labels)


def log_prior(part: Key, n_components: int, concentration: Array) -> Array:
    """Log p(partition) under Dirichlet(a / L) weights, for each a (Q,)."""
    sizes = np.bincount(np.array(part))
    if len(sizes) > n_components:
        return np.full_like(concentration, -np.inf)
    each = concentration / n_components
    log_p: Array = special.gammaln(concentration)
    log_p = log_p - special.gammaln(concentration + len(part))
    for size in sizes:
        log_p = log_p + special.gammaln(each + size) - special.gammaln(each)
    ways = special.gammaln(n_components + 1)
    whole: Array = log_p + ways - special.gammaln(n_components - len(sizes) + 1)
    return whole


def posterior(
    points: Array,
    n_components: int,
    shape: float,
    rate: float,
    log_marginal: Callable[[Array], float],
) -> dict[Key, float]:
    """P(partition | points), the concentration integrated out by the trapezoid rule."""
    log_a = np.linspace(-9.0, 6.0, 1_501)
    a = np.exp(log_a)
    log_weight = shape * log_a - rate * a
    log_p = {}
    for part in partitions(len(points)):
        labels = np.array(part)
        log_lik = sum(log_marginal(points[labels == k]) for k in range(max(part) + 1))
        log_each = log_weight + log_prior(part, n_components, a)
        log_p[part] = special.logsumexp(log_each) + log_lik
    total = special.logsumexp(list(log_p.values()))
    return {part: float(np.exp(value - total)) for part, value in log_p.items()}
