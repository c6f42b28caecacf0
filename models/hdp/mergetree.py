"""Which states are nearly one: a tree of merges, each by what it would forget.

A state is a law over codes, a law over durations, and how many frames and segments it
holds. Merging two replaces both laws by their weighted mean, and the fitted likelihood
falls by

    frames JS(code laws, weighted by frames) + segments JS(duration laws, by segments)

with JS the Jensen-Shannon divergence: the agglomerative information bottleneck (Slonim
and Tishby 1999). It is never below zero and it is zero for two copies of one state; an
evidence would also charge for parameters, and then cheap merges have heights below zero
and a tree turns over. Height is all that was forgotten so far, in nats per frame, so it
never falls; at the root it is what the states know of codes and durations.

Spare states hold few frames, so they merge early: the weak limit leaves them behind,
and a tree shows it (a Dirichlet process is not consistent for the number of states).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from models.hdp import doors

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


class Features(NamedTuple):
    """What is known of K states.

    code (K, C) and duration (K, D): laws, rows that sum to one; frames (K,) and
    segments (K,): what each holds, in counts or in their posterior means
    """

    code: Array
    duration: Array
    frames: Array
    segments: Array


class MergeTree(NamedTuple):
    """Merges in order, as plain data: merge m makes node K + m.

    pairs (K-1, 2): the nodes it joins, states being 0..K-1, the smaller first
    heights (K-1,): nats per frame forgotten so far; they never fall
    frames (K-1,): what the new node holds
    """

    pairs: IntArray
    heights: Array
    frames: Array


def merge_tree(features: Features) -> MergeTree:
    """Merge the two states that forget least, until one is left.

    Ties go to the pair that comes first. Time is K^2 (C + D).
    """
    features = _checked(features)
    n_states, total = len(features.frames), features.frames.sum()
    nodes = list(range(n_states))
    losses = _all_losses(features)
    pairs, heights, frames, forgotten = [], [], [], 0.0
    for merge in range(n_states - 1):
        i, j = (int(x) for x in np.unravel_index(losses.argmin(), losses.shape))
        forgotten += losses[i, j]
        pairs.append(sorted((nodes[i], nodes[j])))
        features = _joined(features, i, j)
        heights.append(forgotten / total if total > 0.0 else 0.0)
        frames.append(features.frames[i])
        nodes[i] = n_states + merge
        _forget(losses, features, i, j)
    return MergeTree(
        np.array(pairs, dtype=np.int64).reshape(-1, 2),
        np.array(heights),
        np.array(frames),
    )


def cut(tree: MergeTree, *, height: float) -> IntArray:
    """Labels (K,) of states after all merges up to `height`, by first appearance."""
    return _labels(tree, int(np.searchsorted(tree.heights, height, side="right")))


def cut_to(tree: MergeTree, *, n_clusters: int) -> IntArray:
    """Labels (K,) of states after merging down to `n_clusters`, by first appearance."""
    n_states = len(tree.heights) + 1
    if not 1 <= n_clusters <= n_states:
        raise ValueError(f"n_clusters is {n_clusters}: 1..{n_states} is wanted")
    return _labels(tree, n_states - n_clusters)


def linkage(tree: MergeTree) -> Array:
    """Give rows (left, right, height, states), as scipy's dendrogram asks."""
    n_states = len(tree.heights) + 1
    held = np.ones(2 * n_states - 1)
    for merge, (left, right) in enumerate(tree.pairs):
        held[n_states + merge] = held[left] + held[right]
    return np.column_stack([tree.pairs, tree.heights, held[n_states:]])


def _checked(features: Features) -> Features:
    code = doors.finite(features.code, "KC", "code")
    duration = doors.finite(features.duration, "KD", "duration")
    frames = doors.finite(features.frames, "K", "frames")
    segments = doors.finite(features.segments, "K", "segments")
    if not len(code) == len(duration) == len(frames) == len(segments) > 0:
        raise ValueError("code, duration, frames, segments: K rows each are wanted")
    for name, law in (("code", code), ("duration", duration)):
        if (law < 0.0).any() or (np.abs(law.sum(axis=1) - 1.0) > 1e-8).any():
            raise ValueError(f"each row of {name} must be a law: sum to one, none < 0")
    if (frames < 0.0).any() or (segments < 0.0).any():
        raise ValueError("frames and segments must be 0 or more")
    return Features(code, duration, frames, segments)


def _all_losses(features: Features) -> Array:
    """Loss (K, K) of merging each pair i < j; infinite elsewhere."""
    losses = np.full((len(features.frames),) * 2, np.inf)
    for i in range(len(losses)):
        losses[i, i + 1 :] = _losses(features, i)[i + 1 :]
    return losses


def _losses(features: Features, i: int) -> Array:
    """Nats forgotten by merging state i with each (K,)."""
    code = _divergence(features.code, features.frames, i)
    return code + _divergence(features.duration, features.segments, i)


def _divergence(laws: Array, weights: Array, i: int) -> Array:
    """w_i KL(p_i | mean) + w_j KL(p_j | mean) for each j: laws (K, C) -> (K,).

    Weights stand inside of the divergence, where 0 log 0 is 0: a state that holds
    nothing may have what the mean has not.
    """
    both = np.maximum(weights[i] + weights, np.finfo(np.float64).tiny)[:, None]
    one, other = weights[i] * laws[i], weights[:, None] * laws
    mean = (one + other) / both
    parts = special.rel_entr(one, weights[i] * mean)
    parts += special.rel_entr(other, weights[:, None] * mean)
    summed: Array = np.maximum(parts.sum(axis=1), 0.0)
    return summed


def _joined(features: Features, i: int, j: int) -> Features:
    """Put the merged state in i's place and leave j's empty."""
    code = _mixed(features.code, features.frames, i, j)
    duration = _mixed(features.duration, features.segments, i, j)
    frames, segments = features.frames.copy(), features.segments.copy()
    for held in (frames, segments):
        held[i], held[j] = held[i] + held[j], 0.0
    return Features(code, duration, frames, segments)


def _mixed(laws: Array, weights: Array, i: int, j: int) -> Array:
    both = weights[i] + weights[j]
    part = weights[i] / both if both > 0.0 else 0.5
    laws = laws.copy()
    laws[i] = part * laws[i] + (1.0 - part) * laws[j]
    return laws


def _forget(losses: Array, features: Features, i: int, j: int) -> None:
    """Bring losses (K, K) up to date after j went into i."""
    losses[j, :] = losses[:, j] = np.inf
    fresh = _losses(features, i)
    later = np.isfinite(losses[i, :])
    losses[i, later] = fresh[later]
    earlier = np.isfinite(losses[:, i])
    losses[earlier, i] = fresh[earlier]


def _labels(tree: MergeTree, n_merges: int) -> IntArray:
    n_states = len(tree.heights) + 1
    root = np.arange(2 * n_states - 1)
    for merge in range(n_merges):
        root[np.isin(root, tree.pairs[merge])] = n_states + merge
    _, first, inverse = np.unique(
        root[:n_states], return_index=True, return_inverse=True
    )
    names: IntArray = np.argsort(np.argsort(first))[inverse]
    return names
