"""The rotation trick: the gradient turns with the frame onto its code.

Fifty et al. 2024, "Restructuring vector quantization with the rotation trick". The code
is written as q = s R z, where R turns z onto the direction of q and s = |q| / |z|; both
are held fixed in the backward pass. Frames of one cell then get gradients that differ.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from models.quantisers.straight import StraightThrough


class Rotated(StraightThrough):
    """Straight-through values, with d quantised / d z = s R in each frame.

    z and quantised (B, Z, H, T); a frame or a code of length zero has no direction, and
    there the gradient passes as it is.
    """

    @staticmethod
    def backward(
        ctx: Any, grad_codes: Tensor, grad_mse: Tensor
    ) -> tuple[Tensor, None, None]:
        """Turn what comes through the codes back by each frame's own rotation."""
        turned = turned_back(grad_codes, *ctx.saved_tensors)
        return StraightThrough.backward(ctx, turned, grad_mse)


def turned_back(grad: Tensor, z: Tensor, quantised: Tensor) -> Tensor:
    """Give s R^T grad along axis 1, with R the rotation of z onto quantised.

        R = I - 2 r r^T + 2 q z^T,   r = (z + q) / |z + q|,   z and q of length one

    Opposite directions leave r undefined; r = 0 then gives a reflection onto q.
    """
    wide = torch.promote_types(z.dtype, torch.float32)
    back = grad.to(wide)
    length_z, to_z = _split(z.to(wide))
    length_q, to_q = _split(quantised.to(wide))
    _, between = _split(to_z + to_q)
    turned = back - 2 * between * _dot(between, back) + 2 * to_z * _dot(to_q, back)
    lost = (length_z == 0) | (length_q == 0)
    scale = length_q / length_z.masked_fill(lost, 1.0)
    return torch.where(lost, back, scale * turned).to(grad.dtype)


def _split(x: Tensor) -> tuple[Tensor, Tensor]:
    """Length (B, 1, H, T) and direction (B, Z, H, T); zero has the direction zero."""
    length = x.norm(dim=1, keepdim=True)
    return length, x / length.masked_fill(length == 0, 1.0)


def _dot(x: Tensor, y: Tensor) -> Tensor:
    """Inner product along axis 1, which stays."""
    return (x * y).sum(1, keepdim=True)
