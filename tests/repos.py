"""Real git repositories for tests, and ways to look at them that leave no trace."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pipeline.layout import LaptopPaths
from pipeline.schema import ShipRules
from pipeline.snapshots.snapshot import Snapshot, pack, take

AS_SOMEBODY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_ALLOW_PROTOCOL": "file",
    "LC_ALL": "C.UTF-8",
}


def run_git(folder: Path, *args: str, stdin: bytes = b"", check: bool = True) -> bytes:
    """Run git as a user would, in `folder`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", str(folder), *args],
        env={**kept, **AS_SOMEBODY},
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert not check or not done.returncode, done.stderr.decode()
    return done.stdout


@dataclass(frozen=True, slots=True)
class Repo:
    """A user's repository; `root` is where his pipeline.yaml lies."""

    path: Path
    root: Path

    @classmethod
    def make(cls, path: Path, *args: str) -> Repo:
        """Make one with a first commit of one file."""
        path.mkdir(parents=True)
        run_git(path, "init", "-q", "-b", "main", *args)
        repo = cls(path, path)
        repo.commit({"pipeline.yaml": "name: tiny\n"})
        return repo

    @property
    def scratch(self) -> Path:
        """Where its snapshots are made."""
        return LaptopPaths(self.root).scratch

    def git(self, *args: str, stdin: bytes = b"", check: bool = True) -> str:
        """Run git in it, and give the answer as text."""
        return os.fsdecode(run_git(self.path, *args, stdin=stdin, check=check)).strip()

    def write(self, name: str, text: str | bytes = "new\n") -> Path:
        """Write a file of the work tree."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def commit(self, texts: dict[str, str] | None = None) -> str:
        """Commit these files, or else whatever lies there."""
        for name, text in (texts or {}).items():
            self.write(name, text)
        self.git("add", "--all")
        self.git("commit", "-q", "--no-verify", "--allow-empty", "-m", "work")
        return self.git("rev-parse", "HEAD")

    def take(self, rules: ShipRules | None = None, *, run: str = "r1") -> Snapshot:
        """Take a snapshot of it."""
        return take(self.root, rules or ShipRules(), run=run, scratch=self.scratch)

    def pack(self, snapshot: Snapshot, *have: str) -> bytes:
        """Pack what a repository that holds `have` lacks."""
        return b"".join(pack(snapshot, scratch=self.scratch, have=have))

    def held(self, snapshot: Snapshot) -> dict[str, tuple[str, bytes]]:
        """Give what a snapshot holds: path -> mode and bytes."""
        return tree(self.scratch, snapshot.commit)

    def listed(self, *args: str) -> list[str]:
        """Give what a command says with `-z`."""
        return list(map(os.fsdecode, run_git(self.path, *args).split(b"\0")[:-1]))

    def lying(self) -> dict[str, tuple[str, bytes]]:
        """Give what a snapshot should hold, told by git and the disk without us."""
        known = {}
        for line in self.listed("ls-files", "-z", "-s"):
            head, _, name = line.partition("\t")
            known[name] = head.split()
        names = self.listed("ls-files", "-z", "-c", "-o", "--exclude-standard")
        flagged = self.listed("ls-files", "-z", "-t")
        absent = {line[2:] for line in flagged if line.startswith("S")}
        found = {}
        for name in set(names):
            mode, oid = known.get(name, ["", ""])[:2]
            path = self.path / name
            if mode == "160000":
                found[name] = (mode, oid.encode())
            elif path.is_symlink():
                found[name] = ("120000", os.fsencode(path.readlink()))
            elif path.is_file():
                is_program = bool(path.stat().st_mode & stat.S_IXUSR)
                found[name] = (f"100{755 if is_program else 644}", path.read_bytes())
            elif name in absent:
                found[name] = (mode, run_git(self.path, "cat-file", "blob", oid))
        return {n: f for n, f in found.items() if not n.startswith(".pipeline/")}


def tree(git_dir: Path, commit: str) -> dict[str, tuple[str, bytes]]:
    """Read a commit: path -> mode and bytes, or for a submodule its commit."""
    found = {}
    listing = run_git(git_dir, "--git-dir=.", "ls-tree", "-r", "-z", commit)
    for line in listing.split(b"\0")[:-1]:
        head, _, name = line.partition(b"\t")
        mode, kind, oid = head.decode().split()
        blob = oid.encode()
        if kind == "blob":
            blob = run_git(git_dir, "--git-dir=.", "cat-file", "blob", oid)
        found[os.fsdecode(name)] = (mode, blob)
    return found


def trace(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Note mode, time and content of all below `folder`, but what is ours."""
    found = {}
    for place, folders, names in os.walk(folder):
        if ".pipeline" in folders:
            folders.remove(".pipeline")
        for name in [*folders, *names]:
            path = Path(place, name)
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                content = str(path.readlink())
            elif stat.S_ISREG(status.st_mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                content = ""
            relative = str(path.relative_to(folder))
            found[relative] = (status.st_mode, status.st_mtime_ns, content)
    return found
