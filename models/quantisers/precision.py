"""Constants and averages that a cast of the network must not spoil."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class KeepsPrecision(nn.Module):
    """A module whose own buffers are single or double precision, whatever is asked.

    In half precision a count of 0.99 of itself is the same number, and a threshold is
    another one. Parameters and parts of the module follow the cast.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:  # noqa: FBT001, FBT002  torch's
        """Follow a move or a cast, with buffers never below single precision."""
        held = dict(self._buffers)
        follow: Callable[..., Any] = super()._apply
        follow(fn, recurse)
        for name, before in held.items():
            after = self._buffers[name]
            if before is None or after is None or after.dtype.itemsize >= 4:
                continue
            if after.is_floating_point():
                self._buffers[name] = before.to(after.device, torch.float32)
        return self
