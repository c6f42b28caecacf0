"""What of a calibration error is chance: few frames make a gap in every bin.

A gap that is g in truth, seen with a normal error of spread s, is on average

    E |g + s e| = s sqrt(2 / pi) exp(-g^2 / 2 s^2) + g (1 - 2 Phi(-g / s)),

which exceeds |g|. So an expected calibration error is too large, most at calibration.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from models.calibration.bins import by_width

if TYPE_CHECKING:
    from models.calibration.bins import Bins
    from models.calibration.door import Floats, Integers
    from models.shapes import Array


def spread(bins: Bins) -> Array:
    """Standard error of weight times gap of each bin (M,), for independent frames."""
    least = np.maximum(bins.frames, 1)
    accuracy = bins.right / least
    error: Array = np.sqrt(bins.frames * accuracy * (1.0 - accuracy))
    error /= bins.frames.sum()
    return error


def folded_mean(gaps: Array, spreads: Array) -> Array:
    """Mean of |gap + spread e| for a standard normal e."""
    certain = np.where(spreads > 0.0, spreads, 1.0)
    z = np.abs(gaps) / certain
    mean = math.sqrt(2.0 / math.pi) * np.exp(-0.5 * z**2) + z * special.erf(
        z / math.sqrt(2.0)
    )
    return np.where(spreads > 0.0, certain * mean, np.abs(gaps))


def floor(spreads: Array) -> float:
    """The error which perfect calibration would show on as many frames, on average."""
    return float(folded_mean(np.zeros_like(spreads), spreads).sum())


def debiased(gaps: Array, spreads: Array) -> float:
    """Take from sum |gap| what the seen gaps would gain by chance (Kumar et al. 2019).

    Never below 0. At perfect calibration some of the floor is left: compare with it.
    """
    seen = float(np.abs(gaps).sum())
    gained = float(folded_mean(gaps, spreads).sum()) - seen
    return max(0.0, seen - gained)


def debiased_ece(probs: Floats, labels: Integers, *, n_bins: int = 15) -> float:
    """Expected calibration error less its bias: probs (.., K), labels (..)."""
    bins = by_width(probs, labels, n_bins=n_bins)
    return debiased(bins.weight * bins.gap, spread(bins))
