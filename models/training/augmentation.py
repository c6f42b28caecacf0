"""What differs between devices and does not matter, drawn anew for each window."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.quantisers.draws import stream


class Nuisance(NamedTuple):
    """How far windows are changed: deviations, in standard units.

    offset: of a constant that is added to each channel. gain: of a factor, about one.
    """

    offset: float = 0.1
    gain: float = 0.03

    def drawn(self, n_windows: int, shape: torch.Size, seed: int, step: int) -> Tensor:
        """Draw factors and constants (2, B, V, P, 1) for windows of `shape` (V, P, T).

        They depend on the seed and the step alone.
        """
        numbers = torch.randn(
            (2, n_windows, *shape[:-1], 1), generator=stream(seed, step)
        )
        return torch.stack([1.0 + self.gain * numbers[0], self.offset * numbers[1]])


def shaken(windows: Tensor, drawn: Tensor) -> Tensor:
    """Change windows (B, V, P, T) by what was drawn (2, B, V, P, 1)."""
    factor, constant = drawn.to(windows.device)
    return torch.addcmul(constant, windows, factor)
