"""Whole recordings from windows: each frame as the window sees it that is nearest."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from models.shapes import IntArray


def stitched(
    values: npt.NDArray[Any], starts: IntArray, n_frames: int
) -> npt.NDArray[Any]:
    """Take frames from windows: values (B, T), starts (B,) rising -> (n_frames,).

    A frame is taken from the window whose middle is nearest, since what lies at the
    edge of a window was seen with half of its surroundings; of two as near, the later.
    Raise ValueError where the windows leave a frame out.
    """
    size = values.shape[1]
    gaps = np.diff(starts)
    covers = len(starts) and starts[0] == 0 and starts[-1] + size == n_frames
    if not covers or (gaps <= 0).any() or (gaps > size).any():
        message = f"windows of {size} frames at {starts} do not cover {n_frames} frames"
        raise ValueError(message)
    turns = (starts[:-1] + starts[1:] + size) // 2
    frame = np.arange(n_frames)
    which = np.searchsorted(turns, frame, side="right")
    taken: npt.NDArray[Any] = values[which, frame - starts[which]]
    return taken
