"""Where the masters of the OpenSSH client listen: a private folder of short sockets.

A socket that nobody answers at is worse than none: ssh would wait there without end. So
each master is asked for a word before it is used, which costs a fifth of a millisecond,
and one that stays silent loses its name: the next ssh makes another.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import HostError

# A socket's path has room for 104 bytes (macOS), of which %C takes 40, our name 9,
# and ssh's suffix while it binds 17.
LONGEST_FOLDER = 104 - 1 - 40 - 9 - 17 - 1
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")
# A master greets whoever connects, at once. One that was stopped, or hangs, does not.
HELLO_S = 2.0


def folder() -> Path | None:
    """Give the folder of our sockets, or None where this machine can keep none.

    A full disk, or a file system without sockets, costs a login per command, no more.
    """
    for place in (_runtime_folder(), Path(f"/tmp/pipeline-{os.getuid()}")):  # noqa: S108 - checked below
        with contextlib.suppress(OSError):
            if place is not None and _takes_sockets(private(place)):
                return place
    return None


def private(place: Path) -> Path:
    """Make a folder that nobody else may enter; raise HostError if it is no such."""
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o700)
    found = place.lstat()
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not is_ours or found.st_mode & 0o077:
        message = f"{place} is not a private folder of yours"
        hint = "remove it, or set XDG_RUNTIME_DIR to a short path of a folder of yours"
        raise HostError(message, hint=hint)
    return place


def _runtime_folder() -> Path | None:
    text = os.environ.get("XDG_RUNTIME_DIR", "")
    place = Path(text) / "pipeline"
    is_fit = PLAIN_PATH.fullmatch(text) and len(str(place)) <= LONGEST_FOLDER
    if not is_fit or not place.parent.is_dir():
        return None
    return place if place.parent.stat().st_uid == os.getuid() else None


def _takes_sockets(place: Path) -> bool:
    trial = place / f".{os.getpid()}-{os.urandom(4).hex()}"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as line:
        line.bind(str(trial))
    trial.unlink()
    return True


def masters(place: Path, name: str) -> Iterator[Path]:
    """Give the sockets whose names begin so; what ssh is still making is none."""
    for path in place.glob(f"{name}*"):
        if "." not in path.name:
            yield path


def forget_deaf(place: Path, name: str) -> None:
    """Take the name from each master that lets whoever comes wait."""
    for path in masters(place, name):
        if _is_deaf(path):
            path.unlink(missing_ok=True)


def _is_deaf(path: Path) -> bool:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as line:
        line.settimeout(HELLO_S)
        try:
            line.connect(str(path))
            return not line.recv(4)
        except TimeoutError:
            return True
        except OSError:
            return False  # nobody is there: ssh itself clears such a one away
