"""The straight-through gradient: rounding is passed over as if it were not there.

Bengio et al. 2013; van den Oord et al. 2017, equation 3. Written as a function of its
own, the value that goes on is the code itself to the last bit, which z + (q - z) is
not, and the commitment term shares its pass over the gap.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class StraightThrough(torch.autograd.Function):
    """Give (quantised, mse) unchanged, with gradients to z.

    d quantised / d z = 1        d mse / d z = 2 (z - quantised) / size of z

    z and quantised (B, Z, H, T), mse () their mean squared difference. There is no
    gradient to `quantised`: codes move by their averages, and by nothing else.
    """

    @staticmethod
    def forward(_z: Tensor, quantised: Tensor, mse: Tensor) -> tuple[Tensor, Tensor]:
        """Pass on what was computed outside."""
        return quantised.view_as(quantised), mse.view_as(mse)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], _output: Any) -> None:
        """Keep both ends of the gap, which their users keep as well."""
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(
        ctx: Any, grad_codes: Tensor, grad_mse: Tensor
    ) -> tuple[Tensor, None, None]:
        """Add what comes through the codes, as it is, and what comes from the gap."""
        z, quantised = ctx.saved_tensors
        rate = grad_mse * (2.0 / max(1, z.numel()))
        pull = rate * (z.to(rate.dtype) - quantised.to(rate.dtype))
        return grad_codes + pull.to(z.dtype), None, None
