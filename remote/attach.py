"""Show a run until it ends or the user looks away: live in a terminal, or as lines.

The exit code is the run's own, read from the story in its folder, never from a stream
that happened to end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline import events
from pipeline.clock import SystemClock
from pipeline.errors import BUG, HostError
from pipeline.tame import tame
from pipeline.telling import farewell, plain_lines
from remote.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from pipeline.events import Event
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.sight import Sight
    from pipeline.telling import Knowing
    from remote.far import Far

_TICK_EVERY_S = 10.0
_LOG_LINES = 10


def attach(far: Far, record: RunRecord, paths: LaptopPaths, *, out: TextIO) -> int:
    """Watch until the end; give the run's exit code.

    A KeyboardInterrupt of the user's passes through, when the threads have been told.
    """
    clock = SystemClock()
    is_live = out.isatty() and os.environ.get("TERM") != "dumb"
    with Session(far, record, paths, clock) as session:
        if is_live:
            from pipeline.screen import Live  # rich is for terminals only

            with Live() as live:
                sight = _watch(session, lambda seen, _news: live.show(seen))
        else:
            sight = _watch(session, PlainLines(out).show)
            _tell_log_of_failed(session, sight, out)
    return _end(sight, record, out)


def _tell_log_of_failed(session: Session, sight: Sight, out: TextIO) -> None:
    """Show the end of the log of the stage that failed: what a person looks for."""
    failed = [s.name for s in sight.state.stages.values() if s.status == "failed"]
    lines = session.tail(failed[0])[-_LOG_LINES:] if failed else []
    for line in lines:
        print(f"  | {tame(line)}", file=out)


def _watch(session: Session, show: Callable[[Sight, list[Event]], None]) -> Sight:
    while True:
        is_over = session.is_over
        session.wake()
        sight = session.sight()
        show(sight, session.news())
        if is_over or sight.knowing == "dead":
            return sight
        session.rest()


def _end(sight: Sight, record: RunRecord, out: TextIO) -> int:
    if sight.knowing == "dead":
        message = f"run {record.run}: no runner lives, and no end was told"
        raise HostError(message, hint=f"go on with it: pipeline resume {record.run}")
    said = farewell(sight.state, knowing="ended", run=record.run, branch=record.branch)
    print(said, file=out)
    code = sight.state.exit_code
    return BUG if code is None else code


class PlainLines:
    """The story without a terminal: a line per event, a tick now and then."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`."""
        self._out = out
        self._clock = SystemClock()
        self._ticked_at: dict[str, float] = {}
        self._knowing: Knowing = "connecting"

    def show(self, sight: Sight, news: list[Event]) -> None:
        """Tell what is new."""
        for event in news:
            if self._is_worth_it(event):
                for line in plain_lines(event):
                    print(line, file=self._out, flush=True)
        if sight.knowing != self._knowing:
            self._tell_knowing(sight)
            self._knowing = sight.knowing

    def _is_worth_it(self, event: Event) -> bool:
        what = event.what
        if not isinstance(what, events.StageTicked):
            return True
        now = self._clock.monotonic()
        is_due = now - self._ticked_at.get(what.stage, -_TICK_EVERY_S) >= _TICK_EVERY_S
        if is_due:
            self._ticked_at[what.stage] = now
        return is_due

    def _tell_knowing(self, sight: Sight) -> None:
        said = {
            "unknown": "the link is lost; the run itself is not affected",
            "stalled": "beats arrive, but no progress",
            "alive": "the link is back" if self._knowing == "unknown" else "",
        }.get(sight.knowing, "")
        if said:
            print(f"{sight.now[11:19]}Z {said}", file=self._out, flush=True)
