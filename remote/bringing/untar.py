"""Unpack a tar stream of a box: plain files, below one folder, each whole or not there.

Python's own extraction is not used: a member is read only after its kind, its name and
its size were looked at, and written only where `Landing` says.
"""

from __future__ import annotations

import errno
import io
import os
import tarfile
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.errors import HostError, TransportError
from remote.bringing.landing import check_room, foreign

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import IO

    from remote.bringing.landing import Landing
    from remote.links.link import Stream

PATIENCE_S = 60.0
AT = "PIPELINE.at"  # a header: how much of the file the laptop has already
_BLOCK = 1 << 20
_LOOK_BYTES = 64 << 20  # how much may come between two looks at the disk
# A pax header is read into memory whole; no name of ours needs more.
_MOST_HEAD = 1 << 20
_UNFIT = frozenset({errno.EILSEQ, errno.ENAMETOOLONG, errno.EINVAL})


class Unpacking:
    """One tar stream, unpacked as it comes.

    A file grows in a draft beside its place, of which a torn stream leaves nothing.
    """

    def __init__(
        self,
        landing: Landing,
        *,
        most_size: int = -1,
        goes_on: bool = False,
        told: Callable[[int], None] | None = None,
    ) -> None:
        """Unpack to where `landing` says; a file larger than `most_size` is a lie.

        goes_on: a file grows in its place, for another stream to go on with what is
        torn; whoever asks for that says what is whole. told: hears how many bytes came.
        """
        self._landing = landing
        self._most_size = most_size
        self._goes_on = goes_on
        self._told = told
        self._size = 0
        self._looked_at = -_LOOK_BYTES

    def unpack_all(self, reading: Reading) -> str:
        """Write what comes, to the end of the stream; say how it is torn, if it is."""
        torn = ""
        try:
            with tarfile.open(fileobj=reading, mode="r|", bufsize=1 << 16) as tar:
                while (member := tar.next()) is not None:
                    reading.allow(member.size)
                    self.unpack(tar, member)
                    # It keeps a list of all that came, for who asks; nobody does.
                    tar.members = []  # type: ignore[attr-defined]  # it has it
        except (tarfile.TarError, ValueError, RecursionError) as error:
            torn = str(error)
        if not reading.drain():
            message = "the tar stream goes on where it should end"
            raise TransportError(message, hint=torn)
        return torn

    def unpack(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Write one file."""
        if not member.isreg() or member.issparse():
            raise foreign(member.name)
        if 0 <= self._most_size < member.size:
            message = f"the box sent {member.size:,} bytes as {member.name[:60]!r}"
            raise HostError(message, hint=f"at most {self._most_size:,} were asked for")
        source = tar.extractfile(member)
        assert source is not None, "a plain file has content"
        try:
            self._write(source, member)
        except OSError as error:
            if error.errno not in _UNFIT:
                raise
            message = f"this machine's disk takes no file of the name {member.name!r}"
            raise HostError(message[:300]) from error

    def _write(self, source: IO[bytes], member: tarfile.TarInfo) -> None:
        place = self._landing.place_of(member.name)
        at = _offset(member)
        if self._goes_on:
            self._append(source, place, at)
            os.utime(place, (member.mtime, member.mtime))
            return
        draft = files.draft_of(place)
        try:
            self._append(source, draft, 0)
            os.utime(draft, (member.mtime, member.mtime))
            files.move(draft, place)
        finally:
            draft.unlink(missing_ok=True)

    def _append(self, source: IO[bytes], path: Path, at: int) -> None:
        """Write from `at` on; what lies there beyond it is another try's."""
        with path.open("r+b" if at else "wb") as file:
            file.truncate(at)
            file.seek(at)
            while block := source.read(_BLOCK):
                file.write(block)
                self._size += len(block)
                if self._size - self._looked_at >= _LOOK_BYTES:
                    self._looked_at = self._size
                    check_room(path.parent)
                if self._told:
                    self._told(self._size)


def _offset(member: tarfile.TarInfo) -> int:
    text = member.pax_headers.get(AT, "0")
    if not text.isdecimal() or len(text) > 15:
        raise foreign(member.name)
    return int(text)


class Reading(io.RawIOBase):
    """What `tarfile` reads: a stream as a file, and no more of it than is due.

    A header says itself how long it is, and is read into memory whole.
    """

    def __init__(self, stream: Stream) -> None:
        """Read `stream`."""
        self._stream = stream
        self._buffer = bytearray()
        self._due = _MOST_HEAD

    def allow(self, size: int) -> None:
        """Let so many bytes come, and the next header."""
        self._due = size + _MOST_HEAD

    def read(self, size: int = -1, /) -> bytes:
        """Give so many bytes, or fewer at the end."""
        while len(self._buffer) < size or size < 0:
            data = self._next()
            if not data:
                break
            if self._due < 0:
                raise foreign("a header without an end")
            self._buffer += data
        size = len(self._buffer) if size < 0 else size
        given = bytes(self._buffer[:size])
        del self._buffer[:size]
        return given

    def drain(self) -> bool:
        """Read to the end, so that it is known how it ended; tell whether it did."""
        self._buffer.clear()
        self.allow(0)
        while self._due >= 0:
            if not self._next():
                return True
        return False

    def _next(self) -> bytes:
        data = self._stream.read(PATIENCE_S)
        if data is None:
            message = "the tar stream says nothing any more"
            raise TransportError(message)
        self._due -= len(data)
        return data
