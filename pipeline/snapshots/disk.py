"""How the files of a work tree lie on the disk, against what git keeps of them.

Files whose bytes are not the blob that git has for them are found by size: so come LFS
objects, bent line ends, encodings and files hidden from `status` as they lie, with no
attribute asked. (A filter that keeps the size of what it changes goes unseen: such a
file travels as git keeps it.)
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.git import Git

GONE, FILE, PROGRAM, LINK, SUBMODULE = "", "100644", "100755", "120000", "160000"
# An LFS pointer may be as long as the small file it stands for.
POINTER_SIZES = range(120, 200)
POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of the index. A hidden one is passed over by `status`."""

    mode: str
    oid: str
    is_hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How one path of a snapshot differs from HEAD.

    An empty mode says that it is gone; an empty `oid` that its bytes lie in the work
    tree, where they are `size` long.
    """

    path: str
    mode: str = GONE
    oid: str = ""
    size: int = 0


class Disk:
    """Looks at the files of a work tree, opening none, and notes what cannot travel.

    special: neither a file nor a link. closed: may not be read.
    """

    def __init__(self, git: Git, top: Path) -> None:
        """Look below `top`."""
        self._git = git
        self._top = os.fspath(top)
        self._has_modes: bool | None = None
        self.special: list[str] = []
        self.closed: list[str] = []

    def look(self, path: str) -> os.stat_result | None:
        """Give what lies at `path` itself; nothing when nothing does."""
        try:
            return os.lstat(f"{self._top}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def staged(self, path: str, mode: str, oid: str) -> Change:
        """Take what the index has; it is as long as the file, if that is there."""
        found = self.look(path) if mode != SUBMODULE else None
        return Change(path=path, mode=mode, oid=oid, size=found.st_size if found else 0)

    def lying(self, path: str, mode: str = "") -> Change:
        """Take what lies there. Give `mode` for a file that git knows."""
        found = self.look(path)
        if found is None:
            return Change(path=path)
        if stat.S_ISLNK(found.st_mode):
            return Change(path=path, mode=LINK, size=found.st_size)
        if not stat.S_ISREG(found.st_mode):
            self.special.append(path)
        elif not os.access(f"{self._top}/{path}", os.R_OK):
            self.closed.append(path)
        return Change(path=path, mode=mode or self._new_mode(found), size=found.st_size)

    def _new_mode(self, found: os.stat_result) -> str:
        is_program = bool(found.st_mode & stat.S_IXUSR)
        return PROGRAM if is_program and self._trusts_modes() else FILE

    def _trusts_modes(self) -> bool:
        # Some file systems call every file a program; git noted it when it came here.
        if self._has_modes is None:
            asked = ("config", "--type=bool", "--get", "core.fileMode")
            self._has_modes = self._git.ask(*asked).out.strip() != b"false"
        return self._has_modes


@dataclass(frozen=True, slots=True)
class Bent:
    """Files that are not what git keeps, path -> mode; and mere pointers of LFS."""

    modes: Mapping[str, str]
    pointers: tuple[str, ...]


def bent(git: Git, disk: Disk, top: Path, index: Mapping[str, Entry]) -> Bent:
    """Find the files of `index` that lie there otherwise than git keeps them.

    What is not there is passed over: in a sparse checkout the index speaks for it.
    """
    files = {path: e for path, e in index.items() if e.mode in {FILE, PROGRAM}}
    found = {path: disk.look(path) for path in files}
    there = {p: s.st_size for p, s in found.items() if s and stat.S_ISREG(s.st_mode)}
    blobs = _sizes(git, [files[path].oid for path in there])
    has_filters = any(path.endswith(".gitattributes") for path in index)
    modes, pointers = {}, []
    for (path, size), blob in zip(there.items(), blobs, strict=True):
        entry = files[path]
        if size != blob:
            modes[path] = entry.mode
        elif entry.is_hidden or (has_filters and size in POINTER_SIZES):
            data = _bytes(top / path)
            if name_of(data, entry.oid) != entry.oid:
                modes[path] = entry.mode
            elif data.startswith(POINTER):
                pointers.append(path)
    return Bent(modes, tuple(pointers))


def _sizes(git: Git, oids: list[str]) -> list[int]:
    """Give the size of each blob, -1 for one that is not here."""
    if not oids:
        return []
    asked = "".join(f"{oid}\n" for oid in oids).encode()
    said = git.out("cat-file", "--batch-check=%(objectsize)", "--buffer", stdin=asked)
    return [int(line) if line.isdigit() else -1 for line in said.splitlines()]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # so it differs, and is looked at again with the rest


def name_of(data: bytes, like: str) -> str:
    """Name a blob as git would, in the hash that made the name `like`."""
    made = hashlib.sha1 if len(like) == 40 else hashlib.sha256
    return made(b"blob %d\0" % len(data) + data).hexdigest()
