"""Whether anything of what judges was seen by what learns, and in words what."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.leakage.prints import NOTHING, Prints
from models.leakage.split import NAMES, Part, Split

if TYPE_CHECKING:
    from models.leakage.provenance import Names
    from models.shapes import BoolArray, IntArray


class Verdict(NamedTuple):
    """What a split may be used for.

    leaks: each a sentence that names the two parts and how many windows it is about
    claim: what an accuracy from it would be about
    """

    leaks: tuple[str, ...]
    claim: str

    @property
    def is_clean(self) -> bool:
        """Whether there is no leak at all."""
        return not self.leaks


CLAIMS = {
    "subject": "subjects that were never seen",
    "time": "subjects that were seen before, at another time",
}


def judge(split: Split) -> Verdict:
    """Look for everything that two of the parts share.

    Subjects, random streams, frames of one recording that overlap or lie nearer than
    the guard, and stretches of frames that are the same whatever they are called.
    Time J log J in all frames J.
    """
    if split.by not in CLAIMS:
        raise ValueError(f"by is {split.by!r}: wanted one of {', '.join(CLAIMS)}")
    parts = dict(zip(NAMES, (split.train, split.calibrate, split.test), strict=True))
    leaks: list[str] = []
    for one, other in combinations(NAMES, 2):
        names, two = (one, other), (parts[one], parts[other])
        if split.by == "subject":
            leaks += _shared("subject", names, two)
        leaks += _shared("stream", names, two, but_recordings=split.by == "time")
        leaks += _near(names, two, _guard(split))
        leaks += _again(names, two)
    return Verdict(tuple(leaks), CLAIMS[split.by])


def _guard(split: Split) -> int:
    """Give the frames that must lie between parts of one recording."""
    if split.guard is not None:
        if split.guard < 0:
            message = f"guard is {split.guard}: wanted frames from 0 on, or None"
            raise ValueError(message)
        return split.guard
    if split.by == "subject":
        return 0
    origins = [part.origin for part in (split.train, split.calibrate, split.test)]
    return max(int((each.stop - each.start).max(initial=0)) for each in origins)


def _shared(
    column: str,
    names: tuple[str, str],
    parts: tuple[Part, Part],
    *,
    but_recordings: bool = False,
) -> list[str]:
    """Say which subjects or streams two parts share.

    A recording that is split by time goes on with the stream that began it: that may
    be, but two recordings of one stream may not.
    """
    mine, theirs = (_by_name(getattr(part.origin, column)) for part in parts)
    both = [name for name in sorted(mine.keys() & theirs.keys()) if name]
    if but_recordings:
        rows = {name: (mine[name], theirs[name]) for name in both}
        both = [name for name in both if not _one_recording(parts, rows[name])]
    return [
        f"{column} {name!r} is in {names[0]} ({len(mine[name])} windows) "
        f"and in {names[1]} ({len(theirs[name])} windows)"
        for name in both
    ]


def _one_recording(parts: tuple[Part, Part], rows: tuple[IntArray, IntArray]) -> bool:
    """Say whether rows of two parts are all of one recording."""
    drawn = [
        part.origin.recording[here] for part, here in zip(parts, rows, strict=True)
    ]
    return len(np.unique(np.concatenate(drawn))) == 1


def _by_name(column: Names) -> dict[str, IntArray]:
    """Give the rows (.,) of each name of a column (B,)."""
    known, which = np.unique(column, return_inverse=True)
    ends = np.cumsum(np.bincount(which, minlength=len(known)))
    rows = np.split(np.argsort(which, kind="stable"), ends[:-1])
    return dict(zip(known.tolist(), rows, strict=False))  # nobody has no rows


def _near(names: tuple[str, str], parts: tuple[Part, Part], guard: int) -> list[str]:
    """Say in which recordings windows of two parts overlap or lie too near."""
    one, other = (part.origin for part in parts)
    mine, theirs = _by_name(one.recording), _by_name(other.recording)
    leaks = []
    for name in sorted(mine.keys() & theirs.keys()):
        here, there = mine[name], theirs[name]
        close = overlapping(
            one.start[here] - guard,
            one.stop[here] + guard,
            other.start[there],
            other.stop[there],
        )
        if close.any():
            first = there[int(close.argmax())]
            what = f"within {guard} frames of" if guard else "over frames of"
            leaks.append(
                f"recording {name!r}: {int(close.sum())} windows of {names[1]} lie "
                f"{what} {names[0]}, first row {first}, frames {other.start[first]} "
                f"to {other.stop[first]}"
            )
    return leaks


def overlapping(
    start: IntArray, stop: IntArray, from_: IntArray, to: IntArray
) -> BoolArray:
    """Say which spans from_ .. to (N,) meet any of start .. stop (M,); ends are open.

    Those that began before it ends, less those that ended before it begins.
    """
    begun = np.searchsorted(np.sort(start), to, side="left")
    ended = np.searchsorted(np.sort(stop), from_, side="right")
    met: BoolArray = begun > ended
    return met


def _again(names: tuple[str, str], parts: tuple[Part, Part]) -> list[str]:
    """Say how many windows hold stretches of frames that are in the other part too."""
    both = _common(*(part.prints.ravel() for part in parts))
    if not len(both):
        return []
    known = np.isin(parts[1].prints, both)
    rows = np.flatnonzero(known.any(axis=1))
    here = parts[1].prints[rows[0]][known[rows[0]]][0]
    there = int(np.flatnonzero((parts[0].prints == here).any(axis=1))[0])
    leak = (
        f"{len(rows)} windows of {names[1]} hold frames that are in {names[0]} too, "
        f"bit for bit, first row {rows[0]} ({_place(parts[1], int(rows[0]))}) and row "
        f"{there} ({_place(parts[0], there)})"
    )
    return [leak]


def _common(one: Prints, other: Prints) -> Prints:
    """Give the prints that are in both; sorting is all that it costs."""
    known = np.sort(one)
    asked = np.sort(other)
    if not len(known):
        return known
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    common: Prints = asked[(known[place] == asked) & (asked != NOTHING)]
    return common


def _place(part: Part, row: int) -> str:
    """Name a window by its recording and frames."""
    origin: Names = part.origin.recording
    frames = f"{part.origin.start[row]} to {part.origin.stop[row]}"
    return f"recording {str(origin[row])!r}, frames {frames}"
