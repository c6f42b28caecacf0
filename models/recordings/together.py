"""Several devices side by side, where all of them measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.recordings.pieces import Piece
from models.recordings.spans import meet

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray


class Together(NamedTuple):
    """Frames of P devices with V channels each, without a hole.

    first: the number of its first frame on the grid
    frames  (T, V, P): the readings
    bridged (T,): which were bridged in any device
    """

    first: int
    frames: Array
    bridged: BoolArray


def together(*devices: tuple[Piece, ...]) -> tuple[Together, ...]:
    """Cut the pieces of P devices, on one grid and in order, to where all have one.

    Raise ValueError when their channels are not as many. Time by pieces, each once.
    """
    if not devices:
        raise ValueError("together has no device: wanted one or more")
    widths = {piece.frames.shape[1] for pieces in devices for piece in pieces}
    if len(widths) > 1:
        message = f"the devices have {sorted(widths)} channels: wanted as many each"
        raise ValueError(message)
    if not all(devices):
        return ()
    lists = [
        np.array([(each.first, each.first + len(each.frames)) for each in pieces])
        for pieces in devices
    ]
    return tuple(
        _stacked(
            [
                _cut(*each, int(low), int(high))
                for each in zip(devices, lists, strict=True)
            ]
        )
        for low, high in meet(lists)
    )


def _cut(pieces: tuple[Piece, ...], spans: IntArray, low: int, high: int) -> Piece:
    """Give the frames from low to high, which lie in the last piece to begin by low."""
    whole = pieces[np.searchsorted(spans[:, 0], low, side="right") - 1]
    rows = slice(low - whole.first, high - whole.first)
    return Piece(low, whole.frames[rows], whole.bridged[rows])


def _stacked(cut: list[Piece]) -> Together:
    """Lay pieces of the same frames side by side."""
    return Together(
        cut[0].first,
        np.stack([piece.frames for piece in cut], axis=2),
        np.logical_or.reduce([piece.bridged for piece in cut]),
    )
