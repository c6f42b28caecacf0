"""A trained network as one module: raw windows to codes and logits."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.leakage.scale import Scale
from models.networks.conv2d_vq import Conv2dVQ
from models.networks.folding import folded
from models.networks.onnx_codes import lookup_of, parts
from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.fsq import FSQ
from models.quantisers.hostside import thresholds


class Whole(nn.Module):
    """Standard units, encoder, quantiser and classifier; what training needs is left.

    Batch norms are folded, and logits divided by the temperature.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, network: Conv2dVQ, scale: Scale, temperature: float) -> None:
        super().__init__()
        rest = folded(network)
        project, rule, expand = parts(rest.quantiser)
        self.encoder, self.classifier = rest.encoder, rest.classifier
        self.project, self.expand = project or nn.Identity(), expand or nn.Identity()
        self.rule = _Grid(rule) if isinstance(rule, FSQ) else _Nearest(rule)
        self.temperature = temperature
        for name, numbers in (("mean", scale.mean), ("deviation", scale.deviation)):
            held = torch.tensor(numbers, dtype=torch.float32)
            self.register_buffer(name, held[None, ..., None])

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        """Give codes (B, T) int32 and logits (B, K) of raw windows (B, V, P, T)."""
        latent = self.encoder((windows - self.mean) / self.deviation)
        codes, vectors = self.rule(self.project(latent))
        logits = self.classifier(self.expand(vectors))
        return codes, logits.window / self.temperature


class _Nearest(nn.Module):
    """The codebook at rest: map (B, Z, 1, T) to codes (B, T) and their vectors."""

    def __init__(self, rule: VectorQuantizerEMA2D) -> None:
        super().__init__()
        moved, bias = lookup_of(rule)
        self.codebook = nn.Buffer(rule.codebook)
        self.moved = nn.Buffer(torch.tensor(moved.T.copy()))
        self.bias = nn.Buffer(torch.tensor(bias))

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Find the best score."""
        frames = latent.squeeze(2).transpose(1, 2)
        codes = (torch.matmul(frames, self.moved) + self.bias).argmax(2)
        vectors = nn.functional.embedding(codes, self.codebook)
        return codes.int(), vectors.transpose(1, 2)[:, :, None]


class _Grid(nn.Module):
    """The grid at rest: map (B, Z, 1, T) to codes (B, T) and their values."""

    def __init__(self, rule: FSQ) -> None:
        super().__init__()
        # Infinite where a dimension has fewer: a nan is not equal to itself.
        steps = torch.tensor(thresholds(rule.grid))
        self.thresholds = nn.Buffer(steps[:, None, :, None, None])
        self.strides, self.halves = nn.Buffer(rule.strides), nn.Buffer(rule.halves)

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Count the thresholds that are reached."""
        reached = latent[None] >= self.thresholds
        level = reached.to(torch.float32).sum(0)
        codes = (level * self.strides).sum(1).squeeze(1).int()
        return codes, (level - self.halves) / self.halves
