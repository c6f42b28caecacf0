"""Rows with groups that are known, and every strategy as the same kind of function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from models.clustering.clustering import Clustering
from models.clustering.gmm import GMMClusterer
from models.clustering.kmeans import KMeansClusterer
from models.clustering.partition import HDPClusterer
from models.shapes import Array, IntArray

Strategy = Callable[..., Clustering]


def blobs(
    sizes: list[int], n_dims: int = 2, seed: int = 0, apart: float = 12.0
) -> tuple[Array, IntArray]:
    """Give round groups of these sizes, so far apart on a line, and who is who."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(sizes)), sizes)
    rows = rng.normal(size=(len(group), n_dims))
    rows[:, 0] += apart * group
    return rows, group


def by_twelve(rows: Array, rng: np.random.Generator) -> IntArray:
    """Part blobs where they lie, under numbers drawn at random, as samplers do."""
    place = np.rint(rows[:, 0] / 12.0).astype(np.int64)
    names: IntArray = rng.permutation(1000)[place + 1]
    return names


def k_means(features: Any, k: int = 3, **given: Any) -> Clustering:
    """Fit by k-means."""
    return KMeansClusterer(random_state=42).fit(features, k, **given)


def gmm(features: Any, k: int = 3, **given: Any) -> Clustering:
    """Fit a normal mixture with k given."""
    return GMMClusterer(random_state=42).fit(features, k, **given)


def hdp(features: Any, k: int = 3, **given: Any) -> Clustering:
    """Fit what a sampler parts; how many is its own affair."""
    return HDPClusterer(by_twelve, random_state=42).fit(features, **given)


STRATEGIES = {"k-means": k_means, "gmm": gmm, "hdp": hdp}


def same_groups(one: IntArray, other: IntArray) -> bool:
    """Tell whether two labellings part the rows alike, whatever the names."""
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))
