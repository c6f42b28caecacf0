"""What a network at rest says of windows, and how right it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from models.networks.conv2d_vq import Seen
from models.networks.objective import objective
from models.quantisers.statistics import usage
from models.training.course import Course
from models.training.lesson import Batch

AT_ONCE = 256


class Grade(NamedTuple):
    """How well windows are understood.

    loss: the objective. accuracy, frames: share of right labels among the known, of
    windows and of frames. perplexity, usage: of the codes; 0 in an open course.
    """

    loss: float
    accuracy: float
    frames: float
    perplexity: float
    usage: float


class Said(NamedTuple):
    """Logits of windows (B, K) and frames (B, K, T), and codes (B, T); on the CPU."""

    logits: Tensor
    frames: Tensor
    codes: Tensor


def say(course: Course, windows: Tensor) -> Said:
    """Let a network at rest look at windows (B, V, P, T)."""
    said = [
        Said(
            *(
                each.cpu()
                for each in (s.logits.window, s.logits.frames[:, :, 0], s.codes)
            )
        )
        for s in _look(course, torch.split(windows, AT_ONCE))
    ]
    return Said(*(torch.cat(column) for column in zip(*said, strict=True)))


def examine(course: Course, batch: Batch) -> Grade:
    """Grade a network at rest on windows whose labels are known."""
    parts = [
        Batch(*each)
        for each in zip(*(torch.split(x, AT_ONCE) for x in batch), strict=True)
    ]
    losses, hits, frames, codes = [], [], [], []
    for part, seen in zip(
        parts, _look(course, [p.windows for p in parts]), strict=True
    ):
        found = objective(seen, *part, course.weights).total
        losses.append(found.double() * len(part.windows))
        hits.append(seen.logits.window.argmax(1) == part.labels)
        frames.append(seen.logits.frames[:, :, 0].argmax(1) == part.frame_labels)
        codes.append(seen.codes.flatten())
    spread = _spread(course, torch.cat(codes))
    return Grade(
        float(torch.stack(losses).sum()) / len(batch.windows),
        _share(torch.cat(hits), batch.labels),
        _share(torch.cat(frames), batch.frame_labels),
        *spread,
    )


def _look(course: Course, parts: Iterable[Tensor]) -> Iterator[Seen]:
    """Look at windows part by part, with the network at rest meanwhile."""
    was_training = course.training
    course.eval()
    with torch.no_grad():
        for part in parts:
            yield course.look(part)
    course.train(was_training)


def _share(hits: Tensor, labels: Tensor) -> float:
    """Give the share of hits among known labels."""
    known = labels >= 0
    return float((hits & known).sum() / known.sum().clamp(min=1))


def _spread(course: Course, codes: Tensor) -> tuple[float, float]:
    """Give perplexity and usage of codes (J,)."""
    if course.is_open:
        return 0.0, 0.0
    n_codes = int(course.network.quantiser.num_codes)  # type: ignore[attr-defined]
    found = usage(torch.bincount(codes, minlength=n_codes))
    return float(found.perplexity), float(found.usage)
