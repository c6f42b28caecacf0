"""The code as it stands, as a commit: what git tracks and what it does not ignore.

    find      the repository around pipeline.yaml              (borrow)
    prepare   a git folder of our own that borrows all of it   (borrow)
    survey    what differs from HEAD, looked at and not read   (worktree, disk)
    check     what may not travel                              (refusals)
    write     new blobs, trees and the commit, as one pack     (fastimport)

The user's branch, index, stash, settings, refs, objects and files are never written to.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Literal

from pipeline import files
from pipeline.frozen import dataclass
from pipeline.git import Git, zsplit
from pipeline.layout import base_of
from pipeline.scope import OURS
from pipeline.snapshots import borrow, fastimport, pipes, refusals
from pipeline.snapshots.worktree import survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.schema import ShipRules
    from pipeline.snapshots.borrow import Repository

OBJECT_NAME = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A commit of the work tree as it stood.

    head is the commit it stands on, if any, and the snapshot itself when nothing was
    dirty. prefix is the folder of pipeline.yaml in the repository. root_commit tells
    repositories apart (see `project_id`). shallow are the commits where history is cut
    off. files counts what it holds; new_bytes is the size of what HEAD has not.
    """

    commit: str
    head: str
    is_dirty: bool
    object_format: Literal["sha1", "sha256"]
    prefix: str
    root_commit: str
    shallow: tuple[str, ...]
    notes: tuple[str, ...]
    files: int
    new_bytes: int


def take(root: Path, rules: ShipRules, *, run: str, scratch: Path) -> Snapshot:
    """Make a commit of the repository around `root`, kept by `ship/<run>` in `scratch`.

    Whatever is refused is refused before a new file is read. Submodules that are clean
    travel as their commits. A file that changes meanwhile travels as it was at some
    moment, or the snapshot is refused.
    """
    found = borrow.find(root)
    files.own_ignored_folder(scratch.parent)
    scratch.mkdir(exist_ok=True)
    with files.waiting_lock(scratch / "pipeline.lock"):
        return _taken(found, rules, run=run, folder=scratch)


def _taken(found: Repository, rules: ShipRules, *, run: str, folder: Path) -> Snapshot:
    git = borrow.prepare(found, folder)
    base = base_of(found.prefix)
    seen = survey(git, found.top, never=tuple(f"{base}{name}/" for name in OURS))
    refusals.check(seen, rules, prefix=found.prefix)
    commit = found.head
    if seen.changes or not commit:
        ref = f"refs/heads/ship/{run}"
        commit = fastimport.write(git, found.top, found.head, seen.changes, ref)
    files.replace_text(folder / "refs" / "heads" / "ship" / run, f"{commit}\n")
    return Snapshot(
        commit=commit,
        head=found.head,
        is_dirty=commit != found.head,
        object_format=found.object_format,
        prefix=found.prefix,
        root_commit=_root_commit(git, found),
        shallow=found.shallow,
        notes=seen.notes,
        files=len(seen.modes),
        new_bytes=sum(change.size for change in seen.changes),
    )


def pack(snapshot: Snapshot, *, scratch: Path, have: Sequence[str]) -> Iterator[bytes]:
    """Give what `snapshot` needs and a repository that holds `have` lacks, as a pack.

    The pack is thin: complete it there (`index-pack --fix-thin`). Commits of `have`
    that are unknown here are passed over. Only when the iterator ends without an error
    is the pack whole.
    """
    git = Git(scratch)
    wanted = [snapshot.commit, *(f"^{commit}" for commit in _known(git, have))]
    args = ("pack-objects", "--revs", "--thin", "--stdout", "--delta-base-offset", "-q")
    return pipes.drain(git, args, "".join(f"{line}\n" for line in wanted).encode())


def changed_files(snapshot: Snapshot, known: str, *, scratch: Path) -> list[str]:
    """Name the files of `snapshot` that `known`, an older one, has not as they are."""
    git = Git(scratch)
    if not _known(git, [known] if known else []):
        return zsplit(git.out("ls-tree", "-r", "-z", "--name-only", snapshot.commit))
    differ = ("diff-tree", "-r", "-z", "--no-renames", "--name-only")
    return zsplit(git.out(*differ, "--diff-filter=d", known, snapshot.commit))


def project_id(name: str, root_commit: str, prefix: str, fallback_path: str) -> str:
    """Name a project's folder on a box: the same from every clone of a repository.

    A repository that had no beginning to be known by (no commit yet, or a history cut
    off) is known by its path.
    """
    said = "\0".join([name, root_commit or fallback_path, prefix])
    digest = hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40]
    return f"{safe or 'project'}-{digest}"


def identity(root: Path, scratch: Path) -> tuple[str, str]:
    """Give what tells the repository of `root` from others: see `project_id`.

    The name of its first commit, and the folder of `root` in it; nothing is taken.
    """
    found = borrow.find(root)
    files.own_ignored_folder(scratch.parent)
    scratch.mkdir(exist_ok=True)
    with files.waiting_lock(scratch / "pipeline.lock"):
        return _root_commit(borrow.prepare(found, scratch), found), found.prefix


def _known(git: Git, commits: Sequence[str]) -> list[str]:
    """Keep the commits that are here; a box may have sent anything."""
    names = [name for name in commits if OBJECT_NAME.fullmatch(name)]
    if not names:
        return []
    asked = "".join(f"{name}\n" for name in names).encode()
    check = "--batch-check=%(objectname) %(objecttype)"
    answers = git.out("cat-file", check, stdin=asked).decode().splitlines()
    return [
        name
        for name, _, kind in (a.partition(" ") for a in answers)
        if kind == "commit"
    ]


def _root_commit(git: Git, found: Repository) -> str:
    """Name the repository by its first commit, once and for all.

    What was said first is kept, so that the name stays when a first commit is made or a
    cut-off history is fetched; and so that a long history is walked only once.
    """
    kept = git.folder / "root-commit"
    if not kept.exists():
        root = ""
        if found.head and not found.shallow:
            walk = ("rev-list", "--max-parents=0", "--first-parent", found.head)
            root = git.text(*walk)
        files.replace_text(kept, f"{root}\n")
    return kept.read_text().strip()
