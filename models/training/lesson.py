"""What is learned from: long series, and the windows that lie in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from models.shapes import IntArray


class Batch(NamedTuple):
    """Windows (B, V, P, T), and the labels of their frames (B, T) and of each (B,)."""

    windows: Tensor
    frame_labels: Tensor
    labels: Tensor


class Lesson(NamedTuple):
    """Recordings end to end, J frames in all.

    frames (V, P, J) float32, in standard units; labels (J,) int64, -1 unknown
    begins, lengths (R,): where each recording lies; no window spans two
    behaviours: K
    """

    frames: Tensor
    labels: Tensor
    begins: IntArray
    lengths: IntArray
    behaviours: int

    def at(self, starts: IntArray, size: int) -> Batch:
        """Cut the windows of `size` frames that begin at `starts` (B,)."""
        first = torch.from_numpy(starts).to(self.labels.device)
        windows = self.frames.unfold(-1, size, 1)[:, :, first]
        frame_labels = self.labels.unfold(0, size, 1)[first]
        labels = most(frame_labels, self.behaviours)
        # Channels last, which is what convolutions read fastest.
        laid_out = windows.permute(2, 0, 1, 3).contiguous(
            memory_format=torch.channels_last
        )
        return Batch(laid_out, frame_labels, labels)


def lesson(
    frames: Sequence[npt.NDArray[Any]], labels: Sequence[IntArray], behaviours: int
) -> Lesson:
    """Lay recordings (V, P, T) float32 and their labels (T,) end to end."""
    lengths = np.array([len(each) for each in labels], dtype=np.int64)
    if not len(frames) or [each.shape[-1] for each in frames] != lengths.tolist():
        raise ValueError(f"{len(frames)} recordings and their labels do not agree")
    return Lesson(
        torch.from_numpy(np.concatenate(frames, axis=-1, dtype=np.float32)),
        torch.from_numpy(np.concatenate(labels).astype(np.int64)),
        np.cumsum(lengths) - lengths,
        lengths,
        behaviours,
    )


def most(frame_labels: Tensor, behaviours: int) -> Tensor:
    """Give the label that most frames of each window carry: (B, T) -> (B,) int64.

    Of two that are as frequent, the one seen last, as models/synthetic/windows.py has
    it; frames that are not labelled do not vote, and a window without votes has -1.
    """
    size = frame_labels.shape[1]
    votes = functional.one_hot(frame_labels + 1, behaviours + 1)[..., 1:]
    place = torch.arange(size, device=frame_labels.device)[:, None]
    score = votes.sum(1) * size + (votes * place).amax(1)
    winner = score.argmax(1)
    return torch.where(votes.sum((1, 2)) > 0, winner, -1)
