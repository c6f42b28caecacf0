"""How many states are in use, and what each is like, with intervals.

The weak limit always has K states and its sampler leaves spare ones with a few frames;
a Dirichlet process is not consistent for their number (Miller and Harrison 2014). So a
state counts as occupied from a share of the frames on, and the count is a posterior
with an interval, never one number. Per-state figures are read after each sample's
states are matched to those of a point clustering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize

from models.hdp import doors

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

LEAST_SHARE = 0.01


class Interval(NamedTuple):
    """median, and the central interval of `level`: low and high; each of one shape."""

    median: Array
    low: Array
    high: Array
    level: float


class Occupied(NamedTuple):
    """counts (S,): occupied states in each sample; probability (K+1,): of each count.

    interval: of the count
    """

    counts: IntArray
    probability: Array
    interval: Interval


def interval(values: Array, level: float = 0.9) -> Interval:
    """Central interval along the first axis: values (S, ..); nan is left out.

    A state that a sample does not have is nan there; one that no sample has stays nan.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}: between 0 and 1 is wanted")
    if len(values) == 0:
        raise ValueError("values are empty: at least one sample is wanted")
    rows = np.asarray(values, dtype=np.float64)
    flat = rows.reshape(len(rows), -1)
    found = np.full((3, flat.shape[1]), np.nan)
    tail = 0.5 * (1.0 - level)
    for column, cells in enumerate(flat.T):
        known = cells[~np.isnan(cells)]
        if known.size:
            found[:, column] = np.quantile(known, [0.5, tail, 1.0 - tail])
    median, low, high = found.reshape(3, *rows.shape[1:])
    return Interval(median, low, high, level)


def shares(samples: IntArray, n_states: int) -> Array:
    """Share of the frames that each state holds: samples (S, M) -> (S, K)."""
    samples = doors.labels(samples, "SM", "samples", n_states)
    doors.at_least_one(samples.shape[0], "the number of samples")
    doors.at_least_one(samples.shape[1], "the number of frames")
    held = [np.bincount(row, minlength=n_states) for row in samples]
    part: Array = np.stack(held) / samples.shape[1]
    return part


def occupied(
    held: Array, *, at_least: float = LEAST_SHARE, level: float = 0.9
) -> Occupied:
    """Count states with at least that share of frames: held (S, K), from `shares`."""
    held = doors.finite(held, "SK", "held")
    if not 0.0 < at_least <= 1.0:
        raise ValueError(f"at_least is {at_least}: above 0, at most 1 is wanted")
    counts = (held >= at_least).sum(axis=1)
    seen = np.bincount(counts, minlength=held.shape[1] + 1)
    within = interval(counts.astype(np.float64), level)
    return Occupied(counts, seen / len(counts), within)


def matched(samples: IntArray, labels: IntArray) -> IntArray:
    """Match each sample's states to the J clusters of labels (M,): (S, M) -> (S, J).

    Entry [s, c] is the state of sample s that shares most frames with cluster c, one to
    one over all clusters (Kuhn 1955), or -1 where the sample has none left for it.
    """
    samples = doors.labels(samples, "SM", "samples")
    labels = doors.labels(labels, "M", "labels")
    doors.at_least_one(samples.shape[0], "the number of samples")
    doors.at_least_one(len(labels), "the number of frames")
    if len(labels) != samples.shape[1]:
        raise ValueError(
            f"labels has {len(labels)} frames: samples have {samples.shape[1]}"
        )
    n_clusters, n_states = int(labels.max()) + 1, int(samples.max()) + 1
    names = np.full((len(samples), n_clusters), -1, dtype=np.int64)
    for name, row in zip(names, samples, strict=True):
        cells = np.bincount(labels * n_states + row, minlength=n_clusters * n_states)
        table = cells.reshape(n_clusters, n_states)
        clusters, states = optimize.linear_sum_assignment(table, maximize=True)
        shared = table[clusters, states] > 0
        name[clusters[shared]] = states[shared]
    return names


def by_cluster(values: Array, names: IntArray) -> Array:
    """Reorder values (S, K) of states into those of clusters: names (S, J) -> (S, J).

    Where a sample has no state for a cluster the value is nan, for `interval` to leave
    out.
    """
    values = np.asarray(values, dtype=np.float64)
    doors.axes(values, "SK", "values")
    names = doors.integers(names, "SJ", "names")
    if len(names) != len(values) or names.max(initial=-1) >= values.shape[1]:
        wanted = "names are of the same samples and states"
        raise ValueError(f"values has shape {values.shape}: {wanted}")
    found = np.take_along_axis(values, np.maximum(names, 0), axis=1)
    ordered: Array = np.where(names >= 0, found, np.nan)
    return ordered
