"""Take a run up again after a reboot: what its unit starts.

    over?       a run that ended, or was to be stopped, is left alone
    secrets?    values that only the laptop has: it waits for `pipeline resume`
    too often?  a machine that goes down again and again at the same seal ends it
    go on       as `resume` does, in this very process, which is the unit's

Whichever it is, the story, the notice and so `status` say it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import (
    eventlines,
    events,
    files,
    inventory,
    notify,
    progress,
    revival,
    runner,
    schema,
)
from pipeline.detach import close_doors, take_name
from pipeline.errors import INTERRUPTED, HostError
from pipeline.git import Git
from pipeline.layout import STOP, ResultPaths
from pipeline.notify import Notice
from pipeline.resources import visible_gpus
from pipeline.story import Story

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.clock import Clock
    from pipeline.layout import RunPaths
    from pipeline.schema import Resolved

_PATIENCE_S = 120.0  # disks and drivers may come some time after the users
_LOOK_S = 2.0


def revive(paths: RunPaths, clock: Clock, *, self_argv: Sequence[str]) -> None:
    """Go on with an unfinished run, and be its runner; or say why not."""
    plan = schema.read_plan(paths.plan.read_bytes())
    if files.is_locked(paths.runner_lock):
        return  # somebody was quicker
    close_doors(paths.runner_log)
    known = revival.read(paths)
    os.environ.update(known.environment)
    if (ended := _end(paths)) is not None and not revival.goes_on(ended):
        notify.deliver(plan, paths)  # what the power cut was quicker than
        revival.settle(paths, ended)
        return
    if refusal := _refusal(plan, paths, known):
        _refuse(plan, paths, clock, *refusal)
        return
    here, times = _last_seal(plan, paths), revival.times_of(plan)
    revival.write(paths, replace(known, tries=(*known.tries, here)))
    count = known.tries.count(here) + 1
    because = f"after a reboot ({count} of {times} without a new seal)"
    notify.note(plan, paths, Notice(what="revived", reason=f"goes on {because}"))
    take_name("pipeline-run")
    if (lock := runner.take_lock(paths, clock)) is None:
        return
    try:  # with the lock held: to who looks, a runner lives
        _wait_for_machine(plan, paths, clock)
    finally:
        os.close(lock)
    runner.run(
        paths.root, clock, self_argv=self_argv, umask=known.umask, because=because
    )


def _end(paths: RunPaths) -> events.RunEnded | None:
    last = eventlines.last_event(ResultPaths(paths.results).events)
    said = last.what if last else None
    return said if isinstance(said, events.RunEnded) else None


def _refusal(
    plan: Resolved, paths: RunPaths, known: revival.Revival
) -> tuple[notify.What, events.RunEnded] | None:
    """Say why the run is not taken up: what to notify of, and how it ends."""
    again = f"pipeline resume {plan.run}"
    if (paths.control / STOP).exists():
        reason = "stopped by pipeline stop, and by a reboot before it had ended"
        return "end", events.RunEnded(exit_code=INTERRUPTED, reason=reason)
    if names := _secrets(plan, paths):
        reason = f"after a reboot it waits for its secrets ({names}): {again}"
        return "waiting", events.RunEnded(exit_code=INTERRUPTED, reason=reason)
    count = known.tries.count(_last_seal(plan, paths))
    if count < revival.times_of(plan):
        return None
    reason = (
        f"gave up after {count + 1} reboots without a new seal;"
        f" see what brings the machine down, then: {again}"
    )
    return "gave_up", events.RunEnded(exit_code=HostError.exit_code, reason=reason)


def _secrets(plan: Resolved, paths: RunPaths) -> str:
    """Name the secrets of stages that are not sealed yet."""
    log = ResultPaths(paths.results).events
    story = log.read_bytes() if log.exists() else b""
    known = progress.fold(eventlines.read_events(story)).stages
    done = {name for name, stage in known.items() if stage.status == "sealed"}
    stages = [stage for stage in plan.pipeline.stages if stage.name not in done]
    return ", ".join(dict.fromkeys(n for stage in stages for n in stage.secrets))


def _refuse(
    plan: Resolved,
    paths: RunPaths,
    clock: Clock,
    what: notify.What,
    ended: events.RunEnded,
) -> None:
    """Tell the end in the place of a runner, with its lock held."""
    lock = runner.take_lock(paths, clock)
    if lock is None:
        return
    try:
        story = Story(ResultPaths(paths.results), clock)
        notice = Notice(what=what, reason=ended.reason, code=ended.exit_code)
        notify.note(plan, paths, notice)
        story.tell(ended, durable=True)
        story.close()
        (paths.control / STOP).unlink(missing_ok=True)
    finally:
        os.close(lock)
    notify.deliver(plan, paths)
    revival.settle(paths, ended)


def _last_seal(plan: Resolved, paths: RunPaths) -> str:
    return Git(paths.box.code).resolve(f"refs/heads/{plan.branch}")


def _wait_for_machine(plan: Resolved, paths: RunPaths, clock: Clock) -> None:
    """Wait for GPUs and disks that may come later than we; the runner says if not."""
    until = clock.monotonic() + _PATIENCE_S
    wanted = max((stage.gpus for stage in plan.pipeline.stages), default=0)
    homes = inventory.linked(plan, paths)
    while clock.monotonic() < until:
        has_gpus = not wanted or len(visible_gpus(os.environ)) >= wanted
        if has_gpus and all(map(_is_there, homes)):
            return
        clock.sleep(_LOOK_S)


def _is_there(home: str) -> bool:
    return os.path.exists(os.path.expanduser(home))  # noqa: PTH110, PTH111
