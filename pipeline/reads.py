"""What a stage module reads of its worktree, noted while it runs.

Imports found by reading the code cannot tell which files a stage opens, nor what it
imports by a computed name. A hook in the child writes the paths down, and in what it
forks too (see `noting`). A program that it starts is beyond us: such a stage may have
read anything.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from typing import TYPE_CHECKING

from pipeline.fingerprint import ANYTHING
from pipeline.objects import blob_name, hash_name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

UNDECLARED = "undeclared"
_FOLDER = "folder"


def noted(notes: Path) -> list[str]:
    """Give what was noted; where nothing could be, it may have been anything."""
    try:
        lines = notes.read_bytes().splitlines()
    except OSError:
        return [ANYTHING]
    found = []
    for line in lines:
        try:
            path = json.loads(line)
        except (ValueError, RecursionError):
            return [ANYTHING]
        found.append(path if isinstance(path, str) else ANYTHING)
    return found


class Places:
    """Tells what lies behind a path of a snapshot, so that two can be compared."""

    def __init__(self, listing: Mapping[str, str], anything: Callable[[], str]) -> None:
        """Look into `listing`; `anything` gives the hash of all that is code."""
        self._listing = listing
        self._anything = anything
        self._names: dict[str, set[str]] | None = None

    def now(self, path: str) -> str:
        """Give what is there: an object, the names in a folder, or nothing."""
        if path == ANYTHING:
            return self._anything()
        if path.endswith("/"):
            names = sorted(self._folders().get(path, ()))
            text = "\0".join(names).encode("utf-8", "surrogateescape")
            return "names:" + hashlib.sha256(text).hexdigest() if names else ""
        if path in self._listing:
            return self._listing[path]
        return _FOLDER if f"{path}/" in self._folders() else ""

    def _folders(self) -> dict[str, set[str]]:
        if self._names is None:
            self._names = {}
            for path in self._listing:
                at = 0
                while True:
                    end = path.find("/", at)
                    name = path[at:] if end < 0 else path[at : end + 1]
                    self._names.setdefault(path[:at] or "/", set()).add(name)
                    if end < 0:
                        break
                    at = end + 1
        return self._names


def settled(
    noted: Collection[str],
    *,
    now: Callable[[str], str],
    code: Collection[str],
    tree: Path,
    known: Callable[[str], bool],
    began_ns: int,
) -> dict[str, str]:
    """Say what was behind each path that a stage read, as its seal will hold it.

    code: paths that the fingerprint holds already. known: tells what the stage may
    read besides (its inputs, data, its own drafts). What another stage left lying in
    the worktree is held by nothing: such a seal is never reused.
    """
    found: dict[str, str] = {}
    root = str(tree.resolve())
    sources = {_source_of(path) for path in noted}
    sources |= {_package_of(path) for path in sources if path.endswith(".py")}
    for path in sorted(_behind_links(sources, root)):
        if path == ".git" or known(path.rstrip("/")):
            continue  # of a root that is looked for by its .git: every run has one
        there = now(path)
        place = tree / path
        if path != ANYTHING and _was_left(place, there, began_ns):
            found[path] = UNDECLARED
        elif path in code:
            continue
        elif there or path == ANYTHING or not os.path.lexists(place):
            found[path] = there
    return found


def _behind_links(paths: Iterable[str], root: str) -> set[str]:
    """Give what each path leads to in the tree, and the links on the way there."""
    found = set()
    for path in paths:
        plain = path.rstrip("/")
        real = os.path.realpath(f"{root}/{plain}")
        is_inside = real.startswith(f"{root}/") and path != ANYTHING
        if real == f"{root}/{plain}" or not is_inside:
            found.add(path)
        else:
            found |= {real[len(root) + 1 :] + path[len(plain) :]}
            found |= {link for link in _ways(plain) if os.path.islink(f"{root}/{link}")}  # noqa: PTH114 - many
    return found


def _ways(path: str) -> Iterator[str]:
    """Give the folders above a path, and itself."""
    parts = path.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts) + 1))


def _source_of(path: str) -> str:
    """Give the module that compiled code was made of."""
    folder, _, name = path.rpartition("/")
    if not folder.endswith("__pycache__") or not name.endswith(".pyc"):
        return path
    home = folder.removesuffix("__pycache__")
    return f"{home}{name.partition('.')[0]}.py"


def _package_of(path: str) -> str:
    """Give what would be imported in place of a module, were it there."""
    return f"{path.removesuffix('.py')}/__init__.py"


def _was_left(place: Path, there: str, began_ns: int) -> bool:
    """Tell whether something else than the snapshot's was there before the attempt.

    there: what the snapshot has. Only what lies in files of the worktree is looked at;
    its folders are full of what our own stages make.
    """
    try:
        look = place.stat()
    except OSError:
        return False
    if look.st_mtime_ns >= began_ns or stat.S_ISDIR(look.st_mode):
        return False
    mode, _, oid = there.partition(":")
    if not there:
        return True
    if not mode.startswith("100") or place.is_symlink():
        return False
    return blob_name(place, hash_name_of(oid)) != oid
