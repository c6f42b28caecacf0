"""Frames to codes and to what they say: the whole trained model as one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.first import classifier, encoder, quantiser
from models.first.classifier import Head
from models.first.encoder import Projection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.shapes import Array, IntArray


class Recogniser(NamedTuple):
    """A projection onto points, codes (C, Z), a head, and the window's width."""

    projection: Projection
    codes: Array
    head: Head
    width: int


class Reading(NamedTuple):
    """What a recogniser makes of a recording: codes (T,), logits (T, K)."""

    codes: IntArray
    logits: Array


def read(known: Recogniser, frames: Array) -> Reading:
    """Recognise each of frames (T, V, P)."""
    points = encoder.encode(known.projection, frames, known.width)
    codes = quantiser.assign(known.codes, points)
    return Reading(codes, classifier.logits(known.head, codes, points))


def to_arrays(known: Recogniser) -> dict[str, Array]:
    """Give all that a recogniser is, by name."""
    return {
        **known.projection._asdict(),
        **known.head._asdict(),
        "codes": known.codes,
        "width": np.array(float(known.width)),
    }


def from_arrays(arrays: Mapping[str, Array]) -> Recogniser:
    """Undo `to_arrays`."""
    return Recogniser(
        projection=Projection(arrays["shift"], arrays["axes"]),
        codes=arrays["codes"],
        head=Head(arrays["table"], arrays["weights"]),
        width=int(arrays["width"]),
    )


def accuracy(logits: Array, labels: IntArray) -> float:
    """Share of frames whose largest logit is their label: (.., K) and (..)."""
    return float((logits.argmax(axis=-1) == labels).mean())
