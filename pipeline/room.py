"""Room on the box's disk: asked for before it is needed, so that nothing ends half way.

Two things run out: bytes, and inodes (a disk full of small files has free bytes).
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from pipeline.errors import HostError
from pipeline.frozen import dataclass
from pipeline.pulse import size as spoken_size

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.artifact import Artifact, Manifest
    from pipeline.store import Store

# What a runner itself writes beside the stage's outputs: logs, events, beats, commits.
SPARE_BYTES = 8_000_000
SPARE_FILES = 100
_RESERVE = 1 << 18
_OBJECT = 4096  # a loose object takes a block of the disk at least
_HINT = "see what can go: pipeline gc\nthen go on with: pipeline resume"
_FANS = 256  # folders that git may make for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Bytes and inodes; -1 inodes where the file system does not count them."""

    bytes: int = 0
    files: int = 0


def free(folder: Path) -> Room:
    """Give what is left for us on the disk that holds `folder`."""
    while not folder.exists():
        folder = folder.parent
    said = os.statvfs(folder)
    left = said.f_favail if said.f_files else -1
    return Room(bytes=said.f_bavail * said.f_frsize, files=left)


def check(folder: Path, what: str, need: Room = Room()) -> None:
    """Raise HostError when the disk of `folder` has no room for `what`.

    need: what it is known to take; some is always added for what goes beside it.
    """
    have = free(folder)
    wanted = Room(bytes=need.bytes + SPARE_BYTES, files=need.files + SPARE_FILES)
    lacks = []
    if have.bytes < wanted.bytes:
        sizes = f"{spoken_size(have.bytes)} free, {spoken_size(wanted.bytes)} needed"
        lacks.append(sizes)
    if 0 <= have.files < wanted.files:
        lacks.append(f"{have.files} inodes free, {wanted.files} needed")
    if lacks:
        message = f"no room on the disk for {what}: {' and '.join(lacks)}, in {folder}"
        raise HostError(message, hint=_HINT)


def remark(folder: Path) -> str:
    """Say that the disk is full, if it is: of a failure it may well be the cause."""
    have = free(folder)
    if have.bytes < _RESERVE:
        return f"; the disk is full ({spoken_size(have.bytes)} free)"
    return "; the disk is out of inodes" if 0 <= have.files < 1 else ""


class Reserve:
    """A file that takes room while all is well, to be let go when there is none.

    What must be said at the end of a run can be said then, whoever filled the disk.
    """

    def __init__(self, path: Path) -> None:
        """Take room at `path`; where there is none, nothing is held back."""
        self._path = path
        with contextlib.suppress(OSError):
            path.write_bytes(os.urandom(_RESERVE))

    def spend(self) -> None:
        """Give the room back."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def of_attempt(last: Manifest | None) -> Room:
    """Give what a try will take: as much as its stage made the last time."""
    if last is None:
        return Room()
    made = [*last.artifacts.values(), *last.results.values()]
    return Room(bytes=sum(one.size for one in made), files=len(made))


def of_seal(made: Manifest, *, most: int, store: Store) -> Room:
    """Give what a seal will take: small files go into git, large ones to the store."""
    listed = [*made.artifacts.values(), *made.results.values()]
    small = [one for one in listed if one.size <= most]
    large = [one for one in listed if one.size > most]
    return Room(
        bytes=_in_git(small) + store.costs(large),
        files=len(small) + len(large) + _FANS,
    )


def _in_git(small: Iterable[Artifact]) -> int:
    """Give an upper bound: git compresses, but what it cannot, it keeps as it is."""
    return sum(one.size + one.size // 1000 + _OBJECT for one in small)
