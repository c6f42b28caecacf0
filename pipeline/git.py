"""Git, by its command: armoured, and kept open where a run calls it again and again.

Every call is deaf to the user's hooks, filters, fsmonitor, pagers and `GIT_*`
variables, never asks for a password, and never collects garbage in the background.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from pipeline.errors import HostError
from pipeline.frozen import dataclass

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
Open = subprocess.Popen[bytes]  # a command that talks through its pipes


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
    return dict(tree_entries(git.out("ls-tree", "-z", tree)))


def tree_entries(listing: bytes) -> Iterator[tuple[str, Entry]]:
    """Give what `ls-tree -z` lists, each with its path."""
    for line in listing.split(b"\0")[:-1]:
        head, _, path = line.partition(b"\t")
        mode, kind, oid = head.decode().split()
        yield os.fsdecode(path), Entry(mode, kind, oid)


def zsplit(output: bytes) -> list[str]:
    """Split what a command said with `-z`."""
    return [os.fsdecode(part) for part in output.split(b"\0") if part]
