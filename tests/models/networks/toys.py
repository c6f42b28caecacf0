"""A quantiser, windows with a known answer, and networks as they are deployed."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.networks.classifier import Classifier
from models.networks.encoder import Encoder

WINDOW = (1, 9, 2, 100)


class Nearest(nn.Module):
    """The nearest of some fixed codes, with the gradient passed straight through."""

    def __init__(self, n_codes: int = 16, n_dims: int = 64) -> None:
        super().__init__()
        drawn = torch.randn(n_codes, n_dims, generator=stream(5))
        self.codes = nn.Buffer(drawn)

    def forward(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor], dict[str, Any]]:
        """Quantise z (B, Z, 1, T)."""
        rows = z.permute(0, 2, 3, 1)
        indices = torch.cdist(rows.reshape(-1, rows.shape[-1]), self.codes).argmin(-1)
        nearest = self.codes[indices].reshape(rows.shape).permute(0, 3, 1, 2)
        loss = (z - nearest.detach()).square().mean()
        return (
            z + (nearest - z).detach(),
            {"vq": 0.01 * loss},
            {"indices": indices.reshape(rows.shape[:-1])},
        )


class Deployed(nn.Module):
    """Encoder and classifier as one network with three outputs."""

    def __init__(self, seed: int = 0, *, causal: bool = False) -> None:
        super().__init__()
        generator = stream(seed)
        self.encoder = Encoder(generator=generator, causal=causal)
        self.classifier = Classifier(8, generator=generator)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give vectors, logits of the frames and logits of the window."""
        vectors = self.encoder(windows)
        logits = self.classifier(vectors)
        return vectors, logits.frames, logits.window


class Sines(NamedTuple):
    """Windows (B, 9, 2, 100), and how fast each one swings: 0, 1 or 2."""

    windows: Tensor
    window_labels: Tensor
    frame_labels: Tensor


def stream(seed: int) -> torch.Generator:
    """Give a stream of its own."""
    return torch.Generator().manual_seed(seed)


def windows(n_windows: int, seed: int = 0) -> Tensor:
    """Give windows of normal noise."""
    return torch.randn(n_windows, *WINDOW[1:], generator=stream(seed))


def sines(n_windows: int, seed: int = 0) -> Sines:
    """Give sines of 2, 5 or 11 swings a window, at random phases, in some noise."""
    generator = stream(seed)
    label = torch.arange(n_windows) % 3
    swings = torch.tensor([2.0, 5.0, 11.0])[label]
    phase = torch.rand(n_windows, 9, 2, 1, generator=generator)
    turns = swings[:, None, None, None] * torch.arange(100) / 100 + phase
    noise = 0.3 * torch.randn(n_windows, 9, 2, 100, generator=generator)
    moving = (2 * torch.pi * turns).sin() + noise
    return Sines(moving, label, label[:, None].expand(-1, 100).contiguous())
