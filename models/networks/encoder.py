"""Windows to vectors: (B, 9, 2, 100) -> (B, Z, 1, 100), one vector for each frame."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.networks.convolution import Convolution, Reach, Residual, reach
from models.networks.door import enter

WINDOW = (9, 2, 100)  # channels V, places P, frames T
WINDOW_AXES = ("window", "channel", "place", "frame")


class Encoder(nn.Module):
    """See each place alone, then both as one, then ever longer stretches of time.

        stem      (1, 7)  9 -> W/2          each of the two places by itself
        merge     (2, 5)  W/2 -> W          the places become one row
        residual  (1, 5)  W -> W            once for each dilation
        project   (1, 1)  W -> Z            normalised, so that a code has unit scale

    Dilations 1, 3, 9 and 18 reach 67 frames to each side, or 134 back when causal:
    a causal encoder's vector at t does not change with any frame after t, so that what
    it says of a stream's beginning stays said.
    """

    def __init__(
        self,
        *,
        generator: torch.Generator,
        n_dims: int = 64,
        width: int = 48,
        dilations: Sequence[int] = (1, 3, 9, 18),
        causal: bool = False,
    ) -> None:
        super().__init__()
        n_channels, n_places, _ = WINDOW
        half = width // 2
        self.n_dims = n_dims
        self.body = nn.Sequential(
            Convolution(n_channels, half, (1, 7), generator=generator, causal=causal),
            nn.ReLU(),
            Convolution(half, width, (n_places, 5), generator=generator, causal=causal),
            nn.ReLU(),
            *(
                Residual(width, 5, generator=generator, dilation=d, causal=causal)
                for d in dilations
            ),
            Convolution(width, n_dims, (1, 1), generator=generator, gain=1.0),
        )

    @property
    def reach(self) -> Reach:
        """How many frames before and after t the vector at t depends on."""
        return reach(self.body)

    def forward(self, windows: Tensor) -> Tensor:
        """Give the vectors (B, Z, 1, 100) of windows (B, 9, 2, 100) float32."""
        enter("windows", windows, WINDOW_AXES, WINDOW)
        vectors: Tensor = self.body(windows)
        return vectors
