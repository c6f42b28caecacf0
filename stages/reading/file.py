"""A file of the user's, and by what name messages speak of it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from stages.reading.unreadable import Unreadable
from stages.reading.wording import near

MOST_BYTES = 4 * 2**30  # of what is held in memory as a whole


class File(NamedTuple):
    """Where it lies, and its name within the folder."""

    path: Path
    name: str

    def line(self, number: int) -> str:
        """Name a line, the first is 1."""
        return f"{self.name}:{number}"


def inside(folder: Path, name: str, said_by: str) -> File:
    """Give the file `name` of a folder, if it is one and lies there.

    A link is followed as long as it stays within the folder: whoever lends a folder
    lends nothing else. said_by: who named it.
    """
    pure = PurePosixPath(name)
    if not name or pure.is_absolute() or ".." in pure.parts or "\\" in name:
        reason = f"{name!r} is no path within the folder"
        raise Unreadable(said_by, reason, "name it from the folder downward, with /")
    path = folder / pure
    try:
        real, root = path.resolve(), folder.resolve()
        is_file = real.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise Unreadable(said_by, f"{name!r} cannot be looked up: {error}") from None
    if not real.is_relative_to(root):
        reason = f"{name!r} is a link that leads out of the folder"
        raise Unreadable(said_by, reason, "put the file itself into the folder")
    if not is_file:
        reason = f"there is no file {name!r}"
        raise Unreadable(said_by, reason, _nearest(folder, pure))
    if not real.stat().st_size:
        raise Unreadable(name, "is empty", "copy it again, or leave it out")
    return File(real, name)


def whole(file: File) -> bytes:
    """Give all bytes of a file that is to be held as a whole."""
    check_size(file.name, file.path.stat().st_size)
    return file.path.read_bytes()


def check_size(what: str, size: int) -> None:
    """Refuse what would not fit into memory."""
    if size > MOST_BYTES:
        reason = f"{size / 2**30:.1f} GiB: the most is {MOST_BYTES / 2**30:g} GiB"
        raise Unreadable(what, reason, "cut it into several recordings")


def _nearest(folder: Path, wanted: PurePosixPath) -> str:
    """Ask whether a file beside it was meant."""
    beside = folder / wanted.parent
    if not beside.is_dir():
        return ""
    return near(wanted.name, [each.name for each in sorted(beside.iterdir())])
