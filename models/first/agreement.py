"""How well unnamed states agree with named behaviours, judged on other subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.shapes import IntArray


def joint(states: IntArray, labels: IntArray, n_states: int, n_labels: int) -> IntArray:
    """Count frames by state and label: (K, L)."""
    flat = states.ravel() * n_labels + labels.ravel()
    return np.bincount(flat, minlength=n_states * n_labels).reshape(n_states, n_labels)


def names(counts: IntArray) -> IntArray:
    """Give each state its commonest label: counts (K, L) -> (K,)."""
    named: IntArray = counts.argmax(axis=1)
    return named


def share_right(counts: IntArray, named: IntArray) -> float:
    """Share of frames whose state was named as their label: counts (K, L)."""
    return float(counts[np.arange(len(named)), named].sum() / counts.sum())
