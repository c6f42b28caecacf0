"""The only door to replacing, locking and syncing files.

What is replaced is replaced whole, what is appended is appended as whole lines, and
what is locked is free again the moment its last holder is gone, however it went.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def replace_bytes(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replace `path` in one step: a reader sees the old or the new, never half."""
    # The name of a draft begins with a dot: mirrors leave those out. It holds the pid,
    # since two processes of the laptop may write the same file.
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with draft.open("wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    os.replace(draft, path)
    if durable:
        sync_folder(path.parent)


def replace_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Replace the text of `path` in one step."""
    replace_bytes(path, text.encode(), durable=durable)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make the content of `path` survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def move(source: Path, target: Path) -> None:
    """Move `source` onto `target` in one step; both lie on one file system."""
    os.replace(source, target)


def remove_tree(path: Path) -> None:
    """Remove `path`, whatever it is; it may be gone already."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)


def open_lock(path: Path) -> int | None:
    """Take the lock on `path` for as long as the returned descriptor is open.

    Give None when somebody holds it. The descriptor is close-on-exec; hand it to a
    child by `pass_fds`, and the lock lives as long as that child too.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def is_locked(path: Path) -> bool:
    """Tell whether somebody holds the lock on `path`, disturbing nobody.

    A shared lock is tried, so that two who ask at once never see each other as the
    holder; a runner that starts at that very instant tries again (see `box`).
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(handle)


@contextlib.contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold the lock on `path`, waiting for it as long as needed."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def point_link(link: Path, target: str) -> None:
    """Make `link` a symbolic link to `target`, replacing a link that was there."""
    draft = link.with_name(f".{link.name}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    os.replace(draft, link)


def own_ignored_folder(folder: Path) -> Path:
    """Make `folder` with a `.gitignore` of its own, so that git never picks it up."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        replace_text(ignore, "*\n")
    return folder
