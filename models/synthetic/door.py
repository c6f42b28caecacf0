"""Whole numbers, checked where they come in."""

from __future__ import annotations

import numpy as np


def whole(name: str, value: int, low: int, high: int | None = None) -> int:
    """Give `value` as an int; raise ValueError unless it is one, `low` to `high`."""
    is_whole = isinstance(value, int | np.integer)
    if is_whole and low <= value and (high is None or value <= high):
        return int(value)
    wanted = f"{low} or more" if high is None else f"{low} to {high}"
    raise ValueError(f"{name} must be a whole number, {wanted}: found {value!r}")
