"""The deployable form: a few arrays, and a decoder that needs nothing else.

Projection, codebook, head and temperature are folded into one affine map and two
tables. The decoder is written again on purpose, straight from the definitions and not
from the models it stands for, so that parity between the two is evidence and not a
tautology.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.first.encoder import LEAST_VARIANCE
from models.shapes import einsum

if TYPE_CHECKING:
    from models.first.recogniser import Recogniser
    from models.shapes import Array, IntArray


class Bundle(NamedTuple):
    """The folded model; `width` is the window's, in frames.

    axes (F, Z), offset (Z,), codes (C, Z), table (C, K), weights (Z, K), width ()
    """

    axes: Array
    offset: Array
    codes: Array
    table: Array
    weights: Array
    width: IntArray


class Decoded(NamedTuple):
    """Codes (T,) and probabilities (T, K) of a recording."""

    codes: IntArray
    probabilities: Array


def fold(known: Recogniser, temperature: float) -> Bundle:
    """Fold a model: (x - shift) axes = x axes + offset; logits / temperature."""
    shift, axes = known.projection
    return Bundle(
        axes=axes,
        offset=-einsum("f,fz->z", shift, axes),
        codes=known.codes,
        table=known.head.table / temperature,
        weights=known.head.weights / temperature,
        width=np.array(known.width),
    )


def decode(bundle: Bundle, frames: Array) -> Decoded:
    """Give the code and the probabilities of each frame, frames (T, V, P)."""
    flat = frames.reshape(len(frames), -1)
    rows = [window(flat[: t + 1][-int(bundle.width) :]) for t in range(len(flat))]
    points = np.stack(rows) @ bundle.axes + bundle.offset
    gaps = points[:, None, :] - bundle.codes[None, :, :]
    codes = (gaps**2).sum(axis=2).argmin(axis=1)
    weights = np.exp(bundle.table[codes] + points @ bundle.weights)
    return Decoded(codes, weights / weights.sum(axis=1, keepdims=True))


def window(flat: Array) -> Array:
    """Mean and log spread of a window (W, V P): the features (F,) of its last frame."""
    spread = np.maximum(flat.var(axis=0), LEAST_VARIANCE)
    return np.concatenate([flat.mean(axis=0), 0.5 * np.log(spread)])
