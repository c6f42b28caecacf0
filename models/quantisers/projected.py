"""Scalar quantisation of wide frames: a narrow linear map in, a wide one out.

The grid has few dimensions and an encoder many. What a graph must hold is `project`,
and the encoder before it; hostside.decode does the rest where rounding is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.quantisers.door import check_map
from models.quantisers.fsq import FSQ


class Encoded(NamedTuple):
    """Frames as codes.

    codes (B, T) int32: on the grid of the levels
    features (B, Z, T): the projected frames, one Z for each of the levels
    embeddings (B, E, T): the vectors that stand for the codes
    """

    codes: Tensor
    features: Tensor
    embeddings: Tensor


class ProjectedFSQ(nn.Module):
    """Quantise maps (B, F, H, T) on a grid, and give maps (B, E, H, T).

    levels: of the grid. feature_dim F and embedding_dim E; both maps are convolutions
    of size 1 by 1. The gradient reaches both, through the grid.
    """

    def __init__(
        self,
        levels: Sequence[int] = (8, 6, 5),
        feature_dim: int = 64,
        embedding_dim: int = 64,
    ) -> None:
        super().__init__()
        self.fsq = FSQ(levels)
        self.num_codes, self.feature_dim = self.fsq.num_codes, feature_dim
        self.project = nn.Conv2d(feature_dim, self.fsq.code_dim, 1)
        self.expand = nn.Conv2d(self.fsq.code_dim, embedding_dim, 1)

    def forward(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Quantise z (B, F, H, T): (B, E, H, T), losses and info as FSQ gives them."""
        check_map(z, self.feature_dim)
        values, losses, info = self.fsq(self.project(z))
        return self.expand(values), losses, info

    @torch.no_grad()
    def encode(self, z: Tensor) -> Encoded:
        """Give codes, projected frames and embeddings of z (B, F, 1, T)."""
        check_map(z, self.feature_dim, one_row=True)
        projected = self.project(z)
        codes = self.fsq.codes_of(projected)
        return Encoded(codes, projected.squeeze(2), self.embed(codes))

    def codes_of(self, z: Tensor) -> Tensor:
        """Give the code of each frame: z (B, F, 1, T) -> (B, T) int32."""
        check_map(z, self.feature_dim, one_row=True)
        return self.fsq.codes_of(self.project(z))

    def embed(self, codes: Tensor) -> Tensor:
        """Give the vectors of codes (B, T) as (B, E, T)."""
        embedded: Tensor = self.expand(self.fsq.embed(codes)[:, :, None])
        return embedded.squeeze(2)
