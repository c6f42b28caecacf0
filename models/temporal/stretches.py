"""Windows of many recordings laid out as sequences: what follows on what, and no more.

Windows come flat, in order. A stretch is what was cut from one recording without a gap;
across a gap nothing is smoothed, for nobody knows what happened there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from models.shapes import IntArray


class Stretches(NamedTuple):
    """B stretches of N windows, T long at most.

    place (B, T): the number of each window, 0 behind a stretch's end
    lengths (B,): windows of each
    """

    place: IntArray
    lengths: IntArray

    def flat(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Give what is said of stretches (B, T, ..) in the order of windows (N, ..)."""
        inside = np.arange(self.place.shape[1]) < self.lengths[:, None]
        flat = np.empty((int(inside.sum()), *values.shape[2:]), values.dtype)
        flat[self.place[inside]] = values[inside]
        return flat


def stretches(recording: npt.NDArray[Any], start: IntArray, hop: int) -> Stretches:
    """Lay out windows (N,) by their recording and first frame.

    Raise ValueError where a recording's windows are not in order.
    """
    if recording.shape != start.shape or start.ndim != 1 or not len(start):
        message = (
            f"recording is {recording.shape} and start is {start.shape}: wanted (N,)"
        )
        raise ValueError(message)
    is_same, step = recording[1:] == recording[:-1], np.diff(start)
    if (is_same & (step <= 0)).any():
        first = int((is_same & (step <= 0)).argmax()) + 1
        raise ValueError(f"start holds {start[first]} at {first}: it must increase")
    begin = np.flatnonzero(np.append(True, ~(is_same & (step == hop))))
    lengths = np.diff(begin, append=len(start))
    time = np.arange(int(lengths.max()))
    inside = time < lengths[:, None]
    return Stretches(np.where(inside, begin[:, None] + time, 0), lengths)
