"""Finite scalar quantisation of maps (B, Z, H, T): a fixed grid, and no codebook.

Mentzer et al. 2023, on the grid of models/quantisers/grid.py. Nothing is learnt here,
so nothing can collapse, and there is no loss to weigh.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from models.quantisers import tally
from models.quantisers.door import check_codes, check_map, refuse_non_finite
from models.quantisers.grid import grid
from models.quantisers.precision import KeepsPrecision
from models.quantisers.statistics import usage


class OverTheGrid(torch.autograd.Function):
    """Give values unchanged, and tanh's gradient to z: d value / d z = 1 - tanh(z)^2.

    The value is tanh(z) but for the rounding, which is passed over.
    """

    @staticmethod
    def forward(_z: Tensor, values: Tensor) -> Tensor:
        """Pass on what was computed outside."""
        return values.view_as(values)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], _output: Any) -> None:
        """Keep z alone."""
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Carry the gradient at the values over to z."""
        (z,) = ctx.saved_tensors
        return grad * (1.0 - z.tanh().square()), None


class FSQ(KeepsPrecision):
    """Round each dimension of a frame to one of its levels.

    levels: how many there are in each dimension; [8, 6, 5] makes 240 codes. A map has
    one channel per dimension. There are no parameters, and nothing to save.
    """

    thresholds: Tensor
    halves: Tensor
    strides: Tensor
    bases: Tensor

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        self.grid = grid(levels)
        self.levels, self.num_codes = self.grid.levels, self.grid.n_codes
        self.code_dim = len(self.levels)
        constants = {
            "thresholds": self.grid.thresholds,
            "halves": self.grid.halves,
            "strides": self.grid.strides,
            "bases": self.levels,
        }
        for name, numbers in constants.items():
            held = torch.tensor(numbers, dtype=torch.float32)[..., None, None]
            self.register_buffer(name, held, persistent=False)
        self.thresholds = self.thresholds[:, None]

    def forward(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Quantise z (B, Z, H, T), with the returns of the quantiser of averages.

        Give values (B, Z, H, T) in [-1, 1], losses that are zero, and indices
        (B, H, T) int64, code_histogram (C,) of this batch, entropy in nats, perplexity,
        active_codes and usage. A grid has no dead codes.
        """
        values, indices = self.quantise(z)
        won = tally.wins(indices.flatten(), self.num_codes)
        found = usage(won)._asdict()
        found["indices"] = indices
        found["code_histogram"] = won
        nothing = torch.zeros((), device=z.device)
        found["dead_codes"] = nothing.long()
        losses = {"commitment": nothing, "codebook": nothing, "vq": nothing}
        return values, losses, found

    def quantise(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Values (B, Z, H, T) with a gradient to z, and codes (B, H, T) int64."""
        check_map(z, self.code_dim)
        refuse_non_finite(z, z.detach().sum(dtype=torch.float32))
        level = self.levels_of(z)
        codes = (level * self.strides).sum(1).long()
        values = self._values(level).to(z.dtype)
        if z.requires_grad and torch.is_grad_enabled():
            pass_on: Callable[..., Tensor] = OverTheGrid.apply
            values = pass_on(z, values)
        return values, codes

    def levels_of(self, z: Tensor) -> Tensor:
        """Level of each entry, (B, Z, H, T): how many thresholds it has reached.

        Whole numbers in single precision, which holds every code exactly.
        """
        reached = z.detach() >= self.thresholds
        return reached.sum(0, dtype=torch.int32).to(self.thresholds.dtype)

    @torch.no_grad()
    def codes_of(self, z: Tensor) -> Tensor:
        """Give the code of each frame: z (B, Z, 1, T) -> (B, T) int32."""
        check_map(z, self.code_dim, one_row=True)
        return self.quantise(z)[1].squeeze(1).int()

    def embed(self, codes: Tensor) -> Tensor:
        """Give the values of codes (B, T) as (B, Z, T)."""
        check_codes(codes, self.num_codes)
        shape = (self.code_dim, 1)
        strides, bases = self.strides.view(shape).int(), self.bases.view(shape).int()
        level = codes.int()[:, None] // strides % bases
        return (level - self.halves.view(shape)) / self.halves.view(shape)

    def _values(self, level: Tensor) -> Tensor:
        """Values of levels: exact numbers and one division, the same anywhere."""
        return (level - self.halves) / self.halves

    def extra_repr(self) -> str:
        """Say what matters when a network is printed."""
        return f"levels {list(self.levels)}, {self.num_codes} codes"
