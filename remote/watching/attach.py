"""Show a run until it ends or the user looks away: live in a terminal, or as lines.

The exit code is the run's own, read from the story in its folder, never from a stream
that happened to end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline import events
from pipeline.clock import SystemClock, spoken
from pipeline.errors import INTERRUPTED
from pipeline.views.tame import tame
from pipeline.views.telling import farewell, plain_lines
from remote.watching.notices import Notices
from remote.watching.session import Session, code_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from pipeline.events import Event
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.views.sight import Sight
    from pipeline.views.telling import Knowing
    from remote.far import Far

_TICK_EVERY_S = 10.0
_LOG_LINES = 10


def attach(far: Far, record: RunRecord, paths: LaptopPaths, *, out: TextIO) -> int:
    """Watch until the end, or until ^C; give the run's exit code, or INTERRUPTED."""
    with (
        Session(far, record, paths, SystemClock()) as session,
        Notices(record, paths, out) as notices,
    ):
        try:
            sight = _watch(session, notices, out)
        except KeyboardInterrupt:
            return _detach(session.sight(), record, out)
        _tell_logs_of_failed(session, sight, out)
    _tell_what_is_missing(session, record, out)
    return _end(sight, record, out, is_past=session.is_past)


def _watch(session: Session, notices: Notices, out: TextIO) -> Sight:
    """Show the run as a picture or as lines, until there is nothing more to wait for.

    A KeyboardInterrupt of the user's passes through.
    """
    if not out.isatty() or os.environ.get("TERM") == "dumb":
        lines = PlainLines(out)

        def tell(sight: Sight) -> None:
            lines.show(sight, session.news(), session.notes())
            notices.look(sight, is_writer=session.is_writer)

        return session.to_the_end(tell)
    from pipeline.views.screen import Live  # rich is for terminals only

    with Live() as live:

        def draw(sight: Sight) -> None:
            live.show(sight)
            notices.look(sight, is_writer=session.is_writer)

        return session.to_the_end(draw)


def _detach(sight: Sight, record: RunRecord, out: TextIO) -> int:
    said = farewell(
        sight.state, knowing=sight.knowing, run=record.run, branch=record.branch
    )
    print(said, file=out)
    return INTERRUPTED


def _tell_logs_of_failed(session: Session, sight: Sight, out: TextIO) -> None:
    """Show the end of the log of what failed: what a person looks for."""
    failed = [s.name for s in sight.state.stages.values() if s.status == "failed"]
    for name in failed:
        lines = session.tail(name)[-_LOG_LINES:]
        if lines and len(failed) > 1:
            print(f"  {tame(name)} printed last:", file=out)
        for line in lines:
            print(f"  | {tame(line)}", file=out)


def _tell_what_is_missing(session: Session, record: RunRecord, out: TextIO) -> None:
    missing = session.missing()
    for what, why in missing.items():
        print(f"not at home: {tame(what)}: {tame(why)}", file=out)
    if missing:
        print(f"  bring it with:  pipeline attach {record.run}", file=out)


def _end(sight: Sight, record: RunRecord, out: TextIO, *, is_past: bool) -> int:
    code = code_of(sight, record.run)
    if is_past:
        print(f"as last seen; host {record.host_name!r} does not answer", file=out)
    said = farewell(sight.state, knowing="ended", run=record.run, branch=record.branch)
    print(said, file=out)
    return code


class PlainLines:
    """The story without a terminal: a line per event, a tick now and then."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`."""
        self._out = out
        self._clock = SystemClock()
        self._ticked_at: dict[str, float] = {}
        self._knowing: Knowing = "connecting"
        self._noted: set[str] = set()

    def show(self, sight: Sight, news: list[Event], notes: Iterable[str] = ()) -> None:
        """Tell what is new; a note is told once, and again after the link was lost."""
        for event in news:
            if self._is_worth_it(event):
                for line in plain_lines(event):
                    print(line, file=self._out, flush=True)
        if sight.knowing != self._knowing:
            self._tell_knowing(sight)
            self._knowing = sight.knowing
        for note in notes:
            if note not in self._noted:
                self._noted.add(note)
                self._say(sight, f"note: {note}")

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
        if sight.knowing == "unknown":
            self._say(sight, "the link is lost; the run itself is not affected")
        elif sight.knowing == "stalled":
            age = f"no beat for {spoken(sight.age_s or 0.0)}, though the link is up"
            self._say(sight, "beats arrive, but no progress" if sight.breathes else age)
        elif sight.knowing == "alive" and self._knowing == "unknown":
            self._noted.clear()
            self._say(sight, "the link is back")

    def _say(self, sight: Sight, text: str) -> None:
        print(f"{sight.now[11:19]}Z {tame(text)}", file=self._out, flush=True)
