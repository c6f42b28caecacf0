"""States of every frame of every recording, under the draw nearest to all draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import hdphsmm
from models.hsmm import agreement, posterior, viterbi

if TYPE_CHECKING:
    from models.hdp.fitting import Kept, Summary
    from models.shapes import Array, IntArray
    from stages.sampling.job import Job
    from stages.sampling.spelling import Spelt


class Decoded(NamedTuple):
    """Clusters (R, T) at every code frame, -1 past the end; the last is none of them.

    probability (R, T): of that cluster, given the whole recording
    """

    states: IntArray
    probability: Array
    n_states: int


class Named(NamedTuple):
    """What clusters (J,) are called, by frames of recordings that were sampled over.

    commonest: by the label most of its frames have; alone: each label given once;
    either -1 for none
    """

    commonest: IntArray
    alone: IntArray


def decoded(job: Job, one: Kept, summed: Summary, read: Spelt) -> Decoded:
    """Decode all recordings by the best segmentation, with exact probabilities."""
    process = hdphsmm.process(job.prior, one.state)
    log_lik = hdphsmm.log_likelihood(one.state, read.words)
    best = viterbi.viterbi(process, log_lik, read.steps).labels
    occupied = posterior.marginals(process, log_lik, read.steps).occupancy
    chance = np.take_along_axis(occupied, np.maximum(best, 0)[..., None], 2)[..., 0]
    n_clusters = len(summed.names)
    clusters = np.full(job.n_states, n_clusters, dtype=np.int64)
    known = np.flatnonzero(summed.names >= 0)
    clusters[summed.names[known]] = known
    at = _steps_of_frames(read)
    past = np.arange(at.shape[1]) >= read.codes.lengths[:, None]
    states = np.take_along_axis(clusters[np.maximum(best, 0)], at, axis=1)
    states[past] = -1
    shown = np.take_along_axis(chance, at, axis=1)
    shown[past] = 0.0
    return Decoded(states, shown, n_clusters + 1)


def named(found: Decoded, read: Spelt) -> Named:
    """Name clusters by the labels of recordings that were sampled over."""
    states, truth = (
        found.states[read.seen],
        read.codes.truth[read.seen].astype(np.int64),
    )
    known = (states >= 0) & (truth >= 0)
    n_labels = max(1, len(read.codes.labels))
    counts = agreement.joint(states[known], truth[known], found.n_states, n_labels)
    return Named(agreement.commonest(counts), agreement.names(counts))


def _steps_of_frames(read: Spelt) -> IntArray:
    """Give the step of each frame (R, T); frames past the last whole one join it."""
    frames = np.arange(read.codes.codes.shape[1]) // read.step
    return np.minimum(frames, (read.steps - 1)[:, None])
