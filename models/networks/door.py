"""What may enter a network, checked once and in words.

Nothing of the check is left in a traced, compiled or exported graph: there the shapes
are fixed already, and the values are not known.
"""

from __future__ import annotations

import torch
from torch import Tensor, fx


def enter(
    name: str, tensor: object, axes: tuple[str, ...], size: tuple[int, ...]
) -> None:
    """Refuse what is no tensor (B, *size) of finite float32.

    `axes` names every axis, the first one too, for the message. Two passes over memory.
    """
    if is_traced(tensor):
        return
    if not isinstance(tensor, Tensor):
        found = type(tensor).__name__
        message = f"{name} must be a tensor, found a {found}"
        raise ValueError(message)  # noqa: TRY004 - all doors here speak by one class
    _refuse_shape(name, tensor, size)
    if not bool(torch.isfinite(tensor).all()):
        _refuse_value(name, tensor, axes)


def is_traced(tensor: object) -> bool:
    """Tell whether this run only draws a graph; then there are no values to look at."""
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
        or isinstance(tensor, fx.Proxy)
        or (isinstance(tensor, Tensor) and tensor.is_meta)
    )


def _refuse_shape(name: str, tensor: Tensor, size: tuple[int, ...]) -> None:
    """Compare the shape and the type with what is wanted."""
    found = tuple(tensor.shape)
    is_right = len(found) == len(size) + 1 and found[1:] == size and found[0] > 0
    if is_right and tensor.dtype == torch.float32:
        return
    wanted = ", ".join(["B", *map(str, size)])
    kind = str(tensor.dtype).removeprefix("torch.")
    message = f"{name} must be ({wanted}) float32 with B >= 1, found {found} {kind}"
    raise ValueError(message)


def _refuse_value(name: str, tensor: Tensor, axes: tuple[str, ...]) -> None:
    """Name the first value that is not finite."""
    first = torch.nonzero(~torch.isfinite(tensor))[0].tolist()
    value = float(tensor[tuple(first)])
    place = ", ".join(f"{axis} {at}" for axis, at in zip(axes, first, strict=True))
    raise ValueError(f"{name} holds {value} at {place}: every value must be finite")
