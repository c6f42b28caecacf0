"""Hash objects of a repository again, as they come out of it.

`git fsck` reads all there is; this reads what one run made, and the code it ran.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from pipeline.git import tree_entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from pipeline.git import Git

_BLOCK = 1 << 20
_ENDED = "damaged: git cannot read it"


class Recount:
    """Reads objects and holds each against its own name."""

    def __init__(self, git: Git, hash_name: str, told: Callable[[int], None]) -> None:
        """Read from `git`, whose objects are named by `hash_name`."""
        self._git = git
        self._hash_name = hash_name
        self._told = told
        self._reader = git.spawn("cat-file", "--batch")
        self.count = 0

    def damaged(self, tip: str, snapshot: str) -> Iterator[tuple[str, str]]:
        """Yield what is no whole object: its name, and what it is instead.

        Looked at are the commits of `tip` since `snapshot`, all that is in them, and
        the snapshot itself; the history behind it is the user's.
        """
        names = self._names(tip, snapshot)
        try:
            for name, path in names.items():
                self.count += 1
                if found := self._look(name):
                    yield f"{name} ({path})" if path else name, found
                if found == _ENDED:
                    self.close()
                    self._reader = self._git.spawn("cat-file", "--batch")
        finally:
            self.close()

    def close(self) -> None:
        """Let git go."""
        for end in (self._reader.stdin, self._reader.stdout):
            if end is not None:
                with contextlib.suppress(BrokenPipeError):
                    end.close()
        self._reader.wait()

    def _names(self, tip: str, snapshot: str) -> dict[str, str]:
        """Give the objects to look at, each with the path it has in its commit."""
        found = {tip: "", snapshot: "the snapshot"}
        for commit in (tip, snapshot):
            found.update(self._files(commit))
        walk = ("rev-list", "--objects", "--missing=print", tip, f"^{snapshot}")
        for line in self._git.text(*walk).splitlines():
            oid, _, path = line.removeprefix("?").partition(" ")
            found.setdefault(oid, path)
        return found

    def _files(self, commit: str) -> dict[str, str]:
        """Give the trees and files of a commit by name, as far as it is whole."""
        listing = self._git.ask("ls-tree", "-r", "-t", "-z", commit).out
        rows = tree_entries(listing)
        # A submodule's commit lies elsewhere.
        files = {one.name: path for path, one in rows if one.kind != "commit"}
        tree = self._git.ask("rev-parse", "--verify", "-q", f"{commit}^{{tree}}").out
        return {tree.decode().strip(): "", **files} if tree else files

    def _look(self, name: str) -> str:
        """Say what is wrong with one object, or nothing."""
        asked, said = self._reader.stdin, self._reader.stdout
        assert asked is not None
        assert said is not None
        with contextlib.suppress(BrokenPipeError):
            asked.write(name.encode() + b"\n")
            asked.flush()
        head = said.readline().split()
        if not head:
            return _ENDED
        if len(head) != 3 or not head[2].isdigit():
            return "not there"
        kind, size = head[1], int(head[2])
        digest = hashlib.new(self._hash_name, kind + b" " + head[2] + b"\0")
        if not self._read(said, size, digest.update):
            return _ENDED
        said.read(1)
        return "" if digest.hexdigest() == name else "other bytes than its name says"

    def _read(self, said: IO[bytes], size: int, take: Callable[[bytes], None]) -> bool:
        while size:
            block = said.read(min(_BLOCK, size))
            if not block:
                return False
            take(block)
            self._told(0)
            size -= len(block)
        return True
