"""Random places that depend on a seed and a step alone.

They are drawn on the CPU and from no lasting generator: a saved module goes on with the
very draws it would have made, and processes with the same step draw the same.
"""

from __future__ import annotations

import torch
from torch import Tensor

# The golden ratio in 64 bits: seeds side by side land far apart.
APART = 0x9E3779B97F4A7C15


def stream(seed: int, step: int) -> torch.Generator:
    """Give the generator of one step."""
    mixed = (seed * APART + step) % (1 << 63)
    return torch.Generator().manual_seed(mixed)


def places(n_wanted: int, n_rows: int, generator: torch.Generator) -> Tensor:
    """Draw up to `n_wanted` places of `n_rows`, none twice: (P,) int64."""
    return torch.randperm(n_rows, generator=generator)[:n_wanted]
