"""Where windows come from: who, which recording, which frames, which random stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from models.shapes import IntArray

Names = npt.NDArray[np.str_]


class Provenance(NamedTuple):
    """Of B windows, what a split must know.

    subject   (B,): who wore the sensors
    recording (B,): which recording; a name means one recording, whoever wore it
    start     (B,): the first frame of the window in it
    stop      (B,): the frame behind its last one
    stream    (B,): the seed and purpose that drew it, or "" for what was measured
    """

    subject: Names
    recording: Names
    start: IntArray
    stop: IntArray
    stream: Names

    def of(self, rows: npt.NDArray[Any]) -> Provenance:
        """Give the provenance of some rows, by index or mask."""
        return Provenance(*(column[rows] for column in self))


def provenance(
    subject: npt.ArrayLike,
    recording: npt.ArrayLike,
    start: npt.ArrayLike,
    stop: npt.ArrayLike,
    stream: npt.ArrayLike | None = None,
) -> Provenance:
    """Check and gather the columns, each of B rows; whatever names is text here.

    Every window has a subject and a recording: "" is nobody, who cannot be told from
    others. A name that is a float is refused, for 1.0 and 1 would be two subjects.
    """
    begin = np.asarray(start)
    if stream is None:
        stream = np.full(begin.shape, "")
    columns = (subject, recording, begin, stop, stream)
    given = dict(zip(Provenance._fields, map(np.asarray, columns), strict=True))
    for name, column in given.items():
        if column.ndim != 1 or len(column) != begin.size:
            message = f"{name} has shape {column.shape}: wanted ({begin.size},)"
            raise ValueError(message)
    known = Provenance(
        names("subject", given["subject"]),
        names("recording", given["recording"]),
        _frames("start", given["start"]),
        _frames("stop", given["stop"]),
        given["stream"].astype(np.str_),
    )
    off = known.stop <= known.start
    if off.any():
        row = int(off.argmax())
        message = (
            f"row {row} spans frames {known.start[row]} to {known.stop[row]}: "
            "wanted at least one"
        )
        raise ValueError(message)
    return known


def names(what: str, column: npt.NDArray[Any]) -> Names:
    """Take names (B,), text or whole numbers and none of them empty, as text."""
    if len(column) and column.dtype.kind not in "iuSU":
        message = f"{what} is of type {column.dtype}: wanted text or whole numbers"
        raise ValueError(message)
    text = column.astype(np.str_)
    if (text == "").any():
        raise ValueError(f"{what} is empty at row {int((text == '').argmax())}")
    return text


def _frames(what: str, column: npt.NDArray[Any]) -> IntArray:
    """Take numbers of frames (B,)."""
    if len(column) and column.dtype.kind not in "iu":
        message = f"{what} is of type {column.dtype}: wanted whole numbers"
        raise ValueError(message)
    frames: IntArray = column.astype(np.int64)
    return frames
