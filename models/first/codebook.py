"""How a codebook is used: shares, perplexity, usage, entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.shapes import IntArray


def histogram(codes: IntArray, n_codes: int) -> IntArray:
    """Count how often each code occurs: codes of any shape -> (C,)."""
    return np.bincount(codes.ravel(), minlength=n_codes)


def entropy(counts: IntArray) -> float:
    """Entropy of the shares of counts (C,), in nats; what never occurs adds nothing."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum()) + 0.0


def perplexity(counts: IntArray) -> float:
    """exp(entropy): as many codes as this, used evenly, would be as uncertain."""
    return float(np.exp(entropy(counts)))


def usage(counts: IntArray) -> float:
    """Share of the codes that occur at all."""
    return float((counts > 0).mean())
