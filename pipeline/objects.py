"""Git kept open: blobs, trees, commits and refs with no process started per object.

An object's name is the hash of its content, so it is known here before git wrote it: a
tree is asked for while its blobs are still being written. All answers are waited for,
and held against what was expected, before a ref is moved.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from pipeline import files
from pipeline.errors import HostError
from pipeline.git import IDENTITY, Entry, Git

SHA256_LENGTH = 64
_MOST_ASKED = 256  # their answers must fit into a pipe that nobody reads meanwhile
_BLOCK = 1 << 20


class _Kept:
    """A git command that stays open: questions go in, answers come out in order."""

    def __init__(self, git: Git, *args: str) -> None:
        self._git = git
        self._args = args
        self._asked: list[tuple[bytes, str]] = []
        self._start()

    def _start(self) -> None:
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._process = self._git.spawn(*self._args, err=self._complaints)

    def ask(self, question: bytes, expected: str) -> None:
        """Ask; `settle` holds the answer against what is expected."""
        self._asked.append((question, expected))
        self._write(question)
        if len(self._asked) >= _MOST_ASKED:
            self.settle()

    def settle(self) -> None:
        """Wait for all answers; a command that died is started and asked again.

        Whatever happens, nothing of what was asked is left for the next to stumble on.
        """
        try:
            if not self._answers_come():
                self._start_again()
                if not self._answers_come():
                    raise self._failure("ended in the middle of the work")
        except HostError:
            self._asked.clear()
            self._start_again()
            raise
        self._asked.clear()

    def _start_again(self) -> None:
        self.close()
        self._start()
        for question, _ in self._asked:
            self._write(question)

    def _write(self, question: bytes) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.write(question)
            pipe.flush()

    def _answers_come(self) -> bool:
        pipe = self._process.stdout
        assert pipe is not None
        for _, expected in self._asked:
            said = pipe.readline()
            if not said.endswith(b"\n"):
                return False
            if said.decode().strip() != expected:
                raise self._failure(f"answered {said!r} where {expected} was expected")
        return True

    def _failure(self, what: str) -> HostError:
        self._complaints.seek(0)
        told = self._complaints.read(2000).decode("utf-8", "replace").strip()
        return HostError(f"git {self._args[0]} {what}", hint=told)

    def close(self) -> None:
        """End it and let go of all."""
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                with contextlib.suppress(BrokenPipeError):
                    end.close()
        self._process.wait()
        self._complaints.close()


class Objects:
    """Writes into one repository, for one thread at a time."""

    def __init__(self, git: Git, scratch: Path, *, hash_name: str) -> None:
        """Write into `git`; commits are drafted in the file `scratch`."""
        self._git = git
        self._scratch = scratch
        self._hash_name = hash_name
        self._open: list[_Kept] = []
        self._unsynced: dict[str, None] = {}

    @cached_property
    def _blobs(self) -> _Kept:
        return self._kept("hash-object", "-w", "--no-filters", "--stdin-paths")

    @cached_property
    def _trees(self) -> _Kept:
        return self._kept("mktree", "-z", "--missing", "--batch")

    @cached_property
    def _commits(self) -> _Kept:
        return self._kept("hash-object", "-w", "-t", "commit", "--stdin-paths")

    @cached_property
    def _refs(self) -> _Kept:
        return self._kept("update-ref", "--stdin")

    def _kept(self, *args: str) -> _Kept:
        kept = _Kept(self._git, *args)
        self._open.append(kept)
        return kept

    def _name(self, kind: str, body: bytes) -> str:
        head = f"{kind} {len(body)}\0".encode()
        return hashlib.new(self._hash_name, head + body).hexdigest()

    def blob(self, path: Path) -> str:
        """Write the bytes of a file, unfiltered; give the object's name."""
        name = os.fsencode(path.absolute())
        if b"\n" in name or name.endswith(b"\r"):  # it reads a line a name
            arguments = ("hash-object", "-w", "--no-filters", "--", os.fsdecode(name))
            return self._git.text(*arguments)
        oid = blob_name(path, self._hash_name)
        self._blobs.ask(name + b"\n", oid)
        return oid

    def tree(self, entries: Mapping[str, Entry]) -> str:
        """Write one level of a tree."""
        lines = (
            f"{e.mode} {e.kind} {e.name}\t".encode() + os.fsencode(name) + b"\0"
            for name, e in entries.items()
        )
        oid = self._name("tree", tree_body(entries))
        self._trees.ask(b"".join(lines) + b"\0", oid)
        self._unsynced[oid] = None
        return oid

    def commit(self, tree: str, parent: str, message: str, *, at: int) -> str:
        """Write a commit of ours and wait for all it stands on."""
        who = f"{IDENTITY['GIT_AUTHOR_NAME']} <{IDENTITY['GIT_AUTHOR_EMAIL']}>"
        head = [f"tree {tree}", *([f"parent {parent}"] if parent else [])]
        head += [f"author {who} {at} +0000", f"committer {who} {at} +0000"]
        said = message.rstrip("\n").encode("utf-8", "replace").replace(b"\0", b"")
        body = "\n".join(head).encode() + b"\n\n" + said + b"\n"
        self._scratch.write_bytes(body)
        oid = self._name("commit", body)
        self._commits.ask(os.fsencode(self._scratch.absolute()) + b"\n", oid)
        self.settle()
        self._sync_trees()
        return oid

    def settle(self) -> None:
        """Wait until everything asked for is written."""
        for kept in self._open:
            kept.settle()

    def _sync_trees(self) -> None:
        """Do what git does for any other object: `mktree` passes `core.fsync` over."""
        for oid in self._unsynced:
            with contextlib.suppress(FileNotFoundError):  # it came in a pack
                files.sync_file(self._git.folder / "objects" / oid[:2] / oid[2:])
        self._unsynced.clear()

    def move(self, ref: str, new: str, old: str) -> None:
        """Move `ref` from `old` to `new`; refuse when it is not at `old` any more."""
        try:
            self._refs.ask(b"start\n", "start: ok")
            order = f"update {ref} {new} {old}\ncommit\n"
            self._refs.ask(order.encode(), "commit: ok")
            self._refs.settle()
        except HostError:
            # A git before 2.30, or a refusal: asked alone, it says which in words. When
            # only the answer was lost, the ref is where it should be.
            if self._git.resolve(ref) != new:
                self._git.out("update-ref", ref, new, old)

    def close(self) -> None:
        """Let the open commands go."""
        for kept in self._open:
            kept.close()


def blob_name(path: Path, hash_name: str) -> str:
    """Give the name git has for the bytes of a file."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        digest = hashlib.new(hash_name, f"blob {size}\0".encode())
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def hash_name_of(commit: str) -> str:
    """Tell by the length of an object's name which hash the repository uses."""
    return "sha256" if len(commit) == SHA256_LENGTH else "sha1"


def tree_body(entries: Mapping[str, Entry]) -> bytes:
    """Write a tree as git stores it: folders sort as if they ended in a slash."""
    rows = {
        os.fsencode(name) + (b"/" if e.kind == "tree" else b""): (os.fsencode(name), e)
        for name, e in entries.items()
    }
    return b"".join(
        e.mode.lstrip("0").encode() + b" " + name + b"\0" + bytes.fromhex(e.name)
        for _, (name, e) in sorted(rows.items())
    )
