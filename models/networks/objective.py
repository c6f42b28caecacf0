"""The number that training makes small, and the parts it is the sum of."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from models.networks.conv2d_vq import Seen
from models.networks.door import is_traced


class Weights(NamedTuple):
    """How much each part counts."""

    reconstruction: float = 1.0
    quantiser: float = 1.0
    frames: float = 1.0
    window: float = 1.0


class Objective(NamedTuple):
    """total = sum of weight * part, each part a mean over what it is of.

    reconstruction: squared error. quantiser: its own loss "vq".
    frames, window: -log softmax(logits)[label], in nats.
    """

    total: Tensor
    reconstruction: Tensor
    quantiser: Tensor
    frames: Tensor
    window: Tensor


def objective(
    seen: Seen,
    windows: Tensor,
    frame_labels: Tensor,
    window_labels: Tensor,
    weights: Weights = Weights(),  # noqa: B008 - a named tuple of numbers cannot change
) -> Objective:
    """Compare what was seen with windows (B, 9, 2, 100) and labels (B, 100), (B,).

    A label of -1 is unknown and does not count; with none known the part is 0.
    """
    if windows.shape != seen.reconstruction.shape:
        raise ValueError(
            f"windows must be the {tuple(seen.reconstruction.shape)} that were seen, "
            f"found {tuple(windows.shape)}"
        )
    frames = seen.logits.frames.squeeze(2)
    _refuse("frame_labels", frame_labels, frames)
    _refuse("window_labels", window_labels, seen.logits.window)
    parts = (
        functional.mse_loss(seen.reconstruction, windows),
        seen.losses["vq"],
        _cross_entropy(frames, frame_labels),
        _cross_entropy(seen.logits.window, window_labels),
    )
    total = torch.stack([w * p for w, p in zip(weights, parts, strict=True)]).sum()
    return Objective(total, *parts)


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Give the mean over known labels of -log softmax(logits)[label]."""
    summed = functional.cross_entropy(
        logits, labels.long(), ignore_index=-1, reduction="sum"
    )
    return summed / (labels != -1).sum().clamp(min=1)


def _refuse(name: str, labels: Tensor, logits: Tensor) -> None:
    """Refuse what is not one label for each place of logits (B, K, ...), in words.

    On a GPU a label out of range would end the process there and then.
    """
    if is_traced(labels):
        return
    shape, k = (len(logits), *logits.shape[2:]), logits.shape[1]
    kind = str(labels.dtype).removeprefix("torch.")
    if labels.shape != shape or "int" not in kind:
        raise ValueError(
            f"{name} must be {shape} whole numbers, found {tuple(labels.shape)} {kind}"
        )
    bad = ((labels < -1) | (labels >= k)).nonzero()
    if len(bad):
        first = tuple(bad[0].tolist())
        raise ValueError(
            f"{name} holds {int(labels[first])} at {first}: "
            f"labels are 0 .. {k - 1}, and -1 where none is known"
        )
