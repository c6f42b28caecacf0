"""Which behaviour each code stands for: named on some subjects, judged on others.

Named and judged on the same frames, any codebook looks the better the larger it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration.interval import Measure
from models.codes.jackknife import Metric, measured
from models.codes.usage import entropy
from models.hsmm.agreement import commonest

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

# So many frames of the base rates are added to each code: a second of them, for frames
# of one bout are no news of each other.
PRIOR = 100.0


class Meaning(NamedTuple):
    """What C codes say of L behaviours, on subjects that did not name them.

    named (C,): the commonest behaviour of each code where it was named, -1 for none
    purity: share of frames whose code is named as their behaviour
    gain: nats a frame by which P(behaviour | code), as it was where codes were named,
    foretells behaviours better than their base rates do; below 0 it misleads
    information: mutual information of code and behaviour, in nats, of the judged alone:
    too high where they are few, for then most codes are met in one behaviour
    explained: that over the entropy of behaviours, 0 .. 1; nan where they have none
    by_behaviour (L,): share of each behaviour's frames that are named so
    """

    named: IntArray
    purity: Measure
    gain: Measure
    information: Measure
    explained: Measure
    by_behaviour: Array


def meaning(naming: IntArray, judged: IntArray, *, level: float = 0.95) -> Meaning:
    """Name codes by frames (C, L), and judge them on others by subject (G, C, L)."""
    if not naming.any() or not judged.any():
        raise ValueError("no frame has a known behaviour: some must, on both sides")
    named = commonest(naming)
    n_codes, n_labels = naming.shape
    is_named = named[:, None] == np.arange(n_labels)
    most = float(np.log(min(n_codes, n_labels)))
    counts = judged.sum(axis=0)
    frames = counts.sum(axis=0)
    by_behaviour = np.full(n_labels, np.nan)
    hits = (counts * is_named).sum(axis=0)
    np.divide(hits, frames, out=by_behaviour, where=frames > 0)
    return Meaning(
        named,
        measured(judged, _mean_of(is_named + 0.0), level=level),
        measured(
            judged, _mean_of(_gains(naming)), least=-np.inf, most=np.inf, level=level
        ),
        measured(judged, information, most=most, level=level),
        measured(judged, _explained, level=level),
        by_behaviour,
    )


def joint(
    codes: IntArray, truth: IntArray, owner: IntArray, shape: tuple[int, int, int]
) -> IntArray:
    """Count frames (R, T) by the row's owner (R,), code and behaviour: (G, C, L).

    Frames whose code or behaviour is -1 are left out.
    """
    is_known = (codes >= 0) & (truth >= 0)
    row = np.broadcast_to(owner[:, None], codes.shape)[is_known]
    cells = np.ravel_multi_index((row, codes[is_known], truth[is_known]), shape)
    counts = np.bincount(cells, minlength=int(np.prod(shape)))
    return counts.reshape(shape).astype(np.int64)


def information(counts: Array | IntArray) -> Array:
    """Mutual information of tables (.., C, L) in nats: (..)."""
    both = entropy(counts.reshape(*counts.shape[:-2], -1))
    found = entropy(counts.sum(axis=-1)) + entropy(counts.sum(axis=-2)) - both
    return np.maximum(found, 0.0)


def _mean_of(value: Array) -> Metric:
    """Give the mean over frames of a value of code and behaviour (C, L)."""

    def mean(tables: Array) -> Array:
        found = np.full(len(tables), np.nan)
        frames = tables.sum(axis=(1, 2))
        total = np.einsum("rcl,cl->r", tables, value)
        np.divide(total, frames, out=found, where=frames > 0)
        return found

    return mean


def _gains(naming: IntArray) -> Array:
    """Log of P(behaviour | code) over P(behaviour), from frames (C, L): (C, L)."""
    base = naming.sum(axis=0) + 1.0
    base = base / base.sum()
    table = naming + PRIOR * base
    gains: Array = np.log(table / table.sum(axis=1, keepdims=True)) - np.log(base)
    return gains


def _explained(counts: Array) -> Array:
    """Share of the behaviours' entropy that codes tell: (.., C, L) -> (..)."""
    of_behaviour = entropy(counts.sum(axis=-2))
    share = np.full_like(of_behaviour, np.nan)
    np.divide(information(counts), of_behaviour, out=share, where=of_behaviour > 0)
    return np.minimum(share, 1.0)
