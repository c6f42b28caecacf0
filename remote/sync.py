"""Bring files of a run home: by rsync, or by a tar stream where that is missing."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from pipeline import files
from pipeline.errors import HostError, TransportError
from pipeline.follow import GROWING, LIVE
from pipeline.frozen import dataclass
from pipeline.wire import Carrying
from remote.links import command
from remote.links.flow import PLAIN

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.memory import RunRecord
    from remote.far import Far
    from remote.links.link import Stream

_PATIENCE_S = 24 * 3600.0
_STREAM_PATIENCE_S = 60.0
_BROKEN = frozenset({10, 12, 30, 35, 255})  # what rsync answers when the line breaks
_NOT_THERE = frozenset({126, 127})
# 24: a file vanished under rsync. It was renamed, and comes the next time.
_ANYWAY = frozenset({0, 24})
_RSYNC_MISSING = b"rsync: command not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to bring home: of which folder, which names, up to which size."""

    folder: Literal["results", "artifacts"]
    include: tuple[str, ...] = ("*",)
    max_file: int = -1
    below: str = ""


class Sync:
    """Brings one run's files home, again and again."""

    def __init__(self, far: Far, record: RunRecord) -> None:
        """Bring home the files of `record`."""
        self._far = far
        self._record = record
        self._has_rsync = shutil.which("rsync") is not None

    def bring(self, wanted: Wanted, target: Path) -> None:
        """Bring what changed into `target`; nothing there is ever deleted."""
        target.mkdir(parents=True, exist_ok=True)
        if self._has_rsync and PLAIN.fullmatch(self._place(wanted)):
            self._has_rsync = self._rsync(wanted, target)
            if self._has_rsync:
                return
        self._tar(wanted, target)

    def _place(self, wanted: Wanted) -> str:
        """Name the folder on the box, which an older rsync lets a shell there read."""
        base = self._far.run_folder(self._record)
        return "/".join(part for part in (base, wanted.folder, wanted.below) if part)

    def _rsync(self, wanted: Wanted, target: Path) -> bool:
        """Give False when the box has no rsync."""
        place = self._place(wanted)
        argv = [
            *("rsync", "-rt"),
            *self._far.link.rsync_flags(),
            *filters(wanted),
            self._far.link.rsync_source(place) + "/",
            str(target / wanted.below) + "/",
        ]
        (target / wanted.below).mkdir(parents=True, exist_ok=True)
        done = command.run(argv, timeout_s=_PATIENCE_S)
        if done.code in _ANYWAY:
            return True
        said = done.err.decode("utf-8", "replace").strip()
        if done.code in _NOT_THERE or _RSYNC_MISSING in done.err:
            return False
        if "not found" in said and "rsync" in said.partition("not found")[0]:
            return False
        if done.code in _BROKEN:
            message = f"host {self._far.link.name!r}: the line broke during rsync"
            raise TransportError(message, hint=said[-500:])
        message = f"host {self._far.link.name!r}: rsync ended in {done.code}"
        raise HostError(message, hint=said[-500:])

    def _tar(self, wanted: Wanted, target: Path, *, is_again: bool = False) -> None:
        asked = Carrying(
            folder=wanted.folder,
            include=wanted.include,
            max_file=wanted.max_file,
            below=wanted.below,
            have=_have(target),
        )
        stream = self._far.carry(self._record.run, asked)
        try:
            torn = _unpack_all(_Reading(stream), target)
        finally:
            stream.close()
        if self._far.lacks_runner(stream.code, stream.err) and not is_again:
            self._far.upload()
            self._tar(wanted, target, is_again=True)
            return
        message = f"host {self._far.link.name!r}: the tar stream"
        # A tar that was cut between two files looks whole.
        if stream.code:
            refused = HostError(
                f"{message} ended with {stream.code}", hint=_said(stream)
            )
            raise self._far.refusal(stream.err) or refused
        if torn:
            raise TransportError(f"{message} is torn: {torn}", hint=_said(stream))


def filters(wanted: Wanted) -> list[str]:
    """Say to rsync what to bring; of two rules the first that fits decides."""
    rules = ["--exclude=.*.draft"]
    if wanted.folder == "results":
        left = [".*", *sorted(GROWING | LIVE)]
        rules = [f"--exclude={name}" for name in left]
    rules += ["--include=*/", *(f"--include={name}" for name in wanted.include)]
    rules += ["--exclude=*"]
    if wanted.max_file >= 0:
        rules += [f"--max-size={wanted.max_file}"]
    return rules


def _have(target: Path) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for place, _, names in os.walk(target):
        for name in names:
            path = target.__class__(place, name)
            status = path.lstat()
            relative = path.relative_to(target).as_posix()
            found[relative] = (status.st_size, int(status.st_mtime))
    return found


def _unpack_all(reading: _Reading, target: Path) -> str:
    """Write what comes, to the very end of the stream; say how it is torn, if it is."""
    torn = ""
    try:
        with tarfile.open(fileobj=reading, mode="r|") as tar:
            for member in tar:
                _unpack(tar, member, target)
    except tarfile.TarError as error:
        torn = str(error)
    reading.read()
    return torn


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write one file of a tar that came from a box: plain, below `target`, whole."""
    if not member.isreg():
        raise foreign(member.name)
    check_inside(member.name)
    name = PurePosixPath(member.name)
    source = tar.extractfile(member)
    assert source is not None, "a plain file has content"
    path = target / name
    if path.parent.resolve() != (target.resolve() / name.parent):
        message = f"a link lies in the way of {member.name[:60]!r}"
        raise HostError(message)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with draft.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    os.utime(draft, (member.mtime, member.mtime))
    files.move(draft, path)


def check_inside(name: str) -> None:
    """Refuse a name from a box that would lead outside of where it is put."""
    path = PurePosixPath(name)
    if not path.parts or "\0" in name or path.is_absolute() or ".." in path.parts:
        raise foreign(name)


def foreign(name: str) -> HostError:
    """Say that a box told a name that no run has."""
    return HostError(f"the box sent a name that is none of a run's: {name[:60]!r}")


def _said(stream: Stream) -> str:
    return stream.err.decode("utf-8", "replace").strip()[-500:]


class _Reading(io.RawIOBase):
    """What `tarfile` reads: a stream as a file."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = b""

    def read(self, size: int = -1, /) -> bytes:
        while len(self._buffer) < size or size < 0:
            data = self._stream.read(_STREAM_PATIENCE_S)
            if data is None:
                message = "the tar stream says nothing any more"
                raise TransportError(message)
            if not data:
                break
            self._buffer += data
        given, self._buffer = self._buffer[:size], self._buffer[size:]
        return given
