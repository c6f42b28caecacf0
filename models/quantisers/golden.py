"""Frames whose codes on the grid [8, 6, 5] were worked out by hand, and never change.

    level = floor((L - 1) / 2 tanh(z) + L / 2),   code = i_0 + 8 i_1 + 48 i_2

Whatever implements the grid, in whatever language, must give these.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LEVELS = (8, 6, 5)
# fmt: off
GOLDEN = (
    # z                     levels       code
    (( 0.0,  0.0,  0.0), (4, 3, 2), 124),
    ((-9.0, -9.0, -9.0), (0, 0, 0),   0),
    (( 9.0,  9.0,  9.0), (7, 5, 4), 239),
    (( 9.0, -9.0,  0.0), (7, 0, 2), 103),
    (( 0.5, -0.5,  1.0), (5, 1, 4), 205),
    ((-0.5,  0.5, -1.0), (2, 4, 0),  34),
    (( 0.2, -0.2,  0.3), (4, 2, 3), 164),
    ((-1.5,  1.5, -0.1), (0, 5, 2), 136),
)
# fmt: on


def frames() -> npt.NDArray[np.float32]:
    """Give the frames, as one sequence (1, Z, T)."""
    rows = np.array([z for z, _, _ in GOLDEN], np.float32)
    return np.ascontiguousarray(rows.T[None])


def codes() -> npt.NDArray[np.int32]:
    """Give their codes (1, T)."""
    return np.array([[code for _, _, code in GOLDEN]], np.int32)
