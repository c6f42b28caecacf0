"""Words: codes that keep each other's company, found without any label.

One bout of a behaviour has a manner of its own, and shows the few codes of that manner
over and over: frames of a bout are no independent draws, and a model that takes them
for such finds a state for every manner. So what is clustered are not frames, but pieces
of the recordings in which the mean of the codes' vectors stays (`hsmm.partition`): each
is one point, whose scatter is how much bouts of one kind differ, beside two codes'
worth of counts: behaviours whose points are neighbours may share no code at all. The
clusters of a Dirichlet-process mixture are the words.

A piece of any recording is spelt by the word under which its codes are likeliest,

    log share_w + heard mean over the piece of log p(code | word w)

where `heard` is how many independent codes a piece is worth at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import doors, mixture
from models.hdp.beside import Beside
from models.hdp.components import Categorical
from models.hdp.gaussian import Gaussian
from models.hdp.mixture import MixturePrior
from models.hsmm.partition import pieces
from models.hsmm.slow import slow_axes

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


class Reading(NamedTuple):
    """How recordings are read.

    step: frames that become one step. window: steps over which slow axes are sought
    n_axes: how many of them. charge: for each piece and axis, in units of the noise
    longest: steps of a piece. least: frames of a piece that is clustered
    within: share of the pieces' variance that is expected inside a word
    most: words at most. sweeps: of the mixture. heard: codes that a piece is worth when
    it is spelt; counted: when it is clustered; strength: of each code beforehand, there
    """

    step: int = 10
    window: int = 5
    n_axes: int = 6
    charge: float = 80.0
    longest: int = 400
    least: int = 80
    within: float = 0.4
    most: int = 25
    sweeps: int = 60
    heard: float = 8.0
    counted: float = 2.0
    strength: float = 0.1


class Dictionary(NamedTuple):
    """What was learned of the codes.

    places (C, F): of each code along the slow axes
    log_code (W, C): log p(code | word); log_share (W,): of the pieces
    """

    places: Array
    log_code: Array
    log_share: Array


class _Cut(NamedTuple):
    """Pieces of recordings: record (M,), first and last + 1 frame (M,), mean (M, F)."""

    record: IntArray
    first: IntArray
    last: IntArray
    mean: Array


def learn(
    vectors: Array,
    codes: IntArray,
    lengths: IntArray,
    reading: Reading,
    rng: np.random.Generator,
) -> Dictionary:
    """Learn words from codes (N, T) of `lengths`, whose vectors are (C, Z)."""
    vectors = doors.finite(vectors, "CZ", "vectors")
    codes = _checked(codes, lengths, len(vectors), reading.step)
    steps = steps_of(lengths, reading.step)
    means = np.zeros((len(codes), int(steps.max()), vectors.shape[1]))
    for record, n_steps in enumerate(steps):
        means[record, :n_steps] = _means(vectors, codes, lengths, record, reading.step)
    axes = slow_axes(means, steps, reading.window, reading.n_axes)
    places: Array = vectors @ axes
    cut = _cut(places, codes, lengths, reading)
    held_in = _counted(cut, codes, len(vectors))
    chosen, labels = _clustered(cut, held_in, reading, rng)
    counts = np.zeros((int(labels.max()) + 1, len(vectors)))
    np.add.at(counts, labels, held_in[chosen])
    held = np.bincount(labels).astype(np.float64)
    return Dictionary(places, _log_codes(counts), np.log(held / held.sum()))


def spell(
    dictionary: Dictionary, codes: IntArray, lengths: IntArray, reading: Reading
) -> tuple[IntArray, IntArray]:
    """Give the word of each step of codes (N, T): (N, U), and their lengths (N,).

    U is T // step; what is left of a record past its last whole step has no word, and
    a record shorter than one step has one.
    """
    codes = _checked(codes, lengths, len(dictionary.places), reading.step)
    cut = _cut(dictionary.places, codes, lengths, reading)
    steps = steps_of(lengths, reading.step)
    spelt: IntArray = np.zeros((len(codes), int(steps.max())), dtype=np.int64)
    for record, first, last in zip(cut.record, cut.first, cut.last, strict=True):
        log_p = dictionary.log_code[:, codes[record, first:last]].mean(axis=1)
        best = (reading.heard * log_p + dictionary.log_share).argmax()
        spelt[record, first // reading.step : -(-last // reading.step)] = best
    return spelt, steps


def steps_of(lengths: IntArray, step: int) -> IntArray:
    """Give how many steps records of `lengths` (N,) frames have: one or more."""
    steps: IntArray = np.maximum(lengths // step, 1)
    return steps


def _checked(codes: IntArray, lengths: IntArray, n_codes: int, step: int) -> IntArray:
    """Give codes (N, T) as integers, 0 past each end; refuse what is none."""
    codes = doors.integers(codes, "NT", "codes")
    doors.at_least_one(step, "step")
    doors.at_least_one(len(codes), "the number of recordings")
    if len(lengths) != len(codes) or lengths.min() < 1:
        raise ValueError("lengths (N,) of 1 frame or more are wanted, one a recording")
    past = np.arange(codes.shape[1]) >= lengths[:, None]
    return doors.labels(np.where(past, 0, codes), "NT", "codes", n_codes)


def _cut(places: Array, codes: IntArray, lengths: IntArray, reading: Reading) -> _Cut:
    """Cut every recording into pieces; the last one takes the frames that are left."""
    found = []
    charge = reading.charge * max(1, places.shape[1])
    for record, n_steps in enumerate(steps_of(lengths, reading.step)):
        whole = min(int(n_steps) * reading.step, int(lengths[record]))
        means = _means(places, codes, lengths, record, reading.step)
        starts = pieces(means, charge, reading.longest)
        ends = np.append(starts[1:], n_steps)
        found += [
            (record, a * reading.step, min(b * reading.step, whole), means[a:b].mean(0))
            for a, b in zip(starts, ends, strict=True)
        ]
    return _Cut(*(np.array(column) for column in zip(*found, strict=True)))


def _means(
    places: Array, codes: IntArray, lengths: IntArray, record: int, step: int
) -> Array:
    """Mean place of each step of a record: (U, F)."""
    n_steps = max(1, int(lengths[record]) // step)
    each = min(step, int(lengths[record]))
    shape = (n_steps, each, places.shape[1])
    mean: Array = places[codes[record, : n_steps * each]].reshape(shape).mean(axis=1)
    return mean


def _counted(cut: _Cut, codes: IntArray, n_codes: int) -> Array:
    """Count the codes of each piece: (M, C)."""
    spans = zip(cut.record, cut.first, cut.last, strict=True)
    rows = [np.bincount(codes[r, a:b], minlength=n_codes) for r, a, b in spans]
    return np.stack(rows).astype(np.float64)


def _clustered(
    cut: _Cut, counts: Array, reading: Reading, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Choose pieces that are long enough, and give each its cluster.

    Where there are too few to say how bouts differ, all are one word.
    """
    every = np.arange(len(cut.record))
    chosen = np.flatnonzero(cut.last - cut.first >= reading.least)
    chosen = chosen if len(chosen) > 1 else every
    points = cut.mean[chosen]
    is_varied = points.shape[1] and (points.var(axis=0) > 0.0).all()
    if len(chosen) <= points.shape[1] or not is_varied:
        return chosen, np.zeros(len(chosen), dtype=np.int64)
    few = counts[chosen]
    few *= reading.counted / few.sum(axis=1, keepdims=True)
    around = Gaussian.around(points, reading.within)
    family = Beside.of(around, Categorical(reading.strength), points)
    prior = MixturePrior(family, n_components=reading.most)
    both = np.hstack([points, few])
    found = mixture.fit(both, prior, sweeps=reading.sweeps, rng=rng)
    return chosen, found.labels


def _log_codes(counts: Array, towards_all: float = 200.0, even: float = 0.5) -> Array:
    """Log p(code | word) (W, C) of counts (W, C), drawn towards the codes of all."""
    n_codes = counts.shape[1]
    share = (counts.sum(axis=0) + even) / (counts.sum() + even * n_codes)
    drawn = counts + towards_all * share
    log_p: Array = np.log(drawn) - np.log(drawn.sum(axis=1, keepdims=True))
    return log_p
