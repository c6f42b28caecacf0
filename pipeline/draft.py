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
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import artifact, files
from pipeline.artifact import Artifact, Manifest
from pipeline.errors import IntegrityError, StageFailed
from pipeline.frozen import dataclass
from pipeline.layout import (
    ENVIRONMENT,
    EVENTS,
    FREEZE,
    HEARTBEAT,
    LOG,
    PROGRESS,
    REPORT,
    REPORT_PAGE,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.attempt import AttemptPaths
    from pipeline.layout import ResultPaths
    from pipeline.schema import Stage

METRICS = "metrics.json"
MANIFEST = "manifest.json"
FINGERPRINT = "fingerprint.json"
OURS = frozenset({MANIFEST, FINGERPRINT, LOG})

# Times of the content and of the inode in ns, size, inode: `cp -p` keeps the first.
Stamp = tuple[int, int, int, int]


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
            relative = (here / name).as_posix()
            if not matches(relative, wanted) or relative in never:
                continue
            try:
                status = os.stat(Path(place, name))  # noqa: PTH116 - of what a link names
            except OSError:
                continue  # a link to nothing, or gone meanwhile
            if stat.S_ISREG(status.st_mode):
                times = (status.st_mtime_ns, status.st_ctime_ns)
                found[relative] = (*times, status.st_size, status.st_ino)
    return found


def ours(stages: Iterable[str]) -> frozenset[str]:
    """Name what the runner itself writes where pipeline.yaml lies."""
    told = (EVENTS, PROGRESS, HEARTBEAT, REPORT, REPORT_PAGE)
    flat = (*told, ENVIRONMENT, FREEZE, ".gitattributes")
    folders = {f"{kind}/{name}" for name in stages for kind in ("results", "artifacts")}
    return frozenset(folders | {f"results/{name}" for name in flat})


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a pattern takes `name`, or the folder it lies in."""
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
    """Copy what a foreign script changed in its worktree into the draft.

    A link counts as the file it points to; a link to nothing, a socket or a pipe holds
    nothing to take.
    """
    for name, look in after.items():
        if before.get(name) == look:
            continue
        target = attempt.out / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(base / name, target)
        except FileNotFoundError:
            continue  # gone meanwhile: whoever removed it did not mean to leave it
        except OSError as error:
            message = f"{name!r} cannot be collected: {error.strerror or error}"
            hint = f"it lies in {base} until the stage is tried again"
            raise StageFailed(message, hint=hint) from error


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
    except (ValueError, RecursionError) as error:
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
    """Read metrics.json as we wrote it."""
    return metrics_of(path.read_bytes()) if path.exists() else {}


def metrics_of(data: bytes) -> dict[str, float]:
    """Read the bytes of metrics.json as we wrote it: null is what was not finite."""
    try:
        raw = json.loads(data)
        return {k: math.nan if v is None else v + 0 for k, v in raw.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError("a sealed metrics.json is damaged") from error


def metrics_text(metrics: Mapping[str, float]) -> str:
    """Write metrics.json; what is not finite is null, as JSON has no word for it."""
    plain = {k: v if math.isfinite(v) else None for k, v in metrics.items()}
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def clear(results: ResultPaths, artifacts: Path, stage: str) -> None:
    """Remove what an earlier try published, but for the log, which only grows."""
    home = results.stage(stage)
    for folder in (home, artifacts):
        folder.mkdir(parents=True, exist_ok=True)  # a stage may have cleared them
    for path in home.iterdir():
        if path.name != LOG:
            files.remove_tree(path)
    files.remove_tree(artifacts / stage)


def publish(
    attempt: AttemptPaths,
    results: ResultPaths,
    artifacts: Path,
    stage: str,
    *,
    told: Mapping[str, str],
) -> None:
    """Put the verified draft in its place, with the files that we write about it.

    Doing it again after a cut in the middle gives the same: what an earlier try left
    in these folders goes first. told: their texts by their names.
    """
    home = results.stage(stage)
    clear(results, artifacts, stage)
    files.open_folders(attempt.out)
    files.move(attempt.out, artifacts / stage)
    for path in attempt.results.iterdir():
        files.move(path, home / path.name)
    for name, text in told.items():
        files.replace_text(home / name, text)


def sealed_names(sizes: Mapping[str, Artifact], *, most: int) -> list[str]:
    """Give the files small enough to lie in git itself."""
    return sorted(name for name, file in sizes.items() if file.size <= most)


def lost_error(stage: str, names: list[str]) -> IntegrityError:
    """Say which sealed artifacts are gone."""
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    message = f"stage {stage!r} is sealed, but its artifacts are not whole: {some}"
    hint = "the seal itself stands; start a new run to make them again"
    return IntegrityError(message, hint=hint)
