"""The quantiser under the name and place its users know."""

from __future__ import annotations

from models.quantisers.ema import VectorQuantizerEMA2D

__all__ = ["VectorQuantizerEMA2D"]
