"""The worktree a foreign script finds: put right before each attempt.

A run has one worktree, and a foreign script reads and writes where it always did. So an
attempt must find the same files whatever happened before: a try that failed, a kill in
the middle, or a stage that was reused and left nothing lying about. The one state that
does not depend on any of that is the snapshot, and over it what sealed stages
collected, oldest first. Only what the stage itself may collect, and what the stages it
needs have collected, is put into that state; the rest of the worktree is let alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import artifact, draft, files, graph
from pipeline.errors import IntegrityError
from pipeline.frozen import dataclass
from pipeline.git import tree_entries
from pipeline.objects import blob_name, hash_name_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from pipeline.git import Git
    from pipeline.layout import RunPaths
    from pipeline.schema import Resolved, Stage

_OLDER_NS = 2_000_000_000  # a file that is put back differs from one written at once
_LINK, _SUBMODULE, _PROGRAM = "120000", "160000", "100755"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a stage should find below `base`.

    tracked  path -> mode and object of the snapshot, where the stage may write
    laid     path -> where the file lies that a sealed stage collected under this path
    never    folders and files that are ours, or data
    """

    base: Path
    patterns: tuple[str, ...]
    tracked: Mapping[str, tuple[str, str]]
    laid: Mapping[str, Path]
    never: frozenset[str]


def settle(
    stage: Stage, plan: Resolved, paths: RunPaths, sealed: Collection[str], git: Git
) -> None:
    """Put the worktree right for the next attempt of `stage`.

    sealed: the stages of this run that are sealed, oldest first. Those that `stage`
    needs must be whole (`make_sure`).
    """
    if not any(one.collect for one in plan.pipeline.stages):
        return
    ground = Ground(
        base=paths.base,
        patterns=stage.collect,
        tracked=_tracked(plan, stage.collect, git),
        laid=_laid(stage, plan, paths, sealed),
        never=never(plan),
    )
    try:
        _remove_strangers(ground)
        _put_back(ground, git)
        _lay_out(ground)
    except OSError as error:
        message = f"the worktree cannot be put right for {stage.name!r}: {error}"
        raise IntegrityError(message, hint="what is sealed is safe") from error


def never(plan: Resolved) -> frozenset[str]:
    """Name what no stage may collect: what is ours, and the links to data."""
    stages = (stage.name for stage in plan.pipeline.stages)
    return draft.ours(stages) | {data.path for data in plan.pipeline.data}


def _tracked(
    plan: Resolved, patterns: tuple[str, ...], git: Git
) -> dict[str, tuple[str, str]]:
    """Give what the snapshot holds of that which matches `patterns`."""
    if not patterns:
        return {}
    place = plan.snapshot if plan.prefix == "." else f"{plan.snapshot}:{plan.prefix}"
    listing = git.out("ls-tree", "-r", "-z", place)
    return {
        path: (one.mode, one.name)
        for path, one in tree_entries(listing)
        if one.mode != _SUBMODULE and draft.matches(path, patterns)
    }


def _laid(
    stage: Stage, plan: Resolved, paths: RunPaths, sealed: Iterable[str]
) -> dict[str, Path]:
    """Give what sealed stages collected and `stage` should find in its worktree."""
    needed = graph.with_needs(plan.pipeline.stages, stage.needs)
    laid = {}
    for name in sealed:
        patterns = plan.pipeline.stage(name).collect
        if not patterns or name == stage.name:
            continue
        manifest = artifact.read_manifest(paths.results / name / draft.MANIFEST)
        for path in manifest.artifacts:
            is_wanted = name in needed or draft.matches(path, stage.collect)
            if is_wanted and draft.matches(path, patterns):
                laid[path] = paths.artifacts / name / path
    return laid


def _remove_strangers(ground: Ground) -> None:
    """Remove what neither the snapshot nor a sealed stage put there."""
    if not ground.patterns:
        return
    known = {*ground.tracked, *ground.laid}
    for folder, names in _walk(ground):
        for name in names:
            if draft.matches(name, ground.patterns) and name not in known:
                files.remove_tree(ground.base / name)
        if folder and _may_hold(folder, ground.patterns):
            # A script that makes its folder itself finds none: it is not in git.
            with contextlib.suppress(OSError):
                (ground.base / folder).rmdir()


def _walk(ground: Ground) -> Iterator[tuple[str, list[str]]]:
    """Give each folder below the base with its files and links, the deepest first."""
    for place, folders, names in os.walk(ground.base, topdown=False):
        here = Path(place).relative_to(ground.base).as_posix()
        here = "" if here == "." else here
        if _is_among(here, ground.never) or ".git" in here.split("/"):
            continue
        inside = f"{here}/" if here else ""
        links = [f for f in folders if os.path.islink(os.path.join(place, f))]  # noqa: PTH114, PTH118 - hot loop
        found = [f"{inside}{name}" for name in [*names, *links]]
        yield here, [name for name in found if not _is_among(name, ground.never)]


def _is_among(path: str, places: frozenset[str]) -> bool:
    """Tell whether `path` is one of `places`, or lies below one."""
    if not path:
        return False
    parts = path.split("/")
    return any("/".join(parts[:end]) in places for end in range(1, len(parts) + 1))


def _may_hold(folder: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether `folder` is there for the sake of what matches."""
    if folder in ("results", "artifacts"):
        return False
    above = any(pattern.startswith(f"{folder}/") for pattern in patterns)
    return above or draft.matches(folder, patterns)


def _put_back(ground: Ground, git: Git) -> None:
    """Put back what the snapshot holds and no sealed stage has replaced."""
    for name, (mode, oid) in ground.tracked.items():
        path = ground.base / name
        if name in ground.laid or _is_among(name, ground.never):
            continue
        _clear_the_way(ground.base, path)
        if _is_as_tracked(path, mode, oid, git):
            continue
        files.remove_tree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = git.out("cat-file", "blob", oid)
        if mode == _LINK:
            path.symlink_to(os.fsdecode(data))
            continue
        files.replace_bytes(path, data)
        path.chmod(0o755 if mode == _PROGRAM else 0o644)
        older = path.stat().st_mtime_ns - _OLDER_NS
        os.utime(path, ns=(older, older))


def _is_as_tracked(path: Path, mode: str, oid: str, git: Git) -> bool:
    try:
        look = path.lstat()
    except OSError:
        return False
    if mode == _LINK:
        target = path.readlink() if stat.S_ISLNK(look.st_mode) else None
        blob = git.out("cat-file", "blob", oid)
        return target is not None and os.fsencode(target) == blob
    if not stat.S_ISREG(look.st_mode):
        return False
    is_program = bool(look.st_mode & stat.S_IXUSR)
    return (
        is_program is (mode == _PROGRAM) and blob_name(path, hash_name_of(oid)) == oid
    )


def _lay_out(ground: Ground) -> None:
    """Put what sealed stages collected where their scripts had written it."""
    for name, source in ground.laid.items():
        path = ground.base / name
        _clear_the_way(ground.base, path)
        if _is_copy(path, source):
            continue
        files.remove_tree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = files.draft_of(path)
        copy(source, new)
        files.move(new, path)


def _is_copy(path: Path, source: Path) -> bool:
    """Tell a copy by its size and time, which `copy` keeps."""
    try:
        here, there = path.lstat(), source.stat()
    except OSError:
        return False
    if not stat.S_ISREG(here.st_mode):
        return False
    return (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns)


def copy(source: Path, target: Path) -> None:
    """Copy a file with its mode and times; `target` is new."""
    if files.clone(source, target):
        shutil.copystat(source, target)
    else:
        shutil.copy2(source, target)


def _clear_the_way(base: Path, path: Path) -> None:
    """Remove links and files that stand where folders should be.

    A link among them would have us write behind it, outside of the worktree.
    """
    place = base
    for part in path.relative_to(base).parts[:-1]:
        place /= part
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            place.unlink()
            return
