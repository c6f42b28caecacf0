"""Send files home as a tar stream, where rsync is missing."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline.follow import GROWING, LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from pipeline.wire import Carrying


def carry(root: Path, asked: Carrying, out: BinaryIO) -> None:
    """Write a tar of what the laptop asked for and has not.

    A file that changes while it is read is sent as it was when it was opened; one that
    vanishes is left out. Links and special files never travel.
    """
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name, path in wanted(root, asked):
            try:
                data = path.read_bytes() if path.stat().st_size < 1 << 20 else None
                if data is None:
                    tar.add(path, arcname=name, recursive=False)
                else:
                    _add_bytes(tar, name, path, data)
            except FileNotFoundError:
                continue


def _add_bytes(tar: tarfile.TarFile, name: str, path: Path, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mtime = path.stat().st_mtime
    tar.addfile(info, io.BytesIO(data))


def wanted(root: Path, asked: Carrying) -> Iterator[tuple[str, Path]]:
    """Yield the files to send, by their path below the folder."""
    for place, folders, names in os.walk(root / asked.below):
        folders[:] = sorted(name for name in folders if not _is_hidden(name, asked))
        for name in sorted(names):
            path = Path(place, name)
            relative = path.relative_to(root).as_posix()
            if _is_hidden(name, asked) or path.is_symlink() or not path.is_file():
                continue
            if asked.folder == "results" and (name in GROWING or name in LIVE):
                continue
            if not any(_fits(relative, pattern) for pattern in asked.include):
                continue
            status = path.stat()
            if 0 <= asked.max_file < status.st_size:
                continue
            if asked.have.get(relative) != (status.st_size, int(status.st_mtime)):
                yield relative, path


def _is_hidden(name: str, asked: Carrying) -> bool:
    """Tell drafts, and what a stage hides; but an artifact is sealed by any name."""
    is_draft = asked.folder == "results" or name.endswith(".draft")
    return name.startswith(".") and is_draft


def _fits(name: str, pattern: str) -> bool:
    """Match as rsync does: from the right, part by part; from the top after a `/`."""
    return bool(pattern.strip("./")) and PurePosixPath("/", name).match(pattern)
