"""Vectors back to windows: (B, Z, 1, 100) -> (B, 9, 2, 100)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.networks.convolution import Convolution, Residual
from models.networks.door import enter
from models.networks.encoder import WINDOW

VECTOR_AXES = ("window", "dimension", "row", "frame")


class Decoder(nn.Module):
    """Rebuild the signal from the vectors around each frame, 8 to each side.

    widen     (1, 5)  Z -> W
    residual  (1, 5)  W -> W            dilation 2
    rebuild   (1, 5)  W -> 18           9 channels of 2 places, then laid out so
    """

    def __init__(
        self, *, generator: torch.Generator, n_dims: int = 64, width: int = 48
    ) -> None:
        super().__init__()
        n_channels, n_places, n_frames = WINDOW
        self.size = (n_dims, 1, n_frames)
        self.body = nn.Sequential(
            Convolution(n_dims, width, (1, 5), generator=generator),
            nn.ReLU(),
            Residual(width, 5, generator=generator, dilation=2),
            Convolution(
                width,
                n_channels * n_places,
                (1, 5),
                generator=generator,
                has_norm=False,
                gain=1.0,
            ),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """Give the windows (B, 9, 2, 100) that vectors (B, Z, 1, 100) stand for."""
        enter("vectors", vectors, VECTOR_AXES, self.size)
        rebuilt: Tensor = self.body(vectors)
        return rebuilt.reshape(-1, *WINDOW)
