"""Tell what happens: the event, and the picture of all events so far."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pipeline import events, files, progress

if TYPE_CHECKING:
    from pipeline.clock import Clock
    from pipeline.events import Happening
    from pipeline.layout import ResultPaths
    from pipeline.progress import RunState

_DRAW_EVERY_S = 0.2


class Story:
    """The one voice of a run: events.jsonl first, then PROGRESS.txt."""

    def __init__(self, paths: ResultPaths, clock: Clock) -> None:
        """Take up the story where it stands."""
        self._paths = paths
        self._clock = clock
        self._turn = threading.RLock()
        known = paths.events.read_bytes() if paths.events.exists() else b""
        self.state: RunState = progress.fold(events.read_events(known))
        self._log = events.EventLog(paths.events, clock)
        self._drawn_at = float("-inf")
        self._is_drawn = True
        self.progress_at = clock.monotonic()

    def tell(self, what: Happening, *, durable: bool = False) -> None:
        """Tell one thing. What is durable survives a power cut once told."""
        with self._turn:
            event = self._log.append(what, durable=durable)
            self.state = progress.advance(self.state, event)
            self._is_drawn = False
            self.refresh()

    def refresh(self) -> None:
        """Draw the picture if it is old; called again at every wake of the runner."""
        with self._turn:
            now = self._clock.monotonic()
            if not self._is_drawn and now - self._drawn_at >= _DRAW_EVERY_S:
                self._drawn_at = now
                self._draw()

    def _draw(self) -> None:
        files.replace_text(self._paths.progress, progress.render(self.state))
        self._is_drawn = True

    def marked(self) -> None:
        """Remember that something moved: a tick, a metric, a byte of a log."""
        self.progress_at = self._clock.monotonic()

    @property
    def progress_age_s(self) -> float:
        """Seconds since something moved."""
        return self._clock.monotonic() - self.progress_at

    def close(self) -> None:
        """Draw the last picture and close the log."""
        with self._turn:
            self._draw()
            self._log.close()
