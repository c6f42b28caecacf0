"""Label sequences at the door: (T,) or (B, T), of one length or ragged.

Inside, a batch is flat: the frames of all rows one after the other, and the row of
each. Ragged rows then need no mask, and what lies behind a row's end is never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from models.shapes import BoolArray, IntArray

Labels = npt.NDArray[np.integer[Any]]


class Rows(NamedTuple):
    """A batch of sequences, end to end. J frames lie in its B rows together.

    given  (B, T) or (T,): as it came, with what lies behind the ends
    inside (B, T): which frames lie within their row
    flat   (J,): the labels of those frames, row after row
    row    (J,): the row of each
    """

    given: IntArray
    inside: BoolArray
    flat: IntArray
    row: IntArray

    def filled(self, flat: IntArray) -> IntArray:
        """Put labels (J,) back into the shape that came; the rest stays as it was."""
        whole = np.array(self.given, ndmin=2)
        whole[self.inside] = flat
        return whole.reshape(self.given.shape)


def rows(labels: Labels, lengths: Labels | None = None) -> Rows:
    """Read sequences of whole-numbered labels, (B, T) or (T,), with lengths (B,).

    Raise ValueError for anything else.
    """
    came = np.asarray(labels)
    if came.ndim not in {1, 2}:
        message = f"labels have shape {came.shape}: wanted (T,) or (B, T)"
        raise ValueError(message)
    if came.dtype.kind not in "iu":
        message = f"labels are of type {came.dtype}: wanted whole numbers"
        raise ValueError(message)
    given: IntArray = came.astype(np.int64)
    if came.dtype == np.uint64 and given.min(initial=0) < 0:
        message = f"labels hold {came.max()}: wanted numbers below 2^63"
        raise ValueError(message)
    whole = np.atleast_2d(given)
    inside = within(whole.shape[0], whole.shape[1], lengths)
    return Rows(given, inside, whole[inside], np.nonzero(inside)[0])


def check_frames(name: str, n_frames: int, *, odd: bool = False) -> None:
    """Refuse what is no number of frames: a whole one, 1 or more, odd where asked."""
    whole = isinstance(n_frames, (int, np.integer))
    if not whole or n_frames < 1 or (odd and n_frames % 2 == 0):
        wanted = "an odd number of frames" if odd else "one frame or more"
        message = f"{name} is {n_frames}: wanted {wanted}"
        raise ValueError(message)


def within(n_rows: int, n_frames: int, lengths: Labels | None) -> BoolArray:
    """Say which frames (B, T) lie within their row; all do when no length is said."""
    if lengths is None:
        return np.ones((n_rows, n_frames), dtype=np.bool_)
    said = np.asarray(lengths)
    if said.shape != (n_rows,) or said.dtype.kind not in "iu":
        message = (
            f"lengths have shape {said.shape} and type {said.dtype}: "
            f"wanted one whole number for each of {n_rows} rows"
        )
        raise ValueError(message)
    off = (said < 0) | (said > n_frames)
    if off.any():
        first = int(off.argmax())
        message = (
            f"lengths holds {said[first]} at row {first}: wanted 0 to {n_frames} frames"
        )
        raise ValueError(message)
    inside: BoolArray = np.arange(n_frames) < said[:, None]
    return inside
