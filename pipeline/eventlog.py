"""The one writer of events.jsonl: whole lines, in their order, whoever calls."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.clock import stamp
from pipeline.eventlines import encode
from pipeline.events import Event

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.clock import Clock
    from pipeline.events import Happening

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT


class EventLog:
    """The one writer of events.jsonl; its lines are whole, whoever calls."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open for appending; a torn last line gets its newline."""
        self._clock = clock
        self._turn = threading.Lock()
        self._path = path
        self._handle = os.open(path, _FLAGS, 0o644)
        size = os.fstat(self._handle).st_size
        if size and os.pread(self._handle, 1, size - 1) != b"\n":
            os.write(self._handle, b"\n")

    def append(self, what: Happening | Event, *, durable: bool = False) -> Event:
        """Tell it; with `durable`, it survives a power cut once this returns.

        What comes as an Event has its time already. A line that does not fit on the
        disk leaves no half of it.
        """
        with self._turn:
            event = what if isinstance(what, Event) else self.dated(what)
            line = encode(event).encode() + b"\n"
            size = os.fstat(self._handle).st_size
            try:
                while line:
                    line = line[os.write(self._handle, line) :]
            except OSError:
                os.ftruncate(self._handle, size)
                raise
            if durable:
                os.fsync(self._handle)
        return event

    def heal(self) -> bool:
        """Put the log back in its place if somebody removed it; tell whether so."""
        with self._turn:
            ours = os.fstat(self._handle)
            try:
                there = self._path.stat()
            except FileNotFoundError:
                there = None
            if there and (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                return False
            self._path.parent.mkdir(parents=True, exist_ok=True)
            files.replace_bytes(self._path, os.pread(self._handle, ours.st_size, 0))
            os.close(self._handle)
            self._handle = os.open(self._path, _FLAGS, 0o644)
            return True

    def dated(self, what: Happening) -> Event:
        """Make the event of what happens now."""
        return Event(at=stamp(self._clock.now()), what=what)

    def close(self) -> None:
        """Close it."""
        os.close(self._handle)
