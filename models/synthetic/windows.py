"""Windows cut out of recordings, with where each came from.

A window may hold two behaviours. It has a label for each frame, and for itself the
one that holds most of its frames; where two hold as many, the one seen last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.leakage.provenance import Provenance, provenance
from models.synthetic.door import whole
from models.synthetic.recording import record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from models.shapes import Array, IntArray
    from models.synthetic.recording import Recording
    from models.synthetic.sensing import FloatArray
    from models.synthetic.world import World


class Windows(NamedTuple):
    """Windows to learn from or to judge on.

    frames (B, V, P, T) float32; labels (B,), by window_labels; frame_labels (B, T);
    origin: subject, recording, frames and random stream, as a split must know them
    """

    frames: FloatArray
    labels: IntArray
    frame_labels: IntArray
    origin: Provenance


def windows(recording: Recording, size: int = 100, hop: int = 50) -> Windows:
    """Cut `recording` into windows of `size` frames, one every `hop` frames."""
    start = starts(len(recording.labels), size, hop)
    at = start[:, None] + np.arange(size)
    frame_labels = recording.labels[at]
    return Windows(
        frames=np.ascontiguousarray(recording.frames[:, :, at].transpose(2, 0, 1, 3)),
        labels=window_labels(frame_labels),
        frame_labels=frame_labels,
        origin=origin(recording, start, size),
    )


def origin(recording: Recording, start: IntArray, size: int) -> Provenance:
    """Say where windows of `size` frames that begin at `start` (B,) come from.

    Whoever has the same seed and number is the same subject, and came of the same
    stream, in whatever world: gestures and noise are drawn alike in all of them. At
    another rate its recording is another one.
    """
    who = f"seed {recording.seed}, subject {recording.subject}"
    which = f"{who}, {recording.rate_hz:g} Hz"
    subject, name, stream = (np.full(len(start), each) for each in (who, which, who))
    return provenance(subject, name, start, start + size, stream)


def cohort(
    known: World,
    seed: int,
    subjects: Iterable[int],
    n_seconds: float,
    size: int = 100,
    hop: int = 50,
) -> Windows:
    """Record `subjects`, each once, and cut all into windows."""
    herd = list(subjects)
    if not herd or len(set(herd)) != len(herd):
        raise ValueError(f"subjects wants one or more, each once: found {herd}")
    cut = [windows(record(known, seed, s, n_seconds), size, hop) for s in herd]
    origins = zip(*(each.origin for each in cut), strict=True)
    return Windows(
        np.concatenate([each.frames for each in cut]),
        np.concatenate([each.labels for each in cut]),
        np.concatenate([each.frame_labels for each in cut]),
        Provenance(*(np.concatenate(column) for column in origins)),
    )


def starts(n_frames: int, size: int, hop: int) -> IntArray:
    """Give the first frame of each window that fits whole into `n_frames`: (B,)."""
    last = n_frames - whole("size", size, 1, n_frames)
    return np.arange(0, last + 1, whole("hop", hop, 1), dtype=np.int64)


def window_labels(frame_labels: IntArray) -> IntArray:
    """Give the label that most frames of each window carry: (B, T) -> (B,).

    Of two that are as frequent it is the one seen last.
    """
    _check_labels("frame_labels", frame_labels)
    if frame_labels.ndim != 2:
        raise ValueError(f"frame_labels must be (B, T): found {frame_labels.shape}")
    n_windows, size = frame_labels.shape
    names, at = np.unique(frame_labels, return_inverse=True)
    where = np.arange(n_windows)[:, None], at.reshape(frame_labels.shape)
    counts = np.zeros((n_windows, len(names)), dtype=np.int64)
    np.add.at(counts, where, 1)
    last = np.zeros_like(counts)
    np.maximum.at(last, where, np.arange(size))
    labels: IntArray = names[(counts * size + last).argmax(axis=1)].astype(np.int64)
    return labels


def chance_level(labels: IntArray) -> float:
    """Give the accuracy of always naming the most frequent label: labels of any shape.

    Whoever has looked at no reading does not do better.
    """
    _check_labels("labels", labels)
    share: Array = np.unique(labels, return_counts=True)[1] / labels.size
    return float(share.max())


def _check_labels(name: str, labels: IntArray) -> None:
    """Refuse what are no labels: none at all, no whole numbers, or less than 0."""
    if labels.dtype.kind not in "iu" or not labels.size:
        found = f"{labels.dtype} {labels.shape}"
        raise ValueError(f"{name} must hold whole numbers, one or more: found {found}")
    if labels.min() < 0:
        at = tuple(int(i) for i in np.argwhere(labels < 0)[0])
        raise ValueError(f"{name} must be 0 or more: found {labels[at]} at {at}")
