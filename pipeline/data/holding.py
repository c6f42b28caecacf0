"""What lies in the home of a data set: its files, its links, its empty folders.

Links that lead inside the set are a part of it, by where they lead. Those that lead out
of it are named, and never travel: on another machine they would lead elsewhere.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline import room
from pipeline.data.contents import INCOMING, unreadable
from pipeline.errors import HostError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLE = "."  # how a data set that is one file calls it
_MOST_IN_A_LINE = 5_000
_NEVER = frozenset({"", ".", "..", INCOMING})  # as a part of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What lies in one home; several of them add up, so that a line stays short.

    files: size and modification time in ns. hashes: of those that are known. links: to
    which path of the set. folders: the empty ones. outside: links that lead out of it.
    incoming: how much has come of files that were cut off, by `draft_name`. free and
    free_files: room on its disk. used_by: runs that have it linked at this moment.
    """

    kind: Literal["missing", "file", "folder", "odd"] = "missing"
    files: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    incoming: Mapping[str, int] = field(default_factory=dict)
    free: int = 0
    free_files: int = -1
    used_by: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many bytes the files have."""
        return sum(look[0] for look in self.files.values())


def home_at(text: str) -> Path:
    """Read the home of a data set as pipeline.yaml has it."""
    home = Path(text).expanduser()
    if not home.is_absolute() or ".." in home.parts or len(home.parts) < 2:
        message = f"{text!r} cannot be the home of a data set"
        raise HostError(message, hint="name a folder or a file of its own")
    return home


def look_into(home: Path) -> Holding:
    """List what lies there; a home that is a link is what it leads to."""
    status = room.free(home)
    found = _Found(Path(os.path.realpath(home)))
    kind: Literal["missing", "file", "folder", "odd"] = "missing"
    if home.is_file():
        kind = "file"
        look = home.stat()
        found.files[WHOLE] = (look.st_size, look.st_mtime_ns)
    elif home.is_dir():
        kind = "folder"
        found.look("")
    elif os.path.lexists(home):
        kind = "odd"
    return Holding(
        kind=kind,
        files=found.files,
        links=found.links,
        folders=tuple(found.folders),
        outside=tuple(found.outside),
        incoming=_incoming(home),
        free=status.bytes,
        free_files=status.files,
    )


class _Found:
    """The entries of a home, folder by folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, tuple[int, ...]] = {}
        self.links: dict[str, str] = {}
        self.folders: list[str] = []
        self.outside: list[str] = []

    def look(self, top: str) -> None:
        waiting = [top]
        while waiting:
            below = waiting.pop()
            is_empty = bool(below)
            with self._opened(below) as entries:
                for entry in sorted(entries, key=lambda one: one.name):
                    is_empty = False
                    name = f"{below}/{entry.name}" if below else entry.name
                    if name == INCOMING:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name)
                    else:
                        self._note(name, entry)
            if is_empty:
                self.folders.append(below)

    def _opened(self, below: str) -> os._ScandirIterator[str]:
        place = f"{self.root}/{below}"
        try:
            return os.scandir(place)
        except OSError as error:
            raise unreadable(place, error) from error

    def _note(self, name: str, entry: os.DirEntry[str]) -> None:
        if entry.is_symlink():
            self._note_link(name)
        elif entry.is_file(follow_symlinks=False):
            look = entry.stat(follow_symlinks=False)
            self.files[name] = (look.st_size, look.st_mtime_ns)

    def _note_link(self, name: str) -> None:
        end = Path(os.path.realpath(self.root / name))
        if end.is_relative_to(self.root):
            if end.exists():  # one that leads nowhere is no part of any set
                self.links[name] = end.relative_to(self.root).as_posix()
        elif end.exists():
            self.outside.append(name)


def incoming_of(home: Path) -> Path:
    """Name the folder of what has not come whole: on the disk of the home itself."""
    if home.is_file():
        return beside(home)
    return Path(os.path.realpath(home)) / INCOMING


def beside(home: Path) -> Path:
    """Name that folder for a set that is one file."""
    home = Path(os.path.realpath(home))
    return home.with_name(f".{home.name[:80]}{INCOMING}")


def draft_name(name: str, size: int, mtime_ns: int) -> str:
    """Name the draft of one state of one file."""
    said = f"{name}\0{size}\0{mtime_ns}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(said).hexdigest()[:32]


def _incoming(home: Path) -> dict[str, int]:
    found = {}
    for folder in {incoming_of(home), beside(home)}:
        if folder.is_dir() and not folder.is_symlink():
            for entry in os.scandir(folder):
                if entry.is_file(follow_symlinks=False):
                    found[entry.name] = entry.stat(follow_symlinks=False).st_size
    return found


def check_name(name: str) -> None:
    """Refuse a name that is none of a data set's: it may come from a box that lies."""
    if name == WHOLE:
        return
    if "\0" in name or not _NEVER.isdisjoint(name.split("/")):
        message = f"a name that no file of a data set has: {name[:60]!r}"
        raise HostError(message)


def parts_of(whole: Holding) -> Iterator[Holding]:
    """Part a large holding into lines."""
    names = list(whole.files)
    first = {name: whole.files[name] for name in names[:_MOST_IN_A_LINE]}
    yield replace(whole, files=first, hashes=_of(whole.hashes, first))
    for at in range(_MOST_IN_A_LINE, len(names), _MOST_IN_A_LINE):
        some = {name: whole.files[name] for name in names[at : at + _MOST_IN_A_LINE]}
        yield Holding(kind=whole.kind, files=some, hashes=_of(whole.hashes, some))


def _of(hashes: Mapping[str, str], names: Mapping[str, object]) -> dict[str, str]:
    return {name: hashes[name] for name in names if name in hashes}


def added(parts: list[Holding]) -> Holding:
    """Add up the lines of one holding; names that lie are refused."""
    found: dict[str, tuple[int, ...]] = {}
    hashes: dict[str, str] = {}
    for part in parts:
        found |= part.files
        hashes |= part.hashes
    whole = replace(parts[0], files=found, hashes=hashes)
    for name in (*found, *whole.links, *whole.links.values(), *whole.folders):
        check_name(name)
    for look in found.values():
        if len(look) != 2 or look[0] < 0:
            message = "the box told of a file without its size"
            raise HostError(message)
    return whole
