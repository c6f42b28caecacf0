"""The process that outlives a runner just long enough to end its stages.

It reads from a pipe that only the runner holds: `+ATTEMPT` before a stage is started,
`-ATTEMPT` after it was swept. When the pipe closes, the runner is gone, however it
went, and whatever it left running is killed. A runner that told its end takes its leave
by `=`; of one that did not, the keeper says the last word (see `lastword`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import supervise
from pipeline.attempt import AttemptPaths
from pipeline.fence import fence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from pipeline.clock import Clock

_LEAVE = b"="


def keep(orders: BinaryIO, clock: Clock) -> bool:
    """Wait for the runner's end, then end its stages; tell if it took its leave."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    attempts, took_leave = still_open(orders)
    for attempt in sorted(attempts):
        fence(AttemptPaths(Path(os.fsdecode(attempt))), clock)
    return took_leave


def still_open(orders: BinaryIO) -> tuple[set[bytes], bool]:
    """Read orders to their end; give what was started and not swept, and a leave."""
    kept: set[bytes] = set()
    took_leave = False
    for line in orders:
        sign, attempt = line[:1], line[1:].rstrip(b"\n")
        if sign == b"+":
            kept.add(attempt)
        elif sign == b"-":
            kept.discard(attempt)
        took_leave = took_leave or sign == _LEAVE
    return kept, took_leave


class Keeper:
    """The runner's end of the pipe; a keeper that was killed is replaced."""

    def __init__(self, argv: Sequence[str]) -> None:
        """Start a keeper by `argv`."""
        self._argv = tuple(argv)
        self._open: set[bytes] = set()
        self._turn = threading.Lock()  # stages come and go in threads of their own
        self._process = supervise.spawn_fed(self._argv)

    def opened(self, attempt: AttemptPaths) -> None:
        """Tell of an attempt before its process is started, so that no gap is left."""
        with self._turn:
            self._open.add(_name(attempt))
            self._say(b"+" + _name(attempt))

    def swept(self, attempt: AttemptPaths) -> None:
        """Tell that nothing of an attempt lives any more."""
        with self._turn:
            self._open.discard(_name(attempt))
            self._say(b"-" + _name(attempt))

    def look(self) -> None:
        """Start another keeper if this one is gone."""
        with self._turn:
            if self._process.poll() is None:
                return
            self._process = supervise.spawn_fed(self._argv)
            for name in sorted(self._open):
                self._say(b"+" + name)

    def _say(self, line: bytes) -> None:
        """Tell the keeper; one that is gone is replaced, and told all, at `look`."""
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.write(line + b"\n")
            pipe.flush()

    def take_leave(self) -> None:
        """Tell that the end was told, and that who wanted to hear of it has."""
        with self._turn:
            self._say(_LEAVE)

    def close(self) -> None:
        """Let the keeper go; all was swept."""
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        self._process.wait()


def _name(attempt: AttemptPaths) -> bytes:
    return os.fsencode(attempt.root)
