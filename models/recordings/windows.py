"""Windows of one length, with their labels and where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from models.leakage.provenance import Provenance, provenance
from models.recordings.labels import UNLABELLED, majority_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.recordings.together import Together
    from models.shapes import Array, IntArray


class Windows(NamedTuple):
    """B windows of T frames, and what a split must know of them.

    frames (B, V, P, T) float32: as the network reads them
    labels (B,): of most of its frames, -1 where there is none
    frame_labels (B, T): of each frame, -1 where it is not labelled
    bridged (B,): the share of its frames that were not measured but bridged
    origin: subject, recording and frames of the grid
    """

    frames: npt.NDArray[np.float32]
    labels: IntArray
    frame_labels: IntArray
    bridged: Array
    origin: Provenance


def windows(
    recording: Sequence[Together],
    *,
    subject: str,
    name: str,
    labels: Sequence[IntArray] | None = None,
    length: int = 100,
    hop: int = 50,
    most_bridged: float = 0.1,
    purity: float = 0.5,
) -> Windows:
    """Cut windows of `length` frames, one each `hop`, out of pieces (T, V, P).

    labels: (T,) for each piece, -1 where not known. No window lies over a hole; one of
    which more than `most_bridged` was bridged is left out. Frames behind the last whole
    window are left out. Of pieces that are all too short come no windows.
    """
    are_whole = all(isinstance(each, (int, np.integer)) for each in (length, hop))
    if not are_whole or min(length, hop) < 1:
        message = f"length is {length} and hop {hop}: wanted whole frames, 1 or more"
        raise ValueError(message)
    if not 0.0 <= most_bridged <= 1.0:
        raise ValueError(f"most_bridged is {most_bridged}: wanted a share, 0 to 1")
    if not recording:
        message = f"recording {name!r} has no piece: nothing was measured together"
        raise ValueError(message)
    said = labels
    if said is None:
        said = [np.full(len(each.frames), UNLABELLED) for each in recording]
    _check_labels(recording, said)
    cut = [_cut(*pair, length, hop) for pair in zip(recording, said, strict=True)]
    frames, frame_labels, bridged, start = (
        np.concatenate(columns) for columns in zip(*cut, strict=True)
    )
    kept = bridged <= most_bridged
    n_kept = int(kept.sum())
    origin = provenance(
        np.full(n_kept, subject),
        np.full(n_kept, name),
        start[kept],
        start[kept] + length,
    )
    return Windows(
        frames[kept],
        majority_of(frame_labels[kept], purity),
        frame_labels[kept],
        bridged[kept],
        origin,
    )


def _cut(
    piece: Together, labels: IntArray, length: int, hop: int
) -> tuple[npt.NDArray[np.float32], IntArray, Array, IntArray]:
    """Give frames (B, V, P, T), labels (B, T), share bridged (B,), first frame (B,)."""
    start = np.arange(0, len(piece.frames) - length + 1, hop)
    rows = start[:, None] + np.arange(length)
    frames = piece.frames.astype(np.float32)[rows].transpose(0, 2, 3, 1)
    bridged = piece.bridged[rows].mean(axis=1)
    return np.ascontiguousarray(frames), labels[rows], bridged, piece.first + start


def _check_labels(recording: Sequence[Together], labels: Sequence[IntArray]) -> None:
    """Refuse labels that are not one for each frame of each piece."""
    shapes = [each.shape for each in labels]
    wanted = [(len(each.frames),) for each in recording]
    if shapes != wanted or any(each.dtype.kind not in "iu" for each in labels):
        message = (
            f"labels have shapes {shapes}: wanted whole numbers of shapes {wanted}"
        )
        raise ValueError(message)
