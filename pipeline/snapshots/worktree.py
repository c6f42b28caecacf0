"""What a work tree holds that HEAD does not, in three questions whatever its size.

`ls-files` says what the index knows, `status` what differs from it, and `cat-file` the
sizes that tell what neither does (see `disk`). New files are looked at, and not opened.
"""

from __future__ import annotations

import os
from dataclasses import field
from typing import TYPE_CHECKING

from pipeline.frozen import dataclass
from pipeline.git import Git, refusal, zsplit
from pipeline.snapshots.disk import GONE, SUBMODULE, Change, Disk, Entry, bent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from pipeline.snapshots.disk import Bent

NOTHING = "000000"  # the mode of what is not there, in the words of `status`
STATUS = (
    *("status", "--porcelain=v2", "-z", "--untracked-files=all", "--no-renames"),
    "--ignore-submodules=none",
)
NAMED = 5  # how many paths a message names


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a snapshot would hold, and what stands in its way.

    changes    what differs from HEAD; what is gone comes first
    modes      path -> mode, of all it would hold
    untracked  paths git does not know yet
    nested     folders that are repositories of their own
    dirty      path -> what is dirty, of submodules
    special    paths that are neither files nor links
    closed     paths that may not be read
    notes      what a person should know of a snapshot that is taken
    """

    changes: tuple[Change, ...]
    modes: Mapping[str, str]
    untracked: frozenset[str]
    nested: tuple[str, ...]
    dirty: Mapping[str, str]
    special: tuple[str, ...]
    closed: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class Status:
    """What `status` says; `lying` maps what is taken from the work tree to its mode."""

    staged: dict[str, tuple[str, str]] = field(default_factory=dict)
    lying: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    untracked: list[str] = field(default_factory=list)
    unmerged: list[str] = field(default_factory=list)
    nested: list[str] = field(default_factory=list)
    dirty: dict[str, str] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)


def survey(git: Git, top: Path, *, never: tuple[str, ...]) -> Survey:
    """Look at the work tree at `top`; untracked paths below `never` are left out."""
    index = read_index(git)
    status = read_status(git, never=never)
    settled = {*status.lying, *status.gone, *status.dirty, *status.nested}
    disk = Disk(git, top)
    open_ = {path: entry for path, entry in index.items() if path not in settled}
    bowed = bent(git, disk, top, open_)
    changes = (
        *(Change(path=path) for path in status.gone),
        *(disk.staged(p, *s) for p, s in status.staged.items() if p not in bowed.modes),
        *(disk.lying(p, mode) for p, mode in {**status.lying, **bowed.modes}.items()),
        *(disk.lying(path) for path in status.untracked),
    )
    modes = {path: entry.mode for path, entry in index.items()}
    modes |= {change.path: change.mode for change in changes}
    modes = {path: mode for path, mode in modes.items() if mode != GONE}
    return Survey(
        changes=tuple(sorted(changes, key=lambda change: change.mode != GONE)),
        modes=modes,
        untracked=frozenset(status.untracked),
        nested=tuple(status.nested),
        dirty=status.dirty,
        special=tuple(disk.special),
        closed=(*status.closed, *disk.closed),
        notes=tuple(_notes(status, bowed, modes)),
    )


def read_index(git: Git) -> dict[str, Entry]:
    """Read what the index knows; of a path in the middle of a merge, any side."""
    index = {}
    for line in zsplit(git.out("ls-files", "-z", "-v", "-s")):
        head, _, path = line.partition("\t")
        tag, mode, oid, _stage = head.split(" ")
        index[path] = Entry(mode, oid, is_hidden=tag == "S" or tag.islower())
    return index


def read_status(git: Git, *, never: tuple[str, ...] = ()) -> Status:
    """Read what differs from HEAD; untracked paths below `never` are left out."""
    said = git.ask(*STATUS)
    if said.code:
        raise refusal(STATUS, said)
    status = Status(closed=[os.fsdecode(folder) for folder in _closed(said.err)])
    for record in zsplit(said.out):
        kind, _, rest = record.partition(" ")
        if kind == "1":
            _changed(status, rest)
        elif kind == "u":
            _conflicted(status, rest)
        elif rest.startswith(never):
            continue
        elif rest.endswith("/"):
            status.nested.append(rest.rstrip("/"))
        else:
            status.untracked.append(rest)
    return status


def _closed(complaints: bytes) -> Iterator[bytes]:
    """Find the folders git could not look into: it complains, and goes on."""
    for line in complaints.splitlines():
        if b"could not open directory" in line:
            yield line.partition(b"'")[2].rpartition(b"'")[0].rstrip(b"/")


def _changed(status: Status, rest: str) -> None:
    """Note a path by its two letters: HEAD to index, index to work tree."""
    xy, sub, _, in_index, lying, _, oid, path = rest.split(" ", 7)
    if sub.startswith("S") and sub != "S...":
        if in_index == SUBMODULE:
            status.dirty[path] = _said_of(sub)
        else:
            status.nested.append(path)
    elif xy[1] == "D" or (xy[1] == "." and in_index == NOTHING):
        status.gone.append(path)
    elif xy[1] == ".":
        status.staged[path] = (in_index, oid)
    else:
        status.lying[path] = lying


def _conflicted(status: Status, rest: str) -> None:
    _, sub, _, _, _, lying, _, _, _, path = rest.split(" ", 9)
    status.unmerged.append(path)
    if sub.startswith("S"):
        status.dirty[path] = "a merge that is not done"
    elif lying == NOTHING:
        status.gone.append(path)
    else:
        status.lying[path] = lying


def _said_of(sub: str) -> str:
    words = {"C": "another commit", "M": "changes", "U": "new files"}
    return ", ".join(words[letter] for letter in sub if letter in words)


def _notes(status: Status, bowed: Bent, modes: Mapping[str, str]) -> Iterator[str]:
    if status.unmerged:
        yield f"in the middle of a merge, sent as it lies: {named(status.unmerged)}"
    if bowed.modes:
        which = named(bowed.modes)
        yield f"sent as it lies, not as git keeps it (LFS, line ends, ...): {which}"
    if bowed.pointers:
        which = named(bowed.pointers)
        yield f"but an LFS pointer here, its content is not sent: {which}"
    for path in sorted(path for path, mode in modes.items() if mode == SUBMODULE):
        yield f"submodule {path!r} travels as its commit only; its files do not"


def named(paths: Collection[str]) -> str:
    """Name the first few paths, whatever odd letters they hold, and count the rest."""
    first = ", ".join(repr(path) for path in sorted(paths)[:NAMED])
    more = len(paths) - NAMED
    return f"{first} and {more} more" if more > 0 else first
