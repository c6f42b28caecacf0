"""Has a sampler moved what it must leave in place? A joint-distribution test.

Draw the unknowns from the prior and data given them, then let the sampler draw the
unknowns anew: both pairs have one law (Geweke 2004), so any function of them has one
mean. Every replicate begins anew, so replicates are independent and the error of the
mean difference is known without any guess at autocorrelation.
"""

from __future__ import annotations

import numpy as np

from models.shapes import Array

# Two-sided probability of a standard normal beyond it: 2e-8, and seeds are fixed.
FAR = 5.6


def drift(before: Array, after: Array) -> Array:
    """Mean change in standard errors: before (R, Q), after (R, Q) -> (Q,)."""
    change = after - before
    error = change.std(axis=0, ddof=1) / np.sqrt(len(change))
    return np.where(error > 0.0, change.mean(axis=0) / np.maximum(error, 1e-300), 0.0)


def off(draws: Array, mean: Array | float) -> Array:
    """Mean of draws (R, ..) against the known one, in standard errors."""
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    gap: Array = (draws.mean(axis=0) - mean) / np.maximum(error, 1e-300)
    return gap
