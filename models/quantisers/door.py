"""What a quantiser refuses, and how it says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.jit._trace import is_tracing

WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
# Declared with its type, which the library leaves out.
TRACING: Callable[[], bool] = is_tracing


def is_traced() -> bool:
    """Say whether a graph is being made of this, which can hold no refusal."""
    return torch.compiler.is_compiling() or TRACING()


def check_map(z: Tensor, n_dims: int, *, one_row: bool = False) -> None:
    """Want a floating map (B, Z, H, T) of the right Z, and H = 1 with `one_row`."""
    if z.dim() != 4 or z.shape[1] != n_dims:
        raise ValueError(f"z is {tuple(z.shape)}: wanted (B, {n_dims}, H, T)")
    if one_row and z.shape[2] != 1:
        message = f"z is {tuple(z.shape)}: codes (B, T) want a height of 1"
        raise ValueError(message)
    if not z.is_floating_point():
        raise ValueError(f"z holds {z.dtype}: wanted floating point")


def refuse_non_finite(z: Tensor, total: Tensor) -> None:
    """Refuse z when `total`, a sum over it, is not finite because an entry is not.

    Looking at one sum that is there anyway is a pass saved.
    """
    if is_traced() or math.isfinite(float(total)):
        return
    wrong = (~z.isfinite()).nonzero()
    if len(wrong):
        place = wrong[0].tolist()
        found = float(z[tuple(place)])
        raise ValueError(f"z holds {found} at {place}: frames must be finite")


def refuse_without_square(z: Tensor, squares: Tensor) -> None:
    """Refuse z when `squares`, a sum of squares over all processes, is not finite."""
    refuse_non_finite(z, squares)
    if is_traced() or math.isfinite(float(squares)):
        return
    largest = float(z.abs().max()) if z.numel() else 0.0
    if largest > 1e15:
        raise ValueError(f"z reaches {largest:.3g}: its square is no finite number")
    raise ValueError("the batch of another process holds nan or an infinity")


def check_codes(codes: Tensor, n_codes: int) -> None:
    """Want codes (B, T) in 0..n_codes - 1."""
    if codes.dim() != 2 or codes.dtype not in WHOLE:
        found = f"{tuple(codes.shape)} of {codes.dtype}"
        raise ValueError(f"codes are {found}: wanted integers (B, T)")
    if is_traced():
        return
    # Wide first: a number of codes that a narrow type cannot hold would wrap around.
    wide = codes.long()
    wrong = ((wide < 0) | (wide >= n_codes)).nonzero()
    if len(wrong):
        place = wrong[0].tolist()
        found = f"{int(codes[tuple(place)])} at {place}"
        raise ValueError(f"codes hold {found}: they must lie in 0..{n_codes - 1}")


def check_settings(
    asked: Any, *, starts: Mapping[str, object], gradients: Mapping[str, object]
) -> None:
    """Want settings of a moving-average quantiser that make sense."""
    scale = asked.init_scale
    rules = (
        ("num_codes", asked.num_codes >= 1, "at least 1"),
        ("code_dim", asked.code_dim >= 1, "at least 1"),
        ("decay", 0.0 <= asked.decay < 1.0, "in [0, 1)"),
        ("epsilon", 0.0 < asked.epsilon < 1.0, "in (0, 1)"),
        (
            "commitment_cost",
            0.0 <= asked.commitment_cost < math.inf,
            "0 or more, and finite",
        ),
        (
            "init_scale",
            scale is None or 0.0 < scale < math.inf,
            "above 0 and finite, or None",
        ),
        ("dead_code_threshold", 0.0 <= asked.dead_code_threshold < 1.0, "in [0, 1)"),
        ("init", asked.init in starts, f"one of {', '.join(starts)}"),
        ("gradient", asked.gradient in gradients, f"one of {', '.join(gradients)}"),
    )
    for name, holds, wanted in rules:
        if not holds:
            found = getattr(asked, name)
            raise ValueError(f"{name} is {found!r}: it must be {wanted}")
