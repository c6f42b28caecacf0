"""Windows of noise, each stream its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models import chance

Windows = npt.NDArray[np.float32]


def drawn(stream: int, n_windows: int = 4, n_frames: int = 100) -> Windows:
    """Draw windows (B, 9, 2, T)."""
    rng = chance.stream(stream, "windows")
    return rng.normal(size=(n_windows, 9, 2, n_frames)).astype(np.float32)
