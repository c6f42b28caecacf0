"""Launch a runner that needs nothing from whoever launched it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import eventlines, events, files, runner, schema
from pipeline.clock import SystemClock
from pipeline.detach import detach
from pipeline.errors import DONE, HostError, PipelineError
from pipeline.follow import has_ended
from pipeline.layout import STOP, ResultPaths
from pipeline.restoring import mend
from pipeline.secrets.values import lacking
from pipeline.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.layout import RunPaths

_LAUNCH_S = 60.0  # to fence off what an earlier runner left may take its time


def launch(
    paths: RunPaths,
    *,
    self_argv: Sequence[str],
    umask: int,
    secrets: Mapping[str, str] | None = None,
) -> None:
    """Start a runner that needs nothing from us. A second one ends by itself.

    On return the runner has told of itself: whoever follows now sees no older end.
    """
    clock = SystemClock()
    story = ResultPaths(paths.results).events
    until = clock.monotonic() + _LAUNCH_S
    while files.is_locked(paths.runner_lock):
        # One that told its end is about to go; it is waited for.
        if not has_ended(story) or clock.monotonic() > until:
            return
        clock.sleep(0.01)
    # An old wish to stop is not meant for the runner that starts now.
    (paths.control / STOP).unlink(missing_ok=True)
    told, logged = _size(story), _size(paths.runner_log)

    def run() -> None:
        # The secrets go along in memory: it is this very process that goes on.
        runner.run(
            paths.root, SystemClock(), self_argv=self_argv, umask=umask, secrets=secrets
        )

    detach(
        run,
        cwd=paths.root,
        log=paths.runner_log,
        name="pipeline-run",
    )
    while clock.monotonic() < until:
        if _size(story) > told:
            return
        if _size(paths.runner_log) > logged and not files.is_locked(paths.runner_lock):
            break  # it died before it could tell of itself
        clock.sleep(0.01)
    if files.is_locked(paths.runner_lock):
        return  # it lives, and takes its time
    said = paths.runner_log.read_text("utf-8", "replace")[-1000:].strip()
    message = f"the runner of {paths.root.name} did not start"
    raise HostError(message, hint=said or f"see {paths.runner_log} on the box")


def go_on(
    paths: RunPaths, secrets: Mapping[str, str], *, self_argv: Sequence[str], umask: int
) -> Answer:
    """Launch a runner for a run that is there; or say what stands in the way of it."""
    lived = files.is_locked(paths.runner_lock)
    if not lived:
        if is_done(paths):
            return Answer(is_done=True, mended=mend(paths), folder=str(paths.root))
        plan = schema.read_plan(paths.plan.read_bytes())
        if missing := lacking(plan, secrets):
            return Answer(need="secrets", secrets=missing)
    launch(paths, self_argv=self_argv, umask=umask, secrets=secrets)
    return Answer(lives=lived, folder=str(paths.root))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def is_done(paths: RunPaths) -> bool:
    """Tell whether the last word of the story is that all is sealed."""
    try:
        lines = ResultPaths(paths.results).events.read_bytes().splitlines()
        last = eventlines.decode(lines[-1]) if lines else None
    except (FileNotFoundError, PipelineError):
        return False
    ended = last and last.what
    return isinstance(ended, events.RunEnded) and ended.exit_code == DONE
