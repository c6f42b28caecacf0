"""Frames by subject: what is drawn again when an interval is asked for.

Frames of one subject resemble each other, so subjects are what was sampled. A metric
is made of sums over frames; its sums by subject are all that a bootstrap needs, and to
draw subjects again is one product of matrices, however many frames there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray

# So many sums of independent frames give a standard error within some 2 per cent.
DEALT = 1_000


class Clusters(NamedTuple):
    """Which cluster each frame belongs to.

    member (M,): cluster of each frame. names (G,): what the caller calls them.
    size (G,): frames of each. is_dealt: frames are independent, clusters random.
    """

    member: IntArray
    names: npt.NDArray[np.generic]
    size: IntArray
    is_dealt: bool

    def sums(self, values: Array | BoolArray) -> Array:
        """Sum over the frames of each cluster: (M,) -> (G,)."""
        summed = np.bincount(self.member, values, minlength=len(self.size))
        return summed.astype(np.float64)

    def sums_at(
        self, columns: IntArray, width: int, values: Array | BoolArray | None = None
    ) -> Array:
        """Sum by cluster and by the column each frame falls in: (M,) -> (G, width)."""
        cells = self.member * width + columns
        n_cells = len(self.size) * width
        summed = np.bincount(cells, values, minlength=n_cells).astype(np.float64)
        return summed.reshape(-1, width)

    def errors(self, columns: IntArray, width: int, values: Array) -> Array:
        """Standard errors of the sums of values (M,) in each column over M: (width,).

        Between clusters; between frames where those are independent, or there is but
        one cluster.
        """
        n_frames = len(values)
        if self.is_dealt or len(self.size) == 1:
            mean = np.bincount(columns, values, minlength=width) / n_frames
            square = np.bincount(columns, values**2, minlength=width) / n_frames
            variance = np.maximum(square - mean**2, 0.0) / n_frames
        else:
            sums = self.sums_at(columns, width, values)
            moved = sums - sums.sum(axis=0) / n_frames * self.size[:, None]
            n_clusters = len(self.size)
            variance = (moved**2).sum(axis=0) * n_clusters / (n_clusters - 1)
            variance = variance / n_frames**2
        error: Array = np.sqrt(variance)
        return error


def by_group(groups: object, shape: tuple[int, ...]) -> Clusters:
    """Cluster the frames by group, whole numbers or text of the frames' `shape`."""
    array = np.asarray(groups)
    if array.shape != shape:
        raise ValueError(f"groups has shape {array.shape}: the frames have {shape}")
    if array.dtype.kind not in "iuSU":
        raise ValueError(f"groups is {array.dtype}: it must hold whole numbers or text")
    names, index = np.unique(array.reshape(-1), return_inverse=True)
    size = np.bincount(index, minlength=len(names))
    return Clusters(index.astype(np.int64), names, size, is_dealt=False)


def dealt(n_frames: int, rng: np.random.Generator) -> Clusters:
    """Deal independent frames into random clusters of one size, or one frame each."""
    each = np.arange(n_frames)
    return gathered(Clusters(each, each, np.ones_like(each), is_dealt=True), rng)


def gathered(found: Clusters, rng: np.random.Generator) -> Clusters:
    """Gather clusters at random into no more than DEALT, of as many clusters each.

    The sum over m random clusters varies as m independent clusters do. So a bootstrap
    keeps its size, however many clusters there are.
    """
    if len(found.size) <= DEALT:
        return found
    into = np.arange(len(found.size)) % DEALT
    rng.shuffle(into)
    member = into[found.member]
    size = np.bincount(member, minlength=DEALT)
    return Clusters(member, np.arange(DEALT), size, found.is_dealt)


def whole(n_frames: int) -> Clusters:
    """Put independent frames together: for what depends on their sums alone."""
    member = np.zeros(n_frames, dtype=np.int64)
    return Clusters(member, np.arange(1), np.array([n_frames]), is_dealt=True)


def drawn_again(n_clusters: int, n_draws: int, rng: np.random.Generator) -> Array:
    """Draw the clusters again, with replacement: how often each came, (n_draws, G)."""
    picks = rng.integers(n_clusters, size=(n_draws, n_clusters))
    picks += n_clusters * np.arange(n_draws)[:, None]
    counts = np.bincount(picks.reshape(-1), minlength=n_draws * n_clusters)
    return counts.reshape(n_draws, n_clusters).astype(np.float64)
