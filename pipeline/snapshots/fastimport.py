"""Write a commit of a work tree in one go, as one pack.

`git fast-import` takes the bytes as they are given: no attribute, no filter, no hook is
asked. And it leaves alone what exists already, while the writers of loose objects renew
its time, in the user's own folder too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import SpecError
from pipeline.git import IDENTITY
from pipeline.snapshots import pipes
from pipeline.snapshots.disk import GONE, LINK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.git import Git
    from pipeline.snapshots.disk import Change

LARGE = 8_000_000  # from here on a file is passed on in pieces
IMPORT = (
    *("fast-import", "--quiet", "--force", "--done", "--date-format=now", "--depth=0"),
    f"--big-file-threshold={LARGE}",
)


def write(git: Git, top: Path, head: str, changes: Sequence[Change], ref: str) -> str:
    """Commit `head` with `changes` on `ref`; give `head` if its tree is the same.

    On an error nothing is committed. The bytes of a file are those of one opening.
    """
    said = pipes.feed(git, IMPORT, _orders(top, head, changes, ref))
    *trees, commit = said.splitlines()
    is_same = len(trees) == 2 and trees[0] == trees[1]
    return head if is_same else commit.decode()


def _orders(
    top: Path, head: str, changes: Sequence[Change], ref: str
) -> Iterator[bytes]:
    what = f"snapshot of {head[:8]} with" if head else "snapshot of"
    message = f"{what} uncommitted work\n".encode()
    who = f"{IDENTITY['GIT_COMMITTER_NAME']} <{IDENTITY['GIT_COMMITTER_EMAIL']}>"
    yield f"reset {ref}\ncommit {ref}\nmark :1\ncommitter {who} now\n".encode()
    yield b"data %d\n%s" % (len(message), message)
    if head:
        yield f"from {head}\n".encode()
    for change in changes:
        yield from _order(top, change)
    yield b"\n"
    if head:
        yield f'ls {head} ""\nls :1 ""\n'.encode()
    yield b"get-mark :1\ndone\n"


def _order(top: Path, change: Change) -> Iterator[bytes]:
    name = _quoted(os.fsencode(change.path))
    if change.mode == GONE:
        yield b"D %s\n" % name
    elif change.oid:
        yield b"M %s %s %s\n" % (change.mode.encode(), change.oid.encode(), name)
    else:
        yield b"M %s inline %s\n" % (change.mode.encode(), name)
        yield from _data(top / change.path, change)


def _quoted(path: bytes) -> bytes:
    """Write a path for fast-import: as it is, unless that would end the line."""
    if not path.startswith(b'"') and b"\n" not in path:
        return path
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return b'"%s"' % escaped.replace(b"\n", b"\\n")


def _data(place: Path, change: Change) -> Iterator[bytes]:
    """Give the bytes of a file, behind their number."""
    try:
        if change.mode == LINK and place.is_symlink():
            target = os.fsencode(place.readlink())
            yield b"data %d\n%s\n" % (len(target), target)
        else:
            yield from _content(place, change)
    except OSError as error:
        raise _moved(change, str(error.strerror)) from error


def _content(place: Path, change: Change) -> Iterator[bytes]:
    """Give a file as long as it was when it was opened."""
    handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        left = os.fstat(handle).st_size
        yield b"data %d\n" % left
        while left:
            piece = file.read(min(left, LARGE))
            if not piece:
                raise _moved(change, "it became shorter")
            left -= len(piece)
            yield piece
        yield b"\n"


def _moved(change: Change, why: str) -> SpecError:
    message = f"{change.path!r} changed while it was read: {why}"
    return SpecError(message, hint="try again when nothing writes to it, or ignore it")
