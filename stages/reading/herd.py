"""What was read: recordings of several subjects on one grid of time, in one form.

    accelerometer  x y z  g
    gyroscope      x y z  rad/s
    magnetometer   x y z  parts of the field's strength; of real ones, of 50 uT

These nine are the channels V; the places P are two. A channel that nobody measured is 0
in every frame and is said to be absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stages.reading.account import Account
from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from models.shapes import BoolArray, IntArray

CHANNELS, PLACES = 9, 2
UNLABELLED = -1
PARTS = ("train", "validate", "calibrate", "test")


class Recorded(NamedTuple):
    """Frames of one subject without a hole, and what it did in each.

    frames (V, P, T) float32: the readings
    truth (T,): number of the behaviour in `labels` of the herd, -1 where not known
    subject, name: who, and which recording; all pieces of one recording share them
    first: number of the first frame on the recording's grid
    stream: of simulated data, the random stream as models/synthetic names it; else ""
    """

    frames: npt.NDArray[np.float32]
    truth: IntArray
    subject: str
    name: str
    first: int
    stream: str


class Herd(NamedTuple):
    """All that was read.

    labels (K,): names of the behaviours
    absent (V, P): channels that were never measured
    source: where it came from, as `data.source` names it
    account: what was found, to be told
    """

    recordings: tuple[Recorded, ...]
    labels: tuple[str, ...]
    rate_hz: float
    absent: BoolArray
    source: str
    account: Account = Account({}, ())

    @property
    def subjects(self) -> tuple[str, ...]:
        """Give the subjects, each once, in order of their first recording."""
        return tuple(dict.fromkeys(each.subject for each in self.recordings))


def enough(herd: Herd, parts: tuple[str, ...] = PARTS) -> Herd:
    """Give `herd` if it has a subject for each part of a split; refuse it if not.

    Nobody may be in two parts, so each part needs one subject or more of its own.
    """
    if len(herd.subjects) >= len(parts):
        return herd
    found = ", ".join(map(repr, herd.subjects)) or "none"
    raise Unreadable(
        f"source {herd.source!r}",
        f"{len(herd.subjects)} subjects ({found}), but a split into "
        f"{', '.join(parts)} wants {len(parts)} or more, for nobody is in two parts",
        "record more subjects; pieces of one subject are no substitute",
    )
