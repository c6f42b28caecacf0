"""What gestures say of behaviour: exact likelihoods, style known or integrated out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.synthetic.gestures import SIDED

if TYPE_CHECKING:
    from models.shapes import Array, IntArray
    from models.synthetic.world import World


def log_gestures(
    known: World, gestures: Array, paths: IntArray, shift: Array | None
) -> Array:
    """Give log p(gestures (B, m, U) | paths (Q, m)): (B, Q).

    With the style `shift` (U,) known, a bout's gesture is Gaussian about usual + shift.
    Unknown (None), it moves all of a view's bouts alike by b ~ N(0, s^2), so that for
    each number, with residuals r_i and precisions w_i,

        log p = sum_i log N(r_i; 0, 1 / w_i) + (s V)^2 / 2 g - log(g) / 2
        g = 1 + s^2 sum_i w_i,  V = sum_i w_i r_i

    which is the Gaussian with the covariance diag(1 / w) + s^2 (Sherman, Morrison).
    """
    at = np.arange(paths.shape[1])
    usual = known.usual if shift is None else known.usual + shift
    alone: Array = log_alone(known, gestures, usual)[:, at, paths].sum(axis=-1)
    if shift is not None:
        return alone
    weight = known.varies**-2.0
    pull = weight * (gestures[:, :, None] - usual)
    free = np.flatnonzero(known.style)
    for u in free:
        grip = 1.0 + known.style[u] ** 2 * weight[paths, u].sum(axis=1)  # (Q,)
        drawn = known.style[u] * pull[..., u][:, at, paths].sum(axis=-1)  # (B, Q)
        alone += 0.5 * (drawn**2 / grip - np.log(grip))
    return alone


def log_alone(known: World, gestures: Array, usual: Array) -> Array:
    """Give log p(gesture (..., U) | k) about `usual` (K, U), one bout by itself.

    (..., K). The side is a coin: half as planned, half with SIDED mirrored. What all
    behaviours share, the 2 pi and the half, is left out.
    """
    sided = list(SIDED)
    bell = _log_bell(gestures[..., None, :] - usual, known.varies)
    mirrored = gestures[..., None, sided] + usual[:, sided]
    other = _log_bell(mirrored, known.varies[:, sided]).sum(axis=-1)
    plain = np.delete(bell, sided, axis=-1).sum(axis=-1)
    alone: Array = plain + np.logaddexp(bell[..., sided].sum(axis=-1), other)
    return alone


def _log_bell(residual: Array, deviation: Array) -> Array:
    """Give log N(residual; 0, deviation^2), but for the 2 pi."""
    bell: Array = -0.5 * (residual / deviation) ** 2 - np.log(deviation)
    return bell
