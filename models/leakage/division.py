"""Which window goes to which part: by subject, or by time.

Both are made to be clean, but neither is believed: a verdict looks at what came out.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.leakage.provenance import names
from models.leakage.split import NAMES

if TYPE_CHECKING:
    from models.leakage.provenance import Provenance
    from models.shapes import Array, BoolArray, IntArray

SHARES = (0.6, 0.2, 0.2)
NOWHERE = -1


class Division(NamedTuple):
    """Who goes where.

    part    (B,): 0 train, 1 calibrate, 2 test, -1 none
    moved:   subjects that were moved so that no part lacks a behaviour
    lacking: what a part lacks all the same, in words
    """

    part: IntArray
    moved: tuple[str, ...]
    lacking: tuple[str, ...]


def by_subject(
    subjects: npt.NDArray[Any],
    labels: npt.NDArray[Any],
    shares: tuple[float, float, float] = SHARES,
    *,
    seed: int = 0,
) -> Division:
    """Divide windows by the hash of their subject (B,), and labels (B,) evenly if need.

    A subject's part depends on its name and the seed: who joins later moves nobody
    else. Only where a part lacks a behaviour (labels >= 0) that others can spare is a
    subject moved there, in the order of the hashes.
    """
    _check_shares(shares)
    subjects, labels = np.asarray(subjects), np.asarray(labels)
    if (
        subjects.ndim != 1
        or labels.shape != subjects.shape
        or labels.dtype.kind not in "iu"
    ):
        message = (
            f"subjects have shape {subjects.shape}, labels {labels.shape} and type "
            f"{labels.dtype}: wanted (B,) both, and whole numbers"
        )
        raise ValueError(message)
    known, who = np.unique(names("subjects", subjects), return_inverse=True)
    place = np.array([_place(str(name), seed) for name in known])
    part = np.searchsorted(np.cumsum(shares)[:-1], place, side="right")
    kinds, which = np.unique(labels, return_inverse=True)
    does = np.zeros((len(known), len(kinds)), dtype=np.bool_)
    does[who, which] = True
    does, kinds = does[:, kinds >= 0], kinds[kinds >= 0]
    moved = _mended(part, does, place, [share > 0.0 for share in shares])
    return Division(
        part[who],
        tuple(str(known[i]) for i in moved),
        _empty(part, shares)
        + tuple(
            f"{NAMES[p]} lacks label {kinds[k]}"
            for p, share in enumerate(shares)
            for k in np.flatnonzero(~does[part == p].any(axis=0))
            if share > 0.0
        ),
    )


def by_time(
    origin: Provenance,
    shares: tuple[float, float, float] = SHARES,
    *,
    guard: int | None = None,
) -> Division:
    """Cut each recording in time: its begin trains, its end judges.

    Windows that lie over a cut, or begin within `guard` frames behind one, go nowhere;
    the guard is the longest window unless said.
    """
    _check_shares(shares)
    longest = int((origin.stop - origin.start).max(initial=0))
    gap = longest if guard is None else guard
    if gap < 0:
        raise ValueError(f"guard is {gap}: wanted frames from 0 on, or None")
    known, which = np.unique(origin.recording, return_inverse=True)
    low = np.full(len(known), np.iinfo(np.int64).max)
    high = np.full(len(known), np.iinfo(np.int64).min)
    np.minimum.at(low, which, origin.start)
    np.maximum.at(high, which, origin.stop)
    part = np.full(len(which), NOWHERE)
    edges = np.concatenate([[0.0], np.cumsum(shares) / math.fsum(shares)])
    for p in range(len(shares)):
        first, last = (
            (low + np.floor((high - low) * edges[q]).astype(np.int64))[which]
            for q in (p, p + 1)
        )
        inside = (origin.start >= first + (gap if p else 0)) & (origin.stop <= last)
        part[inside & (shares[p] > 0.0)] = p
    return Division(part, (), _empty(part, shares))


def _empty(part: IntArray, shares: tuple[float, float, float]) -> tuple[str, ...]:
    """Say which parts should hold something and do not."""
    return tuple(
        f"{NAMES[p]} holds no window"
        for p, share in enumerate(shares)
        if share > 0.0 and not (part == p).any()
    )


def _place(subject: str, seed: int) -> float:
    """Give a place in [0, 1) that a name and a seed decide, on any machine."""
    text = f"{seed}/{subject}".encode()
    drawn = hashlib.blake2b(text, digest_size=8).digest()
    return (int.from_bytes(drawn, "big") >> 11) / 2.0**53


def _mended(
    part: IntArray, does: BoolArray, place: Array, wanted: list[bool]
) -> list[int]:
    """Move subjects, in `part` (N,), to parts that lack what they do; say whom."""
    moved: list[int] = []
    for p in np.flatnonzero(wanted):
        for k in range(does.shape[1]):
            if does[part == p, k].any():
                continue
            spare = [
                i
                for i in np.argsort(place, kind="stable")
                if does[i, k] and i not in moved and _can_spare(part, does, int(i))
            ]
            if spare:
                part[spare[0]] = p
                moved.append(int(spare[0]))
    return moved


def _can_spare(part: IntArray, does: BoolArray, i: int) -> bool:
    """Say whether others of its part do all that a subject does."""
    others = part == part[i]
    others[i] = False
    return bool((does[others].any(axis=0) | ~does[i]).all())


def _check_shares(shares: tuple[float, float, float]) -> None:
    """Refuse shares that are not three that make one."""
    is_whole = abs(math.fsum(shares) - 1.0) <= 1e-9  # nan is not
    if len(shares) != len(NAMES) or min(shares) < 0.0 or not is_whole:
        message = f"shares are {shares}: wanted three from 0 that sum to 1"
        raise ValueError(message)
