"""Git kept open for reading: many objects, one process."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from pipeline.errors import HostError
from pipeline.frozen import dataclass
from pipeline.git import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.git import Git, Open


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its own name, what it is, and its bytes."""

    name: str
    kind: str
    data: bytes


class Blobs:
    """Reads objects of one repository, for any thread."""

    def __init__(self, git: Git) -> None:
        """Start nothing yet."""
        self._git = git
        self._turn = threading.Lock()
        self._process: Open | None = None

    def read(self, name: str) -> bytes | None:
        """Give the bytes behind a name, or behind `commit:path`; None if not there."""
        found = self.find(name)
        return found.data if found else None

    def find(self, name: str) -> Found | None:
        """Give the object behind a name, or behind `commit:path`; None if not there."""
        if "\n" in name:  # it reads a line a name
            oid = self._git.ask("rev-parse", "--verify", "--quiet", name).out
            return self.find(oid.decode().strip()) if oid else None
        with self._turn:
            return self._found(name)

    def _found(self, name: str) -> Found | None:
        if self._process is None:
            self._process = self._git.spawn("cat-file", "--batch")
        asked, answers = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answers is not None
        try:
            asked.write(name.encode("utf-8", "surrogateescape") + b"\n")
            asked.flush()
        except BrokenPipeError as error:
            raise self._gone() from error
        head = answers.readline()
        if head.endswith((b" missing\n", b" ambiguous\n")):
            return None
        parts = head.decode().split()
        if len(parts) != 3 or not parts[2].isdigit():
            raise self._gone()
        size = int(parts[2])
        data = answers.read(size + 1)
        if len(data) != size + 1:
            raise self._gone()
        return Found(parts[0], parts[1], data[:-1])

    def level(self, tree: str) -> dict[str, Entry]:
        """Give one level of a tree; nothing where there is none."""
        found = self.find(tree)
        if found is None or found.kind != "tree":
            return {}
        return dict(_entries(found.data, len(found.name) // 2))

    def files(self, tree: str) -> Iterator[tuple[str, Entry]]:
        """Give the files of a tree and of all below it, by their paths."""
        found = self.find(tree)
        if found is None or found.kind != "tree":
            return
        for name, entry in _entries(found.data, len(found.name) // 2):
            if entry.kind == "tree":
                for path, below in self.files(entry.name):
                    yield f"{name}/{path}", below
            else:
                yield name, entry

    def _gone(self) -> HostError:
        self._let_go()
        message = "git cat-file ended in the middle of the work"
        return HostError(message, hint=f"see: git --git-dir {self._git.folder} fsck")

    def _let_go(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for end in (process.stdin, process.stdout):
            if end is not None:
                end.close()
        process.wait()

    def close(self) -> None:
        """Let it go."""
        with self._turn:
            self._let_go()


def _entries(tree: bytes, length: int) -> Iterator[tuple[str, Entry]]:
    """Read one level of a tree as git stores it; `length` is that of a name."""
    at = 0
    while at < len(tree):
        space, end = tree.index(b" ", at), tree.index(b"\0", at)
        mode = tree[at:space].decode().rjust(6, "0")
        oid = tree[end + 1 : end + 1 + length].hex()
        kind = {"040000": "tree", "160000": "commit"}.get(mode, "blob")
        yield os.fsdecode(tree[space + 1 : end]), Entry(mode, kind, oid)
        at = end + 1 + length
