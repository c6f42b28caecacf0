"""How large the steps are: up in a line, then down along a cosine."""

from __future__ import annotations

import math

WARM = 0.2  # the share of all steps in which the rate rises
FIRST, LAST = 1 / 25, 1e-3  # of the largest rate


def rate(step: int, total: int, largest: float) -> float:
    """Give the learning rate of step 0 .. total - 1 (one cycle, Smith 2018)."""
    warm = max(1, round(WARM * total))
    if step < warm:
        return largest * (FIRST + (1 - FIRST) * step / warm)
    part = (step - warm) / max(1, total - warm)
    return largest * (LAST + (1 - LAST) * (1 + math.cos(math.pi * part)) / 2)
