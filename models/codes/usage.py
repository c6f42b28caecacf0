"""How evenly codes are used, with intervals over subjects.

Entropies are in nats. Counts without a single frame have entropy 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration.interval import Measure
from models.codes.jackknife import measured

if TYPE_CHECKING:
    from models.shapes import Array, IntArray


class Usage(NamedTuple):
    """Use of a codebook by G subjects together.

    counts (C,): frames of each code. entropy in nats; perplexity is its exponential.
    usage: share of the codes that were taken at all.
    by_subject (G,): the perplexity of each alone; `typical` is their mean.
    """

    counts: IntArray
    entropy: Measure
    perplexity: Measure
    usage: Measure
    by_subject: Array
    typical: Measure


def usage(counts: IntArray, *, level: float = 0.95) -> Usage:
    """Describe counts by subject and code (G, C)."""
    if counts.ndim != 2 or not counts.any():
        raise ValueError(f"counts have shape {counts.shape}: wanted frames in (G, C)")
    n_subjects, n_codes = counts.shape
    single = perplexity(counts)
    return Usage(
        counts.sum(axis=0),
        measured(counts, entropy, most=float(np.log(n_codes)), level=level),
        measured(counts, perplexity, most=n_codes, level=level),
        measured(counts, taken, level=level),
        single,
        measured(
            np.stack([single, np.ones(n_subjects)], axis=1),
            lambda sums: sums[:, 0] / sums[:, 1],
            most=n_codes,
            level=level,
        ),
    )


def by_subject(
    codes: IntArray, owner: IntArray, n_subjects: int, n_codes: int
) -> IntArray:
    """Count codes (R, T), -1 left out, by the subject of each row (R,): (G, C)."""
    is_there = codes >= 0
    row = np.broadcast_to(owner[:, None], codes.shape)[is_there]
    cells = row * n_codes + codes[is_there].astype(np.int64)
    counts = np.bincount(cells, minlength=n_subjects * n_codes)
    return counts.reshape(n_subjects, n_codes).astype(np.int64)


def entropy(counts: Array | IntArray) -> Array:
    """Entropy of counts (.., C) in nats: (..)."""
    total = counts.sum(axis=-1, keepdims=True)
    share = counts / np.maximum(total, 1)
    logs = np.log(share, out=np.zeros_like(share), where=share > 0)
    found: Array = 0.0 - (share * logs).sum(axis=-1)
    return found


def perplexity(counts: Array | IntArray) -> Array:
    """Give how many codes, evenly used, have the entropy of counts (.., C): (..)."""
    found: Array = np.exp(entropy(counts))
    return found


def taken(counts: Array | IntArray) -> Array:
    """Share of codes with a frame, of counts (.., C): (..)."""
    found: Array = (counts > 0).mean(axis=-1)
    return found
