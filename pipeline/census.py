"""See what lies in a project's folder on a box: runs, and what else takes room.

It only reads. Links are never followed; what cannot be read counts as needed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline import artifact, codec, eventlines, files, layout, schema
from pipeline.artifact import Manifest
from pipeline.clock import parse_stamp
from pipeline.errors import PipelineError
from pipeline.events import RunEnded
from pipeline.git import tree_entries
from pipeline.keeping import RunLook
from pipeline.layout import PLAN, ResultPaths, RunPaths
from pipeline.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.events import Event
    from pipeline.git import Git
    from pipeline.layout import BoxPaths
    from pipeline.schema import Resolved

GONE = ".gone-"  # before the name of a run that is being deleted
_ENDS = {0: "done", 3: "gate failed", 130: "stopped"}


def runs(box: BoxPaths, git: Git, told: Callable[[str], None]) -> Iterator[RunLook]:
    """Give each run that was begun whole."""
    for folder in _folders(box.runs):
        if layout.is_safe_name(folder.name) and (folder / PLAN).exists():
            told(folder.name)
            with contextlib.suppress(FileNotFoundError):  # somebody else clears it
                yield _look(folder, git, told)


def _look(folder: Path, git: Git, told: Callable[[str], None]) -> RunLook:
    began_at = (folder / PLAN).stat().st_mtime
    size = size_of(folder, told)
    lives = files.is_locked(folder / "runner.lock")
    try:
        plan = schema.read_plan((folder / PLAN).read_bytes())
    except PipelineError:
        return RunLook(
            run=folder.name,
            size=size,
            word="running" if lives else "unreadable",
            began_at=began_at,
            last_at=began_at,
            is_known=False,
        )
    paths = RunPaths(folder, PurePosixPath(plan.prefix))
    last = eventlines.last_event(ResultPaths(paths.results).events)
    try:
        sealed = _sealed_manifests(plan, git)
        listed = [*sealed, *_published(paths)]
    except PipelineError:
        sealed, listed, is_known = [], [], False
    else:
        is_known = True
    large, has = _large(paths, plan, listed)
    return RunLook(
        run=folder.name,
        size=size,
        word="running" if lives else _word(last),
        began_at=began_at,
        last_at=parse_stamp(last.at).timestamp() if last else began_at,
        branch=plan.branch,
        large=large,
        has=has,
        environment=_environment(paths, plan),
        sealed=frozenset(stage for stage, _ in sealed),
        is_known=is_known,
    )


def _word(last: Event | None) -> str:
    if last is None or not isinstance(last.what, RunEnded):
        return "dead"
    return _ENDS.get(last.what.exit_code, "failed")


def _large(
    paths: RunPaths, plan: Resolved, listed: list[tuple[str, Manifest]]
) -> tuple[dict[str, int], frozenset[str]]:
    """Give the files a run names that git has not, and those it has itself.

    A small one lies in the store where git was not to have it: a secret stands in it.
    """
    store = Store(paths.box.store)
    found: dict[str, int] = {}
    has: set[str] = set()
    for stage, manifest in listed:
        for home, files_of in (
            (paths.artifacts / stage, manifest.artifacts),
            (paths.results / stage, manifest.results),
        ):
            for name, one in files_of.items():
                if one.size <= plan.pipeline.git.max_file and not store.has(one):
                    continue
                found[one.sha256] = one.size
                if _size_of_file(home / name) == one.size:
                    has.add(one.sha256)
    return found, frozenset(has)


def _sealed_manifests(plan: Resolved, git: Git) -> list[tuple[str, Manifest]]:
    """Read the manifests on the tip of the run's branch, in two calls of git."""
    tip = git.ask("rev-parse", "--verify", "-q", f"refs/heads/{plan.branch}").out
    if not tip:
        return []
    place = str(PurePosixPath(plan.prefix) / "results")
    listing = git.out("ls-tree", "-r", "-z", tip.decode().strip(), "--", place)
    blobs = {}
    for path, one in tree_entries(listing):
        name = PurePosixPath(path)
        if name.name == "manifest.json" and name.parent.parent == PurePosixPath(place):
            blobs[name.parent.name] = one.name
    asked = "".join(f"{oid}\n" for oid in blobs.values()).encode()
    texts = _contents(git.out("cat-file", "--batch", stdin=asked))
    return [
        (stage, codec.loads(Manifest, text, what=f"the manifest of {stage!r}"))
        for stage, text in zip(blobs, texts, strict=True)
    ]


def _contents(said: bytes) -> Iterator[bytes]:
    """Take apart what `cat-file --batch` answered; what is missing is no JSON."""
    at = 0
    while at < len(said):
        end = said.index(b"\n", at)
        head = said[at:end].split()
        size = int(head[2]) if len(head) == 3 and head[2].isdigit() else -1
        yield said[end + 1 : end + 1 + size] if size >= 0 else b""
        at = end + 2 + size if size >= 0 else end + 1


def _published(paths: RunPaths) -> Iterator[tuple[str, Manifest]]:
    """Read the manifests in the worktree: of what is about to be sealed, too."""
    for folder in _folders(paths.results):
        with contextlib.suppress(FileNotFoundError):
            yield folder.name, artifact.read_manifest(folder / "manifest.json")


def _environment(paths: RunPaths, plan: Resolved) -> str | None:
    """Name the environment of a run, if we built it; None where that is not known."""
    if plan.env.kind not in ("lock", "setup"):
        return ""
    try:
        return paths.environment.read_text("utf-8", "replace").strip()
    except OSError:
        return None


def size_of(path: Path, told: Callable[[str], None] = lambda _: None) -> int:
    """Give what `path` takes on the disk, with all below it."""
    try:
        look = path.lstat()
    except OSError:
        return 0
    total = look.st_blocks * 512
    if not stat.S_ISDIR(look.st_mode):
        return total
    told(path.name)
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += size_of(Path(entry.path), told)
                else:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


def _size_of_file(path: Path) -> int:
    try:
        look = path.lstat()
    except OSError:
        return -1
    return look.st_size if stat.S_ISREG(look.st_mode) else -1


def _folders(home: Path) -> list[Path]:
    """Give the folders in `home`; a link is none."""
    try:
        with os.scandir(home) as entries:
            names = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [home / name for name in sorted(names)]


def entries(home: Path) -> list[Path]:
    """Give what lies in `home`; nothing where there is no such folder."""
    try:
        return sorted(home.iterdir())
    except OSError:
        return []
