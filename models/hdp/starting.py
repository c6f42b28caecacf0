"""Where a chain begins: windows of codes, clustered by what they hold.

From a draw of the prior a sweep soon explains each code by a state of its own, and
behaviours of several codes by states that alternate frame by frame; hundreds of sweeps
do not leave such a start, though it is much less likely. Windows of many frames hold a
behaviour's codes together, and a mixture of them can merge and split (`mixture`). This
is a start and no more: the sweeps leave the posterior in place from any start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.hdp import hdphsmm, mixture, tallies
from models.hdp.components import Categorical
from models.hdp.mixture import Mixture, MixturePrior

if TYPE_CHECKING:
    from models.hdp.hdphsmm import Prior, State
    from models.shapes import Array, IntArray

SWEEPS = 20


def from_windows(
    prior: Prior, codes: IntArray, lengths: IntArray, rng: np.random.Generator
) -> State:
    """Draw a state given windows of codes (N, T), clustered; both were checked.

    The width is drawn, evenly in its logarithm, from D / 16 to D / 4 frames: chains
    begin apart.
    """
    max_duration = len(prior.laws.log_d)
    log_width = rng.uniform(np.log(max_duration / 16.0), np.log(max_duration / 4.0))
    width = max(2, round(np.exp(log_width)))
    labels = _clustered(prior, codes, lengths, width, rng)
    seen = tallies.tally(
        tallies.runs(labels, lengths),
        codes,
        n_states=prior.rows.n_states,
        max_duration=max_duration,
        n_codes=prior.n_codes,
    )
    state = hdphsmm.from_prior(prior, rng)
    return hdphsmm.given_tallies(prior, state, seen, rng)


def _clustered(
    prior: Prior,
    codes: IntArray,
    lengths: IntArray,
    width: int,
    rng: np.random.Generator,
) -> IntArray:
    """Label frames (N, T) by the cluster of their window."""
    n_records, n_frames = codes.shape
    per_record = -(-n_frames // width)
    window = np.arange(n_frames) // width + per_record * np.arange(n_records)[:, None]
    inside = np.arange(n_frames) < lengths[:, None]
    cells = (window * prior.n_codes + codes)[inside]
    size = n_records * per_record * prior.n_codes
    held = np.bincount(cells, minlength=size).reshape(-1, prior.n_codes)
    points: Array = held.astype(np.float64)
    strength = prior.emission.shape / prior.emission.rate
    clusters = MixturePrior(Categorical(strength), n_components=prior.rows.n_states)
    now = Mixture(np.zeros(len(points), dtype=np.int64), 1.0)
    for _ in range(SWEEPS):
        now = mixture.sweep(points, clusters, now, rng)
    labelled: IntArray = now.labels[window]
    return labelled
