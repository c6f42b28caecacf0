"""The draft of an attempt: made, filled by the child, verified, published.

Nothing a child writes is visible before it was verified whole. Publishing renames; the
draft and the worktree lie on one file system.
"""

from __future__ import annotations

import fnmatch
import json
import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import artifact, files
from pipeline.artifact import Artifact, Manifest
from pipeline.errors import IntegrityError, StageFailed
from pipeline.layout import EVENTS, HEARTBEAT, LOG, PROGRESS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.layout import AttemptPaths, ResultPaths
    from pipeline.schema import Stage

METRICS = "metrics.json"
MANIFEST = "manifest.json"
OURS = frozenset({MANIFEST, LOG})

Stamp = tuple[int, int, int]  # modification time in ns, size, inode


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A verified draft: its files, and the numbers it told in metrics.json."""

    manifest: Manifest
    told: Mapping[str, float]


def make(attempt: AttemptPaths) -> None:
    """Make a fresh draft; whatever lay there is gone."""
    files.remove_tree(attempt.root)
    attempt.out.mkdir(parents=True)
    attempt.results.mkdir()


def next_number(attempts: Path, stage: str) -> int:
    """Give the number of the next try: one more than any that left a folder."""
    numbers = [
        int(number)
        for name in os.listdir(attempts)  # noqa: PTH208 - names only
        for head, _, number in [name.rpartition(".")]
        if head == stage and number.isdigit()
    ]
    return max(numbers, default=0) + 1


def stamps(
    base: Path, patterns: Iterable[str], never: frozenset[str]
) -> dict[str, Stamp]:
    """Note how the files that match `patterns` look, before a foreign script runs.

    never: folders and files below `base` that are ours, and not looked at.
    """
    wanted = tuple(patterns)
    if not wanted:
        return {}
    found = {}
    for place, folders, names in os.walk(base):
        here = Path(place).relative_to(base)
        folders[:] = [f for f in folders if f != ".git" and str(here / f) not in never]
        for name in names:
            path = Path(place, name)
            relative = (here / name).as_posix()
            if path.is_symlink() or not _matches(relative, wanted) or relative in never:
                continue
            status = path.stat()
            found[relative] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found


def ours(stages: Iterable[str]) -> frozenset[str]:
    """Name what the runner itself writes where pipeline.yaml lies."""
    flat = (EVENTS, PROGRESS, HEARTBEAT, ".gitattributes")
    folders = {f"{kind}/{name}" for kind in ("results", "artifacts") for name in stages}
    return frozenset(folders | {f"results/{name}" for name in flat})


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(
        fnmatch.fnmatchcase(name, p) or fnmatch.fnmatchcase(name, p.rstrip("/") + "/*")
        for p in patterns
    )


def collect(
    base: Path,
    before: Mapping[str, Stamp],
    after: Mapping[str, Stamp],
    attempt: AttemptPaths,
) -> None:
    """Copy what a foreign script changed in its worktree into the draft."""
    for name, look in after.items():
        if before.get(name) == look:
            continue
        target = attempt.out / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(base / name, target)


def verify(stage: Stage, attempt: AttemptPaths) -> Made:
    """Hash the draft and hold it against what the stage promised.

    Raise StageFailed for an output that was not made, IntegrityError for one that
    cannot be sealed.
    """
    artifacts = artifact.survey(attempt.out)
    results = artifact.survey(attempt.results)
    for name in [*artifacts, *results]:
        if any(part.lower().rstrip(". ") == ".git" for part in name.split("/")):
            message = f"stage {stage.name!r} made {name!r}, which git cannot hold"
            raise IntegrityError(message, hint="leave the .git of a clone out of $OUT")
    missing = [name for name in stage.outputs if not _has(artifacts, name)]
    if missing:
        named = ", ".join(repr(name) for name in missing)
        message = f"stage {stage.name!r} did not make {named}"
        made = ", ".join(sorted(artifacts)[:8]) or "nothing"
        raise StageFailed(message, hint=f"in its output folder it made: {made}")
    for name in sorted(OURS & set(results)):
        message = f"stage {stage.name!r} wrote results/{name}, a name of ours"
        raise StageFailed(message, hint="give the file another name")
    results.pop(METRICS, None)
    told = read_metrics(attempt.results / METRICS)
    return Made(manifest=Manifest(artifacts=artifacts, results=results), told=told)


def _has(artifacts: Mapping[str, Artifact], promised: str) -> bool:
    if promised.endswith("/"):
        return any(name.startswith(promised) for name in artifacts)
    return promised in artifacts or any(
        name.startswith(promised + "/") for name in artifacts
    )


def read_metrics(path: Path) -> dict[str, float]:
    """Read the numbers a stage left in metrics.json; what is no number is refused."""
    if not path.exists():
        return {}
    try:
        raw = json.loads(path.read_bytes())
    except ValueError as error:
        message = f"metrics.json is not JSON: {error}"
        raise StageFailed(message) from error
    if not isinstance(raw, dict):
        message = "metrics.json should be an object of names and numbers"
        raise StageFailed(message)
    numbers = {}
    for name, value in raw.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            message = f"metrics.json: {name!r} should be a number, found {value!r}"
            raise StageFailed(message)
        numbers[name] = _finite_or_refused(name, value)
    return numbers


def _finite_or_refused(name: str, value: float) -> float:
    """Take a number as it is, if it can be held against a gate at all."""
    try:
        float(value)
    except OverflowError as error:
        message = f"metrics.json: {name!r} is too large for a number"
        raise StageFailed(message) from error
    return value


def published_metrics(path: Path) -> dict[str, float]:
    """Read metrics.json as we wrote it: null is what was not finite."""
    raw = json.loads(path.read_bytes()) if path.exists() else {}
    return {k: math.nan if v is None else v for k, v in raw.items()}


def metrics_text(metrics: Mapping[str, float]) -> str:
    """Write metrics.json; what is not finite is null, as JSON has no word for it."""
    plain = {k: v if math.isfinite(v) else None for k, v in metrics.items()}
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def publish(
    made: Made,
    metrics: Mapping[str, float],
    attempt: AttemptPaths,
    results: ResultPaths,
    artifacts: Path,
    stage: str,
) -> None:
    """Put the verified draft in its place.

    Doing it again after a cut in the middle gives the same: what an earlier try left
    in these folders goes first, but for the log, which only grows.
    """
    home = results.stage(stage)
    for folder in (home, artifacts):
        folder.mkdir(parents=True, exist_ok=True)  # a stage may have cleared them
    for path in home.iterdir():
        if path.name != LOG:
            files.remove_tree(path)
    # Removed first: a folder can only be renamed onto an empty one.
    files.remove_tree(artifacts / stage)
    files.open_folders(attempt.out)
    files.move(attempt.out, artifacts / stage)
    for path in attempt.results.iterdir():
        files.move(path, home / path.name)
    files.replace_text(results.metrics(stage), metrics_text(metrics))
    files.replace_text(results.manifest(stage), made.manifest.text())


def make_durable(home: Path, listed: Mapping[str, Artifact], *, above: int) -> None:
    """Make the files too large for git survive a power cut; git does it for the rest.

    What lies in the commit is put back from there when a run is taken up again.
    """
    large = [name for name, file in listed.items() if file.size > above]
    for name in large:
        files.sync_file(home / name)
    for folder in sorted({(home / name).parent for name in large}):
        files.sync_folder(folder)
    if large:
        files.sync_folder(home.parent)


def sealed_names(sizes: Mapping[str, Artifact], *, most: int) -> list[str]:
    """Give the files small enough to lie in git itself."""
    return sorted(name for name, file in sizes.items() if file.size <= most)


def check_published(manifest: Path, home: Path) -> list[str]:
    """Give the artifacts of a sealed stage that are not there with the right size."""
    lost = []
    for name, wanted in artifact.read_manifest(manifest).artifacts.items():
        try:
            size = (home / name).stat().st_size
        except OSError:
            size = -1
        if size != wanted.size:
            lost.append(name)
    return lost


def lost_error(stage: str, names: list[str]) -> IntegrityError:
    """Say which sealed artifacts are gone."""
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    message = f"stage {stage!r} is sealed, but its artifacts are not whole: {some}"
    hint = "the seal itself stands; start a new run to make them again"
    return IntegrityError(message, hint=hint)
