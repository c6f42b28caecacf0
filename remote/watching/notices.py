"""What a watcher tells who does not look: by a command, a bell, and on the desktop.

The run's own end, failure and stall are told by its runner, with the lid closed too.
Only a watcher knows that the link is lost, or is back, or that no runner lives any
more: for those `notify.command` is run here. Bell and desktop are for whoever started
the watcher in a terminal, and looks at something else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
from html import escape
from typing import TYPE_CHECKING, Literal

from pipeline import supervise
from pipeline.clock import SystemClock, spoken
from pipeline.notify import variables
from pipeline.views.tame import tame

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from typing_extensions import Self

    from pipeline.clock import Clock
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.views.sight import Sight

What = Literal["lost", "back", "dead", "stall", "end"]

_AWAY_S = 10.0  # who attached a moment ago still looks
_MOST_STEP_S = 0.5  # of a wake, so that a laptop's sleep is no lost link
_COMMAND_S = 60.0
_DESKTOP_S = 5.0
_LEAVE_S = 2.0  # what is not told by then goes on without us
_MOST_LETTERS = 300
# All of it is said by arguments; the script is the same every time.
_OSASCRIPT = (
    *("osascript", "-e", "on run argv"),
    *("-e", "display notification (item 2 of argv) with title (item 1 of argv)"),
    *("-e", "end run"),
)


class Notices:
    """Looks at what one watcher sees, and tells of what has changed."""

    def __init__(
        self,
        record: RunRecord,
        paths: LaptopPaths,
        out: TextIO | None,
        clock: Clock | None = None,
    ) -> None:
        """Tell of the run of `record`; `out` may be a terminal with somebody at it."""
        self._record = record
        self._paths = paths
        self._bell = out if out is not None and has_somebody(out) else None
        self._clock = clock or SystemClock()
        self._began = self._looked_at = self._clock.monotonic()
        self._silent_s = 0.0
        self._was_alive = False
        self._told: set[What] = set()
        self._telling: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Begin to look."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give what is being told a moment."""
        for thread in self._telling:
            thread.join(_LEAVE_S)

    def look(self, sight: Sight, *, is_writer: bool = True) -> None:
        """Take one look. is_writer: of all who watch here, one runs commands."""
        now = self._clock.monotonic()
        step_s = min(now - self._looked_at, _MOST_STEP_S)
        self._looked_at = now
        if sight.knowing == "unknown":
            self._silent_s += step_s
            if (
                self._was_alive
                and self._silent_s > self._record.heartbeat.stale_after_s
            ):
                self._tell("lost", self._lost(), is_writer=is_writer)
            return
        self._silent_s = 0.0
        if sight.knowing == "connecting":
            return
        if "lost" in self._told:
            self._told.discard("lost")
            self._told.discard("back")
            self._tell("back", "the link is back", is_writer=is_writer)
        self._look_at_run(sight, is_writer=is_writer)

    def _look_at_run(self, sight: Sight, *, is_writer: bool) -> None:
        if sight.knowing == "stalled":
            self._tell("stall", "no sign of progress")
        else:
            self._told.discard("stall")
        if sight.knowing in ("alive", "stalled"):
            self._was_alive = True
            self._told.discard("end")
        elif self._was_alive and sight.knowing == "dead":
            again = f"pipeline resume {self._record.run}"
            reason = f"no runner lives, and no end was told; go on with: {again}"
            self._tell("dead", reason, is_writer=is_writer)
        elif self._was_alive and sight.knowing == "ended":
            self._tell("end", f"{sight.state.word}: {sight.state.reason}")

    def _lost(self) -> str:
        host, silent = self._record.host_name, spoken(self._silent_s)
        return f"nothing was heard of host {host!r} for {silent}; the run goes on"

    def _tell(self, what: What, reason: str, *, is_writer: bool = False) -> None:
        """Tell something once, until it is not so any more."""
        if what in self._told:
            return
        self._told.add(what)
        rules = self._record.notify
        # A runner of this machine had its keeper to say so.
        is_ours = is_writer and self._record.host is not None
        if is_ours and rules.command:
            self._aside(self._run_command, what, reason)
        if self._bell is None or self._looked_at - self._began < _AWAY_S:
            return
        if rules.bell and what != "back":
            with contextlib.suppress(OSError, ValueError):
                self._bell.write("\a")
                self._bell.flush()
        if rules.desktop:
            self._aside(self._show_on_desktop, what, reason)

    def _aside(self, act: Callable[[What, str], None], what: What, reason: str) -> None:
        thread = threading.Thread(target=act, args=(what, reason), daemon=True)
        thread.start()
        self._telling = [*(t for t in self._telling if t.is_alive()), thread]

    def _run_command(self, what: What, reason: str) -> None:
        record = self._record
        told = variables(
            what, reason, run=record.run, host=record.host_name, name=record.name
        )
        with contextlib.suppress(OSError):
            supervise.run_aside(
                ("sh", "-c", record.notify.command),
                cwd=self._paths.root,
                environment={**os.environ, **told},
                timeout_s=_COMMAND_S,
            )

    def _show_on_desktop(self, _: What, reason: str) -> None:
        record = self._record
        title = tame(f"{record.name}: run {record.run} on {record.host_name}")
        argv = desktop_argv(title, tame(reason)[:_MOST_LETTERS])
        if argv:
            with contextlib.suppress(OSError):
                supervise.run_aside(
                    argv,
                    cwd=self._paths.root,
                    environment=os.environ,
                    timeout_s=_DESKTOP_S,
                )


def has_somebody(out: TextIO) -> bool:
    """Tell whether a person may be in front of it."""
    return out.isatty() and not os.environ.get("CI")


def desktop_argv(title: str, text: str) -> tuple[str, ...]:
    """Give the command that shows a notice here; none where there is no desktop."""
    if sys.platform == "darwin":
        return (*_OSASCRIPT, title, text) if shutil.which(_OSASCRIPT[0]) else ()
    has_screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not has_screen or not shutil.which("notify-send"):
        return ()
    # Its text may hold markup: what a run says is none.
    return ("notify-send", "--app-name=pipeline", "--", title, escape(text))
