"""Say which runs lie on a box, to a laptop that never saw them.

It reads the story of each, less what only moves its bars: a box with a hundred long
runs must answer at once. What is asked for by name comes with its plan, which is all
that another laptop needs to take the run up.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline import eventlines, files, progress, schema
from pipeline.census import size_of
from pipeline.errors import IntegrityError, PipelineError
from pipeline.layout import PLAN, RUN_ID, BoxPaths, ResultPaths, RunPaths, is_safe_name
from pipeline.wire import Listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.clock import Clock
    from pipeline.progress import RunState
    from pipeline.wire import Asking

_SIZES_S = 3.0  # of all runs together: a listing is asked for by somebody who waits
_MOST_PLAN = 64 << 20
_LATEST = ("", "latest")
# How a line begins that changes no more than a bar or a number.
_MOVES = (b'"kind":"stage_ticked"', b'"kind":"stage_measured"')


def listed(box: BoxPaths, asked: Asking, clock: Clock) -> Iterator[Listed]:
    """Give the runs of a project, or of all that this user has here."""
    until = clock.monotonic() + _SIZES_S

    def told(_: str) -> None:
        if clock.monotonic() > until:
            raise _TooLong

    for folder in _projects(box, is_everywhere=asked.everywhere):
        for run in _runs(folder, asked.wanted):
            with contextlib.suppress(FileNotFoundError):  # somebody clears it
                yield _listed(run, is_wanted=bool(asked.wanted), told=told)


class _TooLong(Exception):
    """There was no time to add all files up."""


def _projects(box: BoxPaths, *, is_everywhere: bool) -> list[BoxPaths]:
    """Give the project asked for first, and then the others."""
    if not is_everywhere:
        return [box]
    names = sorted(name for name in _names(box.root.parent) if is_safe_name(name))
    others = (BoxPaths(box.root.parent / name) for name in names)
    return [box, *(other for other in others if other.root != box.root)]


def _runs(box: BoxPaths, wanted: str) -> list[Path]:
    """Give the folders of the runs that were begun whole, or of those meant."""
    names = sorted(name for name in _names(box.runs) if RUN_ID.fullmatch(name))
    if wanted not in _LATEST:
        names = [name for name in names if wanted in name]
    return [box.run(name) for name in names if (box.run(name) / PLAN).exists()]


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _listed(folder: Path, *, is_wanted: bool, told: Callable[[str], None]) -> Listed:
    lives = files.is_locked(RunPaths(folder, PurePosixPath()).runner_lock)
    try:
        size = size_of(folder, told)
    except _TooLong:
        size = -1
    known = Listed(
        run=folder.name, project=folder.parent.parent.name, size=size, lives=lives
    )
    try:
        plan = schema.read_plan(_plan_in(folder / PLAN))
    except PipelineError as error:
        word = "running" if lives else "unreadable"
        return replace(known, state=word, error=error.message, hint=error.hint)
    paths = RunPaths(folder, PurePosixPath(plan.prefix))
    state = state_of(ResultPaths(paths.results).events)
    return replace(
        known,
        name=plan.pipeline.name,
        state=word_of(state, lives=lives),
        exit_code=state.exit_code,
        said=state.waiting or state.reason,
        started_at=state.started_at,
        last_at=state.last_at,
        sealed=sum(bool(stage.commit) for stage in state.stages.values()),
        stages=len(plan.pipeline.stages),
        is_dirty=plan.is_dirty,
        plan=plan if is_wanted else None,
    )


def _plan_in(path: Path) -> bytes:
    """Read a plan; what is no file, or has no end, would hold up the whole listing."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise IntegrityError(f"{path.name} is no file")
        if len(data := file.read(_MOST_PLAN + 1)) > _MOST_PLAN:
            raise IntegrityError(f"{path.name} is larger than any plan")
    return data


def word_of(state: RunState, *, lives: bool) -> str:
    """Say how a run stands, by its story and by whether a runner holds it."""
    return state.word if lives or state.has_ended else "dead"


def state_of(story: Path) -> RunState:
    """Add a story up, less what only moves bars."""
    try:
        lines = story.read_bytes().splitlines(keepends=True)
    except OSError:
        return progress.RunState()
    kept = (line for line in lines if not any(sign in line[:90] for sign in _MOVES))
    return progress.fold(eventlines.read_events(b"".join(kept)))
