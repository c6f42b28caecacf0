"""Vectors to logits, for each frame and for the window; nothing is normalised here."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.networks.convolution import Convolution
from models.networks.decoder import VECTOR_AXES
from models.networks.door import enter
from models.networks.encoder import WINDOW


class Logits(NamedTuple):
    """Scores before any softmax, which belongs to the loss or to the host.

    frames (B, K, 1, 100): log p(behaviour of frame t) + c(b, t)
    window (B, K): log p(behaviour of the window) + c(b)
    """

    frames: Tensor
    window: Tensor


class Classifier(nn.Module):
    """Two heads on one hidden layer, which sees one frame and no other.

        hidden = relu(norm(conv(z)))
        frames = conv(hidden)         window = conv(mean over the frames of hidden)

    What a frame's logits see is what its vector saw: a causal encoder stays causal.
    """

    def __init__(
        self,
        n_behaviours: int,
        *,
        generator: torch.Generator,
        n_dims: int = 64,
        width: int = 48,
    ) -> None:
        super().__init__()
        if n_behaviours < 2:
            raise ValueError(f"n_behaviours must be 2 or more, found {n_behaviours}")
        n_frames = WINDOW[2]
        self.size = (n_dims, 1, n_frames)
        self.hidden = Convolution(n_dims, width, (1, 1), generator=generator)
        self.mean = nn.AvgPool2d((1, n_frames))
        self.frames = self._head(width, n_behaviours, generator)
        self.window = self._head(width, n_behaviours, generator)

    @staticmethod
    def _head(width: int, n_behaviours: int, generator: torch.Generator) -> Convolution:
        """Give one linear map of every frame to logits."""
        return Convolution(
            width, n_behaviours, (1, 1), generator=generator, has_norm=False, gain=1.0
        )

    def forward(self, vectors: Tensor) -> Logits:
        """Give the logits of vectors (B, Z, 1, 100)."""
        enter("vectors", vectors, VECTOR_AXES, self.size)
        hidden = torch.relu(self.hidden(vectors))
        window: Tensor = self.window(self.mean(hidden))
        return Logits(self.frames(hidden), window.flatten(1))
