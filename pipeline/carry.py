"""Send files home as a tar stream, where rsync is missing."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline.offers import GROWING, LIVE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from pipeline.wire import Carrying

AT = "PIPELINE.at"  # a header: how much of the file was left out, being there already


def carry(root: Path, asked: Carrying, out: BinaryIO) -> None:
    """Write a tar of what the laptop asked for and has not.

    A file is sent as long as it was when it was opened; one that vanishes is left out.
    Links and special files never travel.
    """
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name, path in wanted(root, asked):
            try:
                _add(tar, name, path, asked.at.get(name, 0))
            except FileNotFoundError:
                continue
            # It keeps a list of all that it wrote, for who asks; nobody does.
            tar.members = []  # type: ignore[attr-defined]  # it has it


def _add(tar: tarfile.TarFile, name: str, path: Path, at: int) -> None:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        # Of what is shorter than the part the laptop has, that part is no beginning.
        at = at if at <= status.st_size else 0
        file.seek(at)
        info = tarfile.TarInfo(name)
        info.size = status.st_size - at
        info.mtime = status.st_mtime
        if at:
            info.pax_headers = {AT: str(at)}
        tar.addfile(info, file)


def wanted(root: Path, asked: Carrying) -> Iterator[tuple[str, Path]]:
    """Yield the files to send, by their path below the folder."""
    if asked.names:
        yield from _named(root, asked)
        return
    for place, folders, names in os.walk(root / asked.below):
        folders[:] = sorted(name for name in folders if not _is_hidden(name, asked))
        for name in sorted(names):
            path = Path(place, name)
            relative = path.relative_to(root).as_posix()
            if _is_hidden(name, asked) or path.is_symlink() or not path.is_file():
                continue
            if asked.folder == "results" and (name in GROWING or name in LIVE):
                continue
            if not any(fits(relative, pattern) for pattern in asked.include):
                continue
            status = path.stat()
            if 0 <= asked.max_file < status.st_size:
                continue
            if asked.have.get(relative) != (status.st_size, int(status.st_mtime)):
                yield relative, path


def _named(root: Path, asked: Carrying) -> Iterator[tuple[str, Path]]:
    """Yield the files of these names that lie there, in the order of the names."""
    for name in asked.names:
        relative = PurePosixPath(asked.below, name)
        path = root / relative
        if not path.is_symlink() and path.is_file():
            yield relative.as_posix(), path


def _is_hidden(name: str, asked: Carrying) -> bool:
    """Tell drafts, and what a stage hides; but an artifact is sealed by any name."""
    is_draft = asked.folder == "results" or name.endswith(".draft")
    return name.startswith(".") and is_draft


def fits(name: str, pattern: str) -> bool:
    """Match as rsync does: from the right, part by part; from the top after a `/`."""
    return bool(pattern.strip("./")) and PurePosixPath("/", name).match(pattern)
