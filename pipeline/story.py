"""Tell what happens: the event, and the picture of all events so far."""

from __future__ import annotations

import collections
import contextlib
import threading
from typing import TYPE_CHECKING

from pipeline import eventlines, events, files, progress, sketch
from pipeline.eventlog import EventLog
from pipeline.room import Reserve
from pipeline.secrets.blot import blot_text
from pipeline.secrets.values import retold

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.clock import Clock
    from pipeline.events import Event, Happening
    from pipeline.layout import ResultPaths
    from pipeline.progress import RunState
    from pipeline.secrets.blot import Secrets

_DRAW_EVERY_S = 0.2


class Story:
    """The one voice of a run: events.jsonl first, then PROGRESS.txt."""

    def __init__(self, paths: ResultPaths, clock: Clock) -> None:
        """Take up the story where it stands."""
        self._paths = paths
        self._clock = clock
        self._turn = threading.RLock()
        known = paths.events.read_bytes() if paths.events.exists() else b""
        self.state: RunState = progress.fold(eventlines.read_events(known))
        self._log = EventLog(paths.events, clock)
        self._reserve = Reserve(paths.root / ".reserve")
        self._untold: collections.deque[tuple[Event, bool]] = collections.deque()
        self._drawn_at = float("-inf")
        self._is_drawn = True
        self.progress_at = clock.monotonic()
        self.hidden: Secrets = ()  # what is told to nobody

    def tell(self, what: Happening | Event, *, durable: bool = False) -> None:
        """Tell one thing. What is durable survives a power cut once told.

        On a full disk it is told as soon as there is room, and in its order: a run does
        not die of what cannot be written down for a while.
        """
        with self._turn:
            event = what if isinstance(what, events.Event) else self.dated(what)
            self.state = progress.advance(self.state, event)
            self._untold.append((event, durable))
            self._is_drawn = False
            self.refresh()

    def refresh(self) -> None:
        """Write down what is not yet; called again at every wake of the runner."""
        with self._turn, contextlib.suppress(OSError):
            self._write()
            now = self._clock.monotonic()
            if not self._is_drawn and now - self._drawn_at >= _DRAW_EVERY_S:
                self._drawn_at = now
                self._draw()

    def _write(self) -> None:
        if self._log.heal():
            self._is_drawn = False
        while self._untold:
            event, durable = self._untold[0]
            self._log.append(event, durable=durable)
            self._untold.popleft()

    def dated(self, what: Happening) -> Event:
        """Make the event of what happens now, to be told later: without secrets."""
        event = self._log.dated(what)
        return retold(event, self.clean) if self.hidden else event

    def clean(self, text: str) -> str:
        """Put out the secrets in a text, where there are any."""
        return blot_text(text, self.hidden) if self.hidden else text

    def with_end(self, ended: Event, folder: Path) -> dict[str, Path]:
        """Write story and picture as they will be once `ended` is told.

        They are committed before the end is told: who hears of it finds all there is.
        """
        with self._turn:
            log = self._paths.events.read_bytes()
            log += eventlines.encode(ended).encode() + b"\n"
            picture = sketch.render(progress.advance(self.state, ended))
        story, drawn = folder / "events.draft", folder / "progress.draft"
        files.replace_bytes(story, log)
        files.replace_text(drawn, picture)
        return {self._paths.events.name: story, self._paths.progress.name: drawn}

    def _draw(self) -> None:
        files.replace_text(self._paths.progress, sketch.render(self.state))
        self._is_drawn = True

    def marked(self) -> None:
        """Remember that something moved: a tick, a metric, a byte of a log."""
        self.progress_at = self._clock.monotonic()

    @property
    def progress_age_s(self) -> float:
        """Seconds since something moved."""
        return self._clock.monotonic() - self.progress_at

    def close(self) -> None:
        """Write down what is left, draw the last picture, and close the log."""
        with self._turn:
            # Whoever filled the disk: that the run ended, and why, is still told.
            self._reserve.spend()
            try:
                self._write()
                self._draw()
            finally:
                self._log.close()
