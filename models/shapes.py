"""The letters of the axes, and the arrays that carry them.

    B  points of a batch           K  hidden states, or behaviours
    C  codes of a codebook         D  longest duration, in frames
    T  frames of a sequence        N  sequences, one per subject
    F  features of a frame         G  duration laws of a grid
    Z  dimensions of a code        S  posterior samples
    V  channels of a sensor (9)    P  places a sensor sits at (2)

einsum uses the same letters in lower case. Whatever is summed over time is double.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def einsum(letters: str, *arrays: Array) -> Array:
    """Sum products over the axes that `letters` names, with its type said."""
    summed: Array = np.einsum(letters, *arrays)
    return summed
