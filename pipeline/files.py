"""The only door to replacing, locking and syncing files.

What is replaced is replaced whole, what is appended is appended as whole lines, and
what is locked is free again the moment its last holder is gone, however it went.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sys
import threading
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Linux: let one file share the blocks of another until either is written to.
_FICLONE = 0x40049409
# What a file system answers that cannot, or not from there to here.
_NO_CLONE = frozenset(
    {
        *(errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL),
        *(errno.ENOSYS, errno.EPERM, errno.EACCES, errno.EBADF),
    }
)


def replace_bytes(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Replace `path` in one step: a reader sees the old or the new, never half."""
    draft = draft_of(path)
    try:
        with draft.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError:  # a full disk must not stay full of it
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    if durable:
        sync_folder(path.parent)


def draft_of(path: Path) -> Path:
    """Name a draft beside `path`, which no other process or thread names so.

    It begins with a dot: mirrors leave those out. The name of `path` may be as long as
    names can be, so it is no part of it.
    """
    mark = zlib.crc32(os.fsencode(path.name))
    who = f"{os.getpid()}-{threading.get_native_id()}"
    return path.with_name(f".{mark:08x}.{who}.draft")


def replace_text(path: Path, text: str, *, durable: bool = False) -> None:
    """Replace the text of `path` in one step; what UTF-8 cannot hold is spelled out."""
    # A file's name may be no text at all, and be part of a message or a picture.
    replace_bytes(path, text.encode("utf-8", "backslashreplace"), durable=durable)


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


def sync_disk(folder: Path) -> None:
    """Make all that was written on the disk of `folder` survive a power cut.

    One call for many files; other disks, which may be far or hang, are left alone.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        sync = _syncfs()
        if sync is None:
            os.sync()
        elif sync(handle):
            code = errno.EIO  # what else, of a folder that is open
            raise OSError(code, os.strerror(code), str(folder))
    finally:
        os.close(handle)


def _syncfs() -> Callable[[int], int] | None:
    """Find what Linux has and Python does not name."""
    try:
        import ctypes  # noqa: PLC0415 - it takes its time, and is needed once

        found: Callable[[int], int] = ctypes.CDLL(None).syncfs
    except (ImportError, OSError, AttributeError):
        return None
    return found


def move(source: Path, target: Path) -> None:
    """Move `source` onto `target` in one step; both lie on one file system."""
    os.replace(source, target)


def clone(source: Path, target: Path) -> bool:
    """Make `target`, new, share the blocks of `source` until either is written to.

    Give False, with no `target`, where the file system cannot.
    """
    if sys.platform != "linux":
        return False
    with source.open("rb") as given:
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.ioctl(made, _FICLONE, given.fileno())
        except OSError as error:
            target.unlink()
            if error.errno in _NO_CLONE:
                return False
            raise
        finally:
            os.close(made)
    return True


def remove_tree(path: Path) -> None:
    """Remove `path`, whatever it is; it may be gone already.

    A folder that its maker closed to writing is opened first. What cannot be removed
    is an error: a rename onto what is left would fail, again and again.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    open_folders(path)
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)


def open_folders(root: Path) -> None:
    """Give ourselves the right to change what is in `root` and below."""
    root.chmod(root.stat().st_mode | 0o700)
    for place, folders, _ in os.walk(root):
        for name in folders:
            folder = Path(place, name)
            if not folder.is_symlink():
                folder.chmod(folder.stat().st_mode | 0o700)


def open_lock(path: Path) -> int | None:
    """Take the lock on `path` for as long as the returned descriptor is open.

    Give None when somebody holds it. The descriptor is close-on-exec; hand it to a
    child by `pass_fds`, and the lock lives as long as that child too.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError as error:
        os.close(handle)
        raise _no_locks(path, error) from error
    return handle


def sign_lock(handle: int, text: str) -> None:
    """Write into a lock file that we hold who we are, for who finds it held."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode("utf-8", "backslashreplace"), 0)


def _no_locks(path: Path, error: OSError) -> HostError:
    message = f"{path} cannot be locked: {error.strerror}"
    return HostError(message, hint="runs need a file system with locks for their home")


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
    except BlockingIOError:
        return True
    except OSError as error:
        raise _no_locks(path, error) from error
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
    draft = draft_of(link)
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
