"""Who learns, who stops the learning, who calibrates and who judges; and the proof."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from models.leakage.certificate import Certificate, certify
from models.leakage.prints import STRETCH
from models.leakage.provenance import Provenance, provenance
from models.leakage.scale import Scale, fitted
from models.leakage.split import Part, Split, part
from models.shapes import IntArray
from models.training.lesson import Batch, lesson, most
from stages.exchange import PARTS
from stages.reading.herd import Herd, Recorded
from stages.training.material import Material

SIZE, HOP = 100, 50
# Of recordings, where every subject is dear: few to learn from would learn little, and
# too few to judge by would say little.
SHARES = {"train": 60, "validate": 10, "calibrate": 15, "test": 15}
Frames = npt.NDArray[np.float32]


class Cohort(NamedTuple):
    """The recordings of one part, and windows cut out of them, raw.

    windows (B, V, P, T); frame_labels (B, T); labels (B,); rows (B,): which recording;
    starts (B,): first frame within its piece; origin: as a split must know them
    """

    recordings: tuple[Recorded, ...]
    windows: Frames
    frame_labels: IntArray
    labels: IntArray
    rows: IntArray
    starts: IntArray
    origin: Provenance


class Cohorts(NamedTuple):
    """The four parts; the scale of the first; and that none of them knows another."""

    parts: dict[str, Cohort]
    scale: Scale
    certificate: Certificate


def divided(herd: Herd, shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Give each subject's part: in the order of hashes, so many as the shares say.

    Each part has one subject or more.
    """
    order = sorted(herd.subjects, key=lambda name: _hashed(name, seed))
    edges = np.cumsum([0.0, *(shares[name] for name in PARTS)])
    counts = np.diff(np.round(edges / edges[-1] * len(order)).astype(int))
    for empty in np.flatnonzero(counts == 0):
        counts[counts.argmax()] -= 1
        counts[empty] = 1
    return dict(zip(order, np.repeat(PARTS, counts).tolist(), strict=True))


def cohorts(herd: Herd, where: Mapping[str, str]) -> Cohorts:
    """Cut every part into windows and prove that they are apart; raise Leak if not."""
    k = len(herd.labels)
    parts = {name: _cohort(herd, where, name, k) for name in PARTS}
    known = {name: part(one.windows, one.origin) for name, one in parts.items()}
    scale = fitted(parts["train"].windows, herd.absent)
    certify(Split(known["train"], known["validate"], known["test"]), scale)
    learned = _joined(parts["train"], parts["validate"])
    certificate = certify(Split(learned, known["calibrate"], known["test"]))
    return Cohorts(parts, scale, certificate)


def _cohort(herd: Herd, where: Mapping[str, str], name: str, k: int) -> Cohort:
    """Cut the recordings of one part.

    What is learned from is cut so that every stretch of it is printed, its end too; the
    rest every half window.
    """
    own = tuple(
        each
        for each in herd.recordings
        if where[each.subject] == name and len(each.truth) >= SIZE
    )
    if not own:
        raise ValueError(f"part {name} has no recording of {SIZE} frames or more")
    hop = SIZE - STRETCH + 1 if name == "train" else HOP
    cut = [starts(len(each.truth), hop, to_end=name == "train") for each in own]
    at = [each[:, None] + np.arange(SIZE) for each in cut]
    windows = np.concatenate(
        [
            each.frames[:, :, rows].transpose(2, 0, 1, 3)
            for each, rows in zip(own, at, strict=True)
        ]
    )
    frame_labels = np.concatenate(
        [each.truth[rows] for each, rows in zip(own, at, strict=True)]
    )
    rows = np.repeat(np.arange(len(own)), [len(each) for each in cut])
    begins = np.concatenate(cut)
    return Cohort(
        own,
        np.ascontiguousarray(windows),
        frame_labels,
        most(torch.from_numpy(frame_labels), k).numpy(),
        rows,
        begins,
        _origin(own, rows, begins),
    )


def starts(n_frames: int, hop: int, *, to_end: bool) -> IntArray:
    """Give the first frame of a window every `hop` frames; and of one at the end."""
    last = n_frames - SIZE
    found = np.arange(0, last + 1, hop)
    return np.unique(np.append(found, last)) if to_end else found


def _origin(own: tuple[Recorded, ...], rows: IntArray, begins: IntArray) -> Provenance:
    """Say where each window comes from."""
    subject, name, stream = (
        np.array([getattr(each, field) for each in own])[rows]
        for field in ("subject", "name", "stream")
    )
    first = np.array([each.first for each in own])[rows] + begins
    return provenance(subject, name, first, first + SIZE, stream)


def _joined(one: Cohort, other: Cohort) -> Part:
    """Describe the windows of two parts as one."""
    pairs = zip(one.origin, other.origin, strict=True)
    return part(
        np.concatenate([one.windows, other.windows]),
        Provenance(*(np.concatenate(pair) for pair in pairs)),
    )


def material(split: Cohorts, behaviours: int) -> Material:
    """Lay the recordings that are learned from end to end, in standard units.

    Of the windows that say when to stop, every second is enough: they overlap.
    """
    train, validate = split.parts["train"], split.parts["validate"]
    data = lesson(
        [split.scale.applied(each.frames[None])[0] for each in train.recordings],
        [each.truth for each in train.recordings],
        behaviours,
    )
    unseen = Batch(
        torch.from_numpy(split.scale.applied(validate.windows[::2])),
        torch.from_numpy(validate.frame_labels[::2]),
        torch.from_numpy(validate.labels[::2]),
    )
    return Material(data, unseen)


def spread(windows: Frames, n: int) -> Frames:
    """Give n windows (n, V, P, T), or all when there are fewer, evenly from all."""
    last, n = len(windows) - 1, min(n, len(windows))
    evenly: Frames = windows[np.linspace(0, last, n).round().astype(np.int64)]
    return evenly


def _hashed(name: str, seed: int) -> Any:
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
