"""Takes a stream of a data set in: whole files under their names, or none.

A file is written as a draft on the disk of its home. When it is whole, and its sha256
is the one that was sent, it is on the disk before it gets its name; so no cut of the
line and no power cut leaves half a file there. A draft that was cut off stays for the
next stream, which goes on where it ends.

Nothing is written outside of the home: names are checked, and no link is followed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline import files
from pipeline.data import holding
from pipeline.data.holding import WHOLE
from pipeline.errors import HostError, TransportError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future, ThreadPoolExecutor

_BLOCK = 1 << 20
_MOST_HEAD = 1 << 16
_DIGEST = 32
_SYNC_EVERY = 256_000_000  # bytes that may wait for their names
_MOST_WAITING = 5_000  # files that may


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came: how many files with how many bytes, and those that were torn.

    hashes: of the files, where they are asked for.
    """

    files: int = 0
    bytes: int = 0
    torn: tuple[str, ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)


class Intake:
    """Takes one stream in, below one home."""

    def __init__(
        self,
        home: Path,
        stream: BinaryIO,
        *,
        is_file: bool,
        told: Callable[[int, str], None] = lambda _count, _name: None,
        asked: Mapping[str, int] | None = None,
    ) -> None:
        """Make the home if it is missing.

        asked: the names that may come, with their sizes; any other is refused, and so
        is one that has grown since.
        """
        self._stream = stream
        self._told = told
        self._asked = asked
        self._home = home
        if is_file:
            home.parent.mkdir(parents=True, exist_ok=True)
        else:
            home.mkdir(parents=True, exist_ok=True)
        self._root = Path(os.path.realpath(home))
        self._drafts = holding.beside(home) if is_file else holding.incoming_of(home)
        self._waiting: list[tuple[Path, Path, int]] = []
        self._beside: ThreadPoolExecutor
        self._naming: Future[None] | None = None
        self._torn: list[str] = []
        self._hashes: dict[str, str] = {}
        self._count = self._bytes = self._unsynced = 0

    def take(self) -> Taken:
        """Take in all that comes; raise TransportError where the stream was cut.

        What came whole before that is there, and what came in part is gone on with.
        """
        if self._drafts.is_symlink():
            message = f"a link lies where data comes in: {self._drafts}"
            raise HostError(message, hint="remove it")
        self._drafts.mkdir(mode=0o700, exist_ok=True)
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as beside:
            self._beside = beside
            try:
                while not (head := self._head()).get("end"):
                    self._take(head)
            finally:
                self._publish()
                self._settle()
        files.sync_disk(self._root.parent if self._root.is_file() else self._root)
        # Where all came, no draft is wanted any more.
        files.remove_tree(self._drafts)
        return Taken(
            files=self._count,
            bytes=self._bytes,
            torn=tuple(self._torn),
            hashes=self._hashes,
        )

    def _head(self) -> dict[str, Any]:
        line = self._stream.readline(_MOST_HEAD)
        if not line.endswith(b"\n"):
            raise _cut()
        try:
            head = json.loads(line)
        except (ValueError, RecursionError) as error:
            message = f"data came as what it is not: {line[:40]!r}"
            raise HostError(message) from error
        if not isinstance(head, dict):
            message = f"data came as what it is not: {line[:40]!r}"
            raise HostError(message)
        return head

    def _take(self, head: dict[str, Any]) -> None:
        if "folder" in head:
            self._parent(self._place(head["folder"]) / "x")
        elif "link" in head:
            self._publish()  # where it leads to comes before it
            self._settle()
            self._link(head["link"], head.get("to"))
        else:
            self._file(head)

    def _place(self, name: object, *, is_new: bool = True) -> Path:
        """Give where a name belongs, and nothing outside of the home."""
        if not isinstance(name, str):
            message = f"data came without a name: {name!r:.60}"
            raise HostError(message)
        holding.check_name(name)
        if is_new and self._asked is not None and name not in self._asked:
            message = f"data came that nobody asked for: {name[:60]!r}"
            raise HostError(message)
        return self._root if name == WHOLE else self._root / name

    def _file(self, head: dict[str, Any]) -> None:
        name = head.get("file")
        target = self._place(name)
        assert isinstance(name, str), "a place has a name"
        size, at, start = (_number(head, key) for key in ("size", "at", "from"))
        if self._asked is not None and self._asked[name] != size:
            message = f"data changed while it was sent: {name[:60]!r}"
            raise HostError(message, hint="do it again")
        if not 0 <= start <= size:
            message = f"data came from byte {start} on, of {size}"
            raise HostError(message)
        draft = self._drafts / holding.draft_name(name, size, at)
        try:
            is_whole = self._write(draft, name, size, start)
        except OSError as error:
            # A disk that is full must not stay so.
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                draft.unlink(missing_ok=True)
                message = f"the disk is full: {self._home}"
                hint = "what came whole is there; make room, and do it again"
                raise HostError(message, hint=hint) from error
            raise
        if not is_whole:
            draft.unlink()
            self._torn.append(name)
            return
        os.utime(draft, ns=(at, at))
        self._waiting.append((draft, target, size))
        self._unsynced += size - start
        if self._unsynced > _SYNC_EVERY or len(self._waiting) >= _MOST_WAITING:
            self._publish()

    def _write(self, draft: Path, name: str, size: int, start: int) -> bool:
        """Write what comes behind the first `start` bytes; tell whether it is right."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (0 if start else os.O_TRUNC)
        opened = os.open(draft, flags, 0o666)
        try:
            digest = _digest_of(opened, start) if start else None
            if start:
                os.lseek(opened, start, os.SEEK_SET)
                os.ftruncate(opened, start)
            left = size - start
            while left:
                block = self._stream.read(min(_BLOCK, left))
                if not block:
                    raise _cut()
                if digest is not None:
                    digest.update(block)
                _write_all(opened, block)
                left -= len(block)
                self._told(len(block), name)
        finally:
            os.close(opened)
        sent = self._stream.read(_DIGEST)
        if len(sent) < _DIGEST:
            raise _cut()
        self._hashes[name] = sent.hex()
        # What came in one go is what was sent: the line sees to that, and it is read
        # again when all is there. What was begun another day may be of another file.
        return digest is None or sent == digest.digest()

    def _publish(self) -> None:
        """Have the files named that are whole; meanwhile more may come."""
        self._settle()
        if self._waiting:
            self._naming = self._beside.submit(self._name, self._waiting)
            self._waiting, self._unsynced = [], 0

    def _settle(self) -> None:
        """Wait until what was handed over has its names; raise what went wrong."""
        naming, self._naming = self._naming, None
        if naming is not None:
            naming.result()

    def _name(self, whole: list[tuple[Path, Path, int]]) -> None:
        """Give files their names, once they are on the disk."""
        files.sync_disk(self._drafts)
        made: set[Path] = set()
        for draft, target, size in whole:
            if target.parent not in made:
                self._parent(target)
                made.add(target.parent)
            try:
                files.move(draft, target)
            except IsADirectoryError as error:
                message = f"a folder lies where a file belongs: {target}"
                raise HostError(message, hint="move it away") from error
            self._count += 1
            self._bytes += size

    def _parent(self, target: Path) -> None:
        """Make the folder of a file; a link in its way would lead somewhere else."""
        if target == self._root:
            return
        here = self._root
        for part in target.relative_to(self._root).parts[:-1]:
            here /= part
            if here.is_symlink() or (here.exists() and not here.is_dir()):
                message = f"something else lies where a folder belongs: {here}"
                raise HostError(message, hint="move it away")
            with contextlib.suppress(FileExistsError):
                here.mkdir()

    def _link(self, name: object, target: object) -> None:
        place, end = self._place(name), self._place(target, is_new=False)
        self._parent(place)
        if place.is_dir() and not place.is_symlink():
            message = f"a folder lies where a link belongs: {place}"
            raise HostError(message, hint="move it away")
        files.point_link(place, os.path.relpath(end, place.parent))


def _write_all(opened: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(opened, rest) :]


def _digest_of(opened: int, size: int) -> hashlib._Hash:
    """Hash what a draft begins with."""
    digest = hashlib.sha256()
    while size and (block := os.read(opened, min(_BLOCK, size))):
        digest.update(block)
        size -= len(block)
    return digest


def _number(head: dict[str, Any], key: str) -> int:
    value = head.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        message = f"data came without its {key!r}"
        raise HostError(message)
    return value


def _cut() -> TransportError:
    message = "the stream of data was cut"
    return TransportError(message, hint="what came is kept; do it again to go on")
