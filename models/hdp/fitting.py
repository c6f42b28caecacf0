"""From sequences of codes to states: chains, and what they agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import chains, doors, estimate, hdphsmm, mergetree, occupancy, tallies
from models.hdp.mergetree import Features, MergeTree
from models.hsmm import viterbi
from models.logspace import logsumexp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.hdp.chains import Chain
    from models.hdp.hdphsmm import Prior, State, Sweep
    from models.hdp.occupancy import Interval, Occupied
    from models.shapes import Array, BoolArray, IntArray


class Kept(NamedTuple):
    """A draw worth keeping: its state, and labels (M,) of all frames, row after row."""

    state: State
    labels: IntArray


class Summary(NamedTuple):
    """What kept draws say, by clusters of the point clustering, the largest first.

    labels (N, T): cluster of each frame, -1 past a sequence's end
    occupied: how many states hold a share worth the name, with an interval
    is_occupied (J,): whether a cluster is of those, by its median share
    shares, durations: intervals (J,) of each cluster's share of frames and mean
        duration, the latter nan for a cluster that no draw has a state for
    nearest: index of the draw whose states come closest to the clusters; and
    names (J,): which of its states each cluster is
    """

    labels: IntArray
    occupied: Occupied
    is_occupied: BoolArray
    shares: Interval
    durations: Interval
    nearest: int
    names: IntArray


class Run(NamedTuple):
    """Chains as they ended, and the draws that were kept of all."""

    chains: tuple[Chain, ...]
    kept: tuple[Kept, ...]

    def traces(self, name: str) -> Array:
        """Give one trace of each chain, (chains, sweeps), for `convergence`."""
        if name not in chains.TRACED:
            raise ValueError(f"no trace is called {name!r}: {chains.TRACED} are kept")
        column = chains.TRACED.index(name)
        return np.stack([chain.traces[:, column] for chain in self.chains])


def run(
    prior: Prior,
    codes: IntArray,
    lengths: IntArray | None = None,
    *,
    sweeps: int,
    seed: int,
    n_chains: int = 2,
    tell: Callable[[int, int, Sweep], None] | None = None,
) -> Run:
    """Sweep `n_chains` chains over codes (N, T) and keep the later half of each.

    tell(chain, sweeps done, draw) is called after each sweep. Memory is 8 bytes a frame
    for each draw kept.
    """
    doors.at_least_one(sweeps, "sweeps")
    doors.at_least_one(n_chains, "n_chains")
    ended, kept = [], []
    for index in range(n_chains):
        chain = chains.begin(prior, codes, lengths, seed=seed, index=index)
        for done in range(1, sweeps + 1):
            chain, drawn = chains.advance(prior, chain, codes, lengths)
            if done > sweeps // 2:
                kept.append(keep(drawn))
            if tell is not None:
                tell(index, done, drawn)
        ended.append(chain)
    return Run(tuple(ended), tuple(kept))


def keep(drawn: Sweep) -> Kept:
    """Keep of a sweep what `summary` wants."""
    return Kept(drawn.state, drawn.labels[drawn.labels >= 0])


def summary(
    prior: Prior,
    kept: Sequence[Kept],
    lengths: IntArray,
    *,
    at_least: float = occupancy.LEAST_SHARE,
    level: float = 0.9,
) -> Summary:
    """Sum up draws over sequences of lengths (N,): one clustering, with intervals."""
    doors.at_least_one(len(kept), "the number of kept draws")
    samples = np.stack([one.labels for one in kept])
    lengths = _checked_lengths(lengths, samples.shape[1])
    found = estimate.point(samples)
    names = occupancy.matched(samples, found.labels)
    held = occupancy.shares(samples, prior.rows.n_states)
    lasting = np.stack([hdphsmm.mean_durations(prior, one.state) for one in kept])
    shared = (np.take_along_axis(names, found.labels[None], axis=1) == samples).mean(1)
    nearest = int(shared.argmax())
    held_by = np.nan_to_num(occupancy.by_cluster(held, names))
    shares = occupancy.interval(held_by, level)
    return Summary(
        labels=_unflattened(found.labels, lengths),
        occupied=occupancy.occupied(held, at_least=at_least, level=level),
        is_occupied=shares.median >= at_least,
        shares=shares,
        durations=occupancy.interval(occupancy.by_cluster(lasting, names), level),
        nearest=nearest,
        names=names[nearest],
    )


def _checked_lengths(lengths: IntArray, n_frames: int) -> IntArray:
    """Give lengths (N,) of the records whose frames a draw labels, or refuse them."""
    lengths = doors.counts(lengths, "N", "lengths")
    if lengths.sum() != n_frames:
        raise ValueError(
            f"lengths add up to {lengths.sum()} frames: draws have {n_frames}"
        )
    return lengths


def _unflattened(labels: IntArray, lengths: IntArray) -> IntArray:
    """Lay labels (M,) out as (N, T), -1 past each sequence's end."""
    laid = np.full((len(lengths), int(lengths.max())), -1, dtype=np.int64)
    laid[np.arange(laid.shape[1]) < lengths[:, None]] = labels
    return laid


def decode(
    prior: Prior,
    one: Kept,
    names: IntArray,
    codes: IntArray,
    lengths: IntArray | None = None,
) -> IntArray:
    """Label records (N, T) by the best segmentation under one draw's process.

    names (J,) are a summary's: labels are its clusters, J for a state that is none of
    them, and -1 past a record's end. On the records of the fit, the summary's nearest
    draw gives its labels but for frames that are open.
    """
    codes, lengths = hdphsmm.checked_codes(prior, codes, lengths)
    names = doors.integers(names, "J", "names")
    log_lik = hdphsmm.log_likelihood(one.state, codes)
    best = viterbi.viterbi(hdphsmm.process(prior, one.state), log_lik, lengths)
    clusters = np.full(prior.rows.n_states + 1, len(names), dtype=np.int64)
    known = np.flatnonzero(names >= 0)
    clusters[names[known]] = known
    clusters[-1] = -1
    named: IntArray = clusters[best.labels]
    return named


def log_predictive(
    prior: Prior,
    kept: Sequence[Kept],
    codes: IntArray,
    lengths: IntArray | None = None,
) -> Array:
    """Log p(record | what was seen) (N,) of records (N, T) that were not swept over.

    The mean over draws is of probabilities, not of their logs. Costs a forward pass for
    each draw.
    """
    doors.at_least_one(len(kept), "the number of kept draws")
    each = [hdphsmm.log_evidence(prior, one.state, codes, lengths) for one in kept]
    mean: Array = logsumexp(np.stack(each), axis=0) - np.log(len(each))
    return mean


def merge_tree(prior: Prior, one: Kept, lengths: IntArray) -> MergeTree:
    """Grow the tree of merges of one draw's states, spare ones included."""
    n_states = prior.rows.n_states
    lengths = _checked_lengths(lengths, len(one.labels))
    cut = tallies.runs(_unflattened(one.labels, lengths), lengths)
    log_d = prior.laws.log_d[:, one.state.law]
    log_laws = np.vstack([log_d, prior.laws.log_tail[one.state.law]])
    features = Features(
        code=np.exp(one.state.log_emission),
        duration=np.exp(log_laws).T,
        frames=np.bincount(one.labels, minlength=n_states).astype(np.float64),
        segments=np.bincount(cut.state, minlength=n_states).astype(np.float64),
    )
    return mergetree.merge_tree(features)
