"""Git, by its command: armoured, and kept open where a run calls it again and again.

Every call is deaf to the user's hooks, filters, fsmonitor, pagers and `GIT_*`
variables, never asks for a password, and never collects garbage in the background.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

from pipeline.errors import HostError

# `core.fsync`: a seal must survive a power cut. A git before 2.36 passes it over.
ARMOUR = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.untrackedCache=false"),
    *("-c", "core.fsync=objects,derived-metadata,reference"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "advice.detachedHead=false"),
    *("-c", "commit.gpgSign=false"),
    *("-c", "core.quotePath=false"),
    *("-c", "protocol.ext.allow=never"),
)
IDENTITY = {
    "GIT_AUTHOR_NAME": "pipeline",
    "GIT_AUTHOR_EMAIL": "pipeline@localhost",
    "GIT_COMMITTER_NAME": "pipeline",
    "GIT_COMMITTER_EMAIL": "pipeline@localhost",
}
MISSING = "install git first: apt-get install git"


@dataclass(frozen=True, slots=True)
class Said:
    """What a git command answered."""

    code: int
    out: bytes
    err: bytes


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give this process's environment without what would bend a git call.

    Inside a hook, `GIT_DIR` and `GIT_INDEX_FILE` are set, and would send every call to
    the user's own repository.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C.UTF-8"}
    return {**kept, **quiet, **(more or {})}


class Git:
    """One repository, by its git folder (or by a folder of a work tree)."""

    def __init__(
        self,
        folder: Path,
        *,
        is_git_dir: bool = True,
        is_ours: bool = True,
        work_tree: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Speak to the repository at `folder`, of which `work_tree` is the work tree.

        One of ours also ignores the settings of the user and of the system; in the
        user's own repository those say what to ignore, and stand.
        """
        self.folder = folder
        where = ["--git-dir" if is_git_dir else "-C", str(folder)]
        if work_tree is not None:
            where += ("--work-tree", str(work_tree), "-C", str(work_tree))
        self._head: tuple[str, ...] = ("git", *ARMOUR, *where)
        hermetic = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        ours = hermetic if is_ours else {}
        self.environment = clean_environment(
            {**IDENTITY, **ours, **(environment or {})}
        )

    def ask(
        self,
        *args: str,
        stdin: bytes | IO[bytes] = b"",
        more: Mapping[str, str] | None = None,
    ) -> Said:
        """Run one command and give its answer, whatever it was."""
        given: dict[str, object] = (
            {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        )
        try:
            done = subprocess.run(
                [*self._head, *args],
                env={**self.environment, **(more or {})},
                capture_output=True,
                check=False,
                **given,  # type: ignore[call-overload]  # one of two keywords
            )
        except FileNotFoundError as error:
            message = "git is not installed here"
            raise HostError(message, hint=MISSING) from error
        return Said(done.returncode, done.stdout, done.stderr)

    def out(
        self,
        *args: str,
        stdin: bytes | IO[bytes] = b"",
        more: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run one command that should succeed, and give its output."""
        said = self.ask(*args, stdin=stdin, more=more)
        if said.code:
            raise refusal(args, said)
        return said.out

    def text(self, *args: str) -> str:
        """Give the output of a command as text, without its last newline."""
        return self.out(*args).decode("utf-8", "surrogateescape").rstrip("\n")

    def resolve(self, name: str) -> str:
        """Give the commit behind `name`, or nothing."""
        said = self.ask("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return said.out.decode().strip()

    def spawn(
        self, *args: str, err: IO[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command that talks through its pipes, and complains into `err`."""
        return subprocess.Popen(
            [*self._head, *args],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if err is None else err,
            # ^C in a terminal is for us; what we have open must live to say the end.
            start_new_session=True,
        )


def refusal(args: Sequence[str], said: Said) -> HostError:
    """Turn a failed command into an error that shows all it said."""
    told = said.err.decode("utf-8", "replace").strip() or "(it said nothing)"
    return HostError(f"git {args[0]} ended in {said.code}", hint=told)


class _Kept:
    """A git command that stays open: a question a line, an answer a line."""

    def __init__(self, git: Git, *args: str) -> None:
        self._process = git.spawn(*args)
        self._args = args
        self._turn = threading.Lock()

    def ask(self, question: bytes, *, lines: int = 1) -> str:
        """Ask, and give the last of the lines it answers."""
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        answer = b""
        with self._turn, contextlib.suppress(BrokenPipeError):
            asked.write(question)
            asked.flush()
            for _ in range(lines):
                answer = answered.readline()
        if not answer.endswith(b"\n"):
            message = f"git {self._args[0]} ended in the middle of the work"
            hint = "the disk may be full, or the repository damaged: git fsck"
            raise HostError(message, hint=hint)
        return answer.decode().strip()

    def close(self) -> None:
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                with contextlib.suppress(BrokenPipeError):
                    end.close()
        self._process.wait()


class Objects:
    """Writes blobs, trees and commits with no process started per object."""

    def __init__(self, git: Git, scratch: Path) -> None:
        """Write into `git`; commits are drafted in the file `scratch`."""
        self._git = git
        self._scratch = scratch
        self._open: list[_Kept] = []

    @cached_property
    def _blobs(self) -> _Kept:
        return self._kept("hash-object", "-w", "--no-filters", "--stdin-paths")

    @cached_property
    def _trees(self) -> _Kept:
        return self._kept("mktree", "-z", "--batch")

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

    def blob(self, path: Path) -> str:
        """Write the bytes of a file, unfiltered; give the object's name."""
        name = os.fsencode(path.absolute())
        if b"\n" in name or name.endswith(b"\r"):  # it reads a line a name
            arguments = ("hash-object", "-w", "--no-filters", "--", os.fsdecode(name))
            return self._git.text(*arguments)
        return self._blobs.ask(name + b"\n")

    def tree(self, entries: Mapping[str, Entry]) -> str:
        """Write one level of a tree; git itself puts the names in order."""
        lines = (
            f"{e.mode} {e.kind} {e.name}\t".encode() + os.fsencode(name) + b"\0"
            for name, e in entries.items()
        )
        return self._trees.ask(b"".join(lines) + b"\0")

    def commit(self, tree: str, parent: str, message: str, *, at: int) -> str:
        """Write a commit of ours; moving a branch onto it is another step."""
        who = f"{IDENTITY['GIT_AUTHOR_NAME']} <{IDENTITY['GIT_AUTHOR_EMAIL']}>"
        head = [f"tree {tree}", *([f"parent {parent}"] if parent else [])]
        head += [f"author {who} {at} +0000", f"committer {who} {at} +0000"]
        body = message.rstrip("\n").encode("utf-8", "replace").replace(b"\0", b"")
        self._scratch.write_bytes("\n".join(head).encode() + b"\n\n" + body + b"\n")
        return self._commits.ask(os.fsencode(self._scratch.absolute()) + b"\n")

    def move(self, ref: str, new: str, old: str) -> None:
        """Move `ref` from `old` to `new`; refuse when it is not at `old` any more."""
        order = f"start\nupdate {ref} {new} {old}\ncommit\n".encode()
        try:
            self._refs.ask(order, lines=2)
        except HostError:
            # A git before 2.30, or a refusal: asked alone, it says which in words. When
            # only the answer was lost, the ref is where it should be.
            if self._git.resolve(ref) != new:
                self._git.out("update-ref", ref, new, old)

    def close(self) -> None:
        """Let the open commands go."""
        for kept in self._open:
            kept.close()


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree says of one name."""

    mode: str
    kind: str
    name: str


def folder_entry(name: str) -> Entry:
    """Make the entry of a sub-tree."""
    return Entry("040000", "tree", name)


def file_entry(name: str, *, is_executable: bool = False) -> Entry:
    """Make the entry of a file."""
    return Entry("100755" if is_executable else "100644", "blob", name)


def read_tree(git: Git, tree: str) -> dict[str, Entry]:
    """Read one level of a tree."""
    listing = git.out("ls-tree", "-z", tree)
    found = {}
    for line in listing.split(b"\0")[:-1]:
        head, _, name = line.partition(b"\t")
        mode, kind, oid = head.decode().split()
        found[os.fsdecode(name)] = Entry(mode, kind, oid)
    return found


def zsplit(output: bytes) -> list[str]:
    """Split what a command said with `-z`."""
    return [os.fsdecode(part) for part in output.split(b"\0") if part]
