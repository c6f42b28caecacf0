"""Where the files of a box land: the one door between what it says and our folders.

Whoever owns a box may lie in all it sends. So nothing that comes is written where it
belongs: it is gathered in a hidden folder of its own (`.incoming`), looked at, and what
is a plain file of a plain name is moved to its place, whole. No link is ever followed,
made or written through, whichever program did the gathering.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from pipeline import files
from pipeline.errors import HostError
from pipeline.offers import GROWING, LIVE
from remote.links import command

if TYPE_CHECKING:
    from collections.abc import Sequence

Folder = Literal["results", "artifacts"]

INCOMING = ".incoming"
MOST_FILES = 100_000  # of one run; one that makes more wants an archive of them
LEAST_FREE = 64_000_000  # bytes of this machine's disk that a box never gets
_LEAST_SHARE = 50  # or a fiftieth of a small one
_GIT = ".git"
_DEEPEST = 64  # folders within folders
_CLEAR_S = 600.0


def check_inside(name: str) -> None:
    """Refuse a name from a box that would lead outside of where it is put.

    Nor may any part be `.git`: whoever looked there would run what its settings name.
    """
    path = PurePosixPath(name)
    if not path.parts or "\0" in name or path.is_absolute() or ".." in path.parts:
        raise foreign(name)
    if _holds_git(path.parts):
        raise foreign(name)


def _holds_git(parts: Sequence[str]) -> bool:
    return any(part.casefold() == _GIT for part in parts)


def foreign(name: str) -> HostError:
    """Say that a box told a name that no run has."""
    return HostError(f"the box sent a name that is none of a run's: {name[:60]!r}")


def crowded() -> HostError:
    """Say that a box has more files than a run may bring home."""
    message = f"the box has more than {MOST_FILES:,} files for this run"
    hint = "what came is here; narrow sync.include, or pack them into one archive"
    return HostError(message, hint=hint)


def check_room(folder: Path, need: int = 0) -> None:
    """Refuse what would fill the disk of this machine."""
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    least = min(LEAST_FREE, status.f_blocks * status.f_frsize // _LEAST_SHARE)
    if free < need + least:
        most = max(free - least, 0)
        message = f"this machine's disk has no room: {folder} can take {most:,} bytes"
        if need:
            message += f", and {need:,} are to come"
        raise HostError(message, hint="make room and do it again; what came is kept")


class Landing:
    """One folder that files of a box come to, and what has come to it so far."""

    def __init__(self, target: Path, folder: Folder, *, count: int = 0) -> None:
        """Let files of `folder`, of results or of artifacts, come to `target`.

        count: how many files lie there already.
        """
        self._target = target
        self._folder = folder
        self._known: set[PurePosixPath] = {PurePosixPath()}
        self._count = count
        self._refused: HostError | None = None

    def place_of(self, name: str) -> Path:
        """Give where a file of this name lies, its folders made.

        Raise HostError for a name that is none of a run's, for a link or a folder that
        is in its way, and when there are too many.
        """
        check_inside(name)
        path = PurePosixPath(name)
        if not self._is_fit(path.parts):
            raise foreign(name)
        self._enter(path.parent)
        return self._place(path.parent, path.name)

    def _place(self, folder: PurePosixPath, name: str) -> Path:
        place = self._target / folder / name
        kind = _kind(place)
        if kind == stat.S_IFDIR:
            raise _in_the_way("folder", str(folder / name))
        self._count += not kind
        if self._count > MOST_FILES:
            raise crowded()
        return place

    def _enter(self, folder: PurePosixPath) -> None:
        if folder in self._known:
            return
        self._enter(folder.parent)
        kind = _kind(self._target / folder)
        if not kind:
            (self._target / folder).mkdir()
        elif kind != stat.S_IFDIR:
            what = "link" if kind == stat.S_IFLNK else "file"
            raise _in_the_way(what, str(folder))
        self._known.add(folder)

    def land(self, incoming: Path) -> None:
        """Move each plain file below `incoming` to its place; all else stays behind.

        Nothing hinders the rest: what was refused first is raised at the end.
        """
        ahead = [PurePosixPath()]
        while ahead and self._count <= MOST_FILES:
            folder = ahead.pop()
            with os.scandir(incoming / folder) as entries:
                found = [(entry, _opened(entry)) for entry in entries]
            ahead += [folder / e.name for e, kind in found if kind == stat.S_IFDIR]
            plain = [entry for entry, kind in found if kind == stat.S_IFREG]
            try:
                self._check_folder(folder)
                if len(plain) < len(found) or not self._moved_whole(plain, folder):
                    self._move(plain, folder)
            except HostError as error:
                self._refused = self._refused or error
        if self._refused:
            raise self._refused

    def _check_folder(self, folder: PurePosixPath) -> None:
        is_root = not folder.parts
        if not is_root and not self._is_fit(folder.parts):
            raise foreign(str(folder))

    def _is_fit(self, parts: Sequence[str]) -> bool:
        is_deep = len(parts) > _DEEPEST
        return not (is_deep or is_hidden(parts, self._folder) or _holds_git(parts))

    def _moved_whole(
        self, entries: list[os.DirEntry[str]], folder: PurePosixPath
    ) -> bool:
        """Move a folder of nothing but plain files whole, if it is new here.

        A stage is published as a whole folder, so this is how most files come.
        """
        is_new = bool(entries and folder.parts) and not _kind(self._target / folder)
        most = MOST_FILES - self._count
        if not is_new or len(entries) > most:
            return False
        if not all(self._is_fit((entry.name,)) for entry in entries):
            return False
        self._enter(folder.parent)
        files.move(Path(entries[0].path).parent, self._target / folder)
        self._known.add(folder)
        self._count += len(entries)
        return True

    def _move(self, entries: list[os.DirEntry[str]], folder: PurePosixPath) -> None:
        """Move the files of one folder."""
        for entry in entries:
            try:
                if not self._is_fit((*folder.parts, entry.name)):
                    raise foreign(str(folder / entry.name))
                self._enter(folder)
                place = self._place(folder, entry.name)
            except HostError as error:
                self._refused = self._refused or error
                if self._count > MOST_FILES:
                    return
            else:
                files.move(Path(entry.path), place)


def is_hidden(parts: Sequence[str], folder: Folder) -> bool:
    """Tell a file that never travels so: a draft, or what the stream itself carries.

    A stage's artifact is sealed by any name but that of a draft.
    """
    if folder == "artifacts":
        return any(p.startswith(".") and p.endswith(".draft") for p in parts)
    is_streamed = parts[-1] in GROWING or parts[-1] in LIVE
    return is_streamed or any(part.startswith(".") for part in parts)


def _opened(entry: os.DirEntry[str]) -> int:
    """Give the kind of what lies there, and ourselves the right to read and move it.

    A box may have closed it to us.
    """
    mode = entry.stat(follow_symlinks=False).st_mode
    least = 0o700 if stat.S_ISDIR(mode) else 0o600
    if not stat.S_ISLNK(mode) and mode & least != least:
        Path(entry.path).chmod(stat.S_IMODE(mode) | least)
    return stat.S_IFMT(mode)


def look_over(root: Path) -> tuple[int, bool]:
    """Give how many files lie below `root`, and whether any is a link.

    No run's own files are links; nor is one followed to find out.
    """
    count, has_links = 0, False
    ahead = [str(root)] if root.is_dir() else []
    while ahead:
        with os.scandir(ahead.pop()) as entries:
            for entry in entries:
                has_links = has_links or entry.is_symlink()
                if entry.is_dir(follow_symlinks=False):
                    ahead.append(entry.path)
                else:
                    count += 1
    return count, has_links


def weigh(root: Path) -> tuple[int, int]:
    """Give how many files lie below `root`, and their size; it stops at too many."""
    count = size = 0
    ahead = [str(root)]
    while ahead and count <= MOST_FILES:
        with contextlib.suppress(FileNotFoundError), os.scandir(ahead.pop()) as entries:
            for entry in entries:
                count += 1
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_dir(follow_symlinks=False):
                        ahead.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
    return count, size


def clear(incoming: Path) -> None:
    """Remove what was gathered, however odd its shape."""
    try:
        files.remove_tree(incoming)
    except (OSError, RecursionError):
        command.run(["rm", "-rf", "--", str(incoming)], timeout_s=_CLEAR_S)


def _kind(path: Path) -> int:
    """Give what lies there, or nothing; a link is a link."""
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except FileNotFoundError:
        return 0


def _in_the_way(what: str, name: str) -> HostError:
    return HostError(
        f"a {what} lies in the way of {name[:60]!r}",
        hint="move it away, and do it again",
    )
