"""How much is open about each frame, and how much of that more data would settle."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import special

from models.calibration import blocks, door

if TYPE_CHECKING:
    from models.calibration.door import Floats
    from models.shapes import Array

NATS_IN = {"nats": 1.0, "bits": math.log(2.0)}


class Uncertainty(NamedTuple):
    """Of each frame (..), over samples of a posterior or members of an ensemble.

    total    = H(mean_s p_s)            entropy of the mean prediction
    expected = mean_s H(p_s)            what stays open when the model is known
    mutual   = total - expected >= 0    what the samples disagree about (BALD)
    """

    total: Array
    expected: Array
    mutual: Array


def entropy(probs: Floats, *, unit: Literal["nats", "bits"] = "nats") -> Array:
    """Entropy of each frame, 0 .. log K: probs (.., K) -> (..).

    H = -sum_k p_k log p_k,   0 log 0 = 0
    """
    return _entropy(door.floats(probs, "probs"), "probs", _nats_in(unit))


def uncertainty(
    samples: Floats, *, unit: Literal["nats", "bits"] = "nats"
) -> Uncertainty:
    """Split the entropy of a mean prediction: samples (S, .., K) -> each (..).

    mutual is at least 0, since entropy is concave (Houlsby et al. 2011); what rounding
    leaves below is set to 0.
    """
    samples = door.floats(samples, "samples")
    if samples.ndim < 2:
        raise ValueError(f"samples has shape {samples.shape}: wanted (S, .., K)")
    nats = _nats_in(unit)
    expected = _entropy(samples, "samples", nats).mean(axis=0)
    mean = samples.mean(axis=0, dtype=np.float64)
    mean /= mean.sum(axis=-1, keepdims=True)
    total = _entropy(mean, "the mean of samples", nats)
    return Uncertainty(total, expected, np.maximum(total - expected, 0.0))


def _nats_in(unit: str) -> float:
    if unit not in NATS_IN:
        raise ValueError(f"unit is {unit!r}: it must be 'nats' or 'bits'")
    return NATS_IN[unit]


def _entropy(probs: Floats, name: str, nats: float) -> Array:
    """Entropy of each frame (..), in units of so many nats."""
    found = np.empty(probs.shape[:-1])
    flat = found.reshape(-1)
    for first, columns in blocks.distributions(probs, name):
        here = slice(first, first + columns.shape[1])
        double = columns.astype(np.float64)
        # What a sum may miss 1 by would show as entropy, or as entropy below 0.
        double /= double.sum(axis=0)
        flat[here] = special.entr(double).sum(axis=0) / nats
    return found
