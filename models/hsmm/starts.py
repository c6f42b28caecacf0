"""Where EM begins: labels made in haste, and a model that fits them.

A frame alone says little of its state, its surroundings say more. So each frame is
described by what lies around it, its codes' shares or its features' means over a
window, and the descriptions are put into K groups by k-means. The groups are labels,
the runs of labels are segments, and one M-step on them is the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import KMeans

from models.hsmm import counts as hard
from models.hsmm.em import Model
from models.hsmm.emission import inside
from models.hsmm.maximise import Dynamics, Prior, maximise
from models.hsmm.process import Process
from models.hsmm.surroundings import surroundings
from models.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.hsmm.durations import Durations, Truncate
    from models.hsmm.emission import Emission, Observations
    from models.shapes import Array, IntArray

# k-means on more frames finds the same centres and only takes longer.
ENOUGH = 20_000

# Stronger than EM's own: what EM is to find must not be impossible at the start.
HASTY = Prior(first=1.0, moves=1.0, lengths=0.01)


def grouped(
    features: Array, lengths: IntArray, n_states: int, window: int, seed: int
) -> IntArray:
    """Label frames by k-means of their surroundings: (N, T, F) -> (N, T).

    The same seed gives the same labels; other seeds begin k-means elsewhere.
    """
    kept = inside(lengths, features.shape[1])
    if window < 1 or not 1 <= n_states <= kept.sum():
        message = (
            f"window is {window} and n_states {n_states}: a frame or more is wanted, "
            f"and 1 to {kept.sum()} states, which is how many frames there are"
        )
        raise ValueError(message)
    rows = surroundings(features, lengths, window)[kept]
    rng = np.random.default_rng(seed)
    some = rng.choice(len(rows), min(len(rows), ENOUGH), replace=False)
    # k-means takes 32 bits of a seed.
    labels: IntArray = np.zeros(kept.shape, dtype=np.int64)
    with one_thread():
        means = KMeans(n_states, n_init=1, random_state=seed % 2**32).fit(rows[some])
        labels[kept] = means.predict(rows)
    return labels


def one_hot(codes: IntArray, n_codes: int) -> Array:
    """Turn codes (N, T) into features (N, T, C), whose means are the codes' shares."""
    hot: Array = (codes[..., None] == np.arange(n_codes)).astype(np.float64)
    return hot


def by_groups(
    observations: Observations,
    features: Array,
    lengths: IntArray,
    *,
    emission: Emission,
    durations: Durations,
    max_duration: int,
    windows: Sequence[int],
    seeds: Sequence[int],
    truncate: Truncate = "tail",
) -> list[Model]:
    """Give a start for each window and seed, from groups of features (N, T, F).

    A window of half the shortest duration that matters is a good one; several of them,
    and several seeds, are better: see restarts.fit_best.
    """
    return [
        from_labels(
            observations,
            lengths,
            grouped(features, lengths, emission.n_states, window, seed),
            emission=emission,
            durations=durations,
            max_duration=max_duration,
            truncate=truncate,
        )
        for window in windows
        for seed in seeds
    ]


def from_labels(
    observations: Observations,
    lengths: IntArray,
    labels: IntArray,
    *,
    emission: Emission,
    durations: Durations,
    max_duration: int,
    truncate: Truncate = "tail",
    prior: Prior = HASTY,
) -> Model:
    """Give the model that fits labels (N, T) as if they were the states.

    `emission` and `durations` say which families and priors; their parameters stand in
    for states that no frame has.
    """
    n_states = emission.n_states
    counts = hard.from_labels(labels, lengths, n_states, max_duration)
    even = np.full((n_states, n_states), -np.log(max(1, n_states - 1)))
    if n_states > 1:
        np.fill_diagonal(even, -np.inf)
    table = durations.table(max_duration, truncate)
    process = Process(np.full(n_states, -np.log(n_states)), even, *table)
    dynamics = maximise(counts, prior, Dynamics(process, durations, truncate))
    weights = (labels[..., None] == np.arange(n_states)).astype(np.float64)
    weights *= inside(lengths, labels.shape[1])[..., None]
    return Model(dynamics, emission.refit(observations, lengths, weights))
