"""Say of a runner that was killed what it cannot say any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import files, notify, schema
from pipeline.follow import has_ended
from pipeline.layout import ResultPaths
from pipeline.notify import Notice

if TYPE_CHECKING:
    from pipeline.clock import Clock
    from pipeline.layout import RunPaths

_PATIENCE_S = 5.0  # what is killed lets go of its pipe a moment before its lock
_LOOK_S = 0.05


def say_last_word(paths: RunPaths, clock: Clock) -> None:
    """Tell what the runner had no time to tell, or that it died, unless one lives."""
    until = clock.monotonic() + _PATIENCE_S
    while files.is_locked(paths.runner_lock):
        if clock.monotonic() > until:
            return  # the run was taken up again
        clock.sleep(_LOOK_S)
    plan = schema.read_plan(paths.plan.read_bytes())
    if not plan.pipeline.notify.command:
        return
    if has_ended(ResultPaths(paths.results).events):
        notify.deliver(plan, paths)
        return
    notify.drop_ends(paths)
    reason = f"the runner died; go on with: pipeline resume {plan.run}"
    notify.notify(plan, paths, Notice(what="dead", reason=reason))
