"""Something that is brought home again and again, in a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import HostError, TransportError
from remote.watching.naps import Naps

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from pipeline.clock import Clock
    from remote.watching.signals import Notes, Signals

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_LAST_TRIES = 3


class Errand:
    """Acts whenever it is asked to, and once more when the run has ended.

    What fails is tried again; when the run has ended, a few times and no more. What did
    not come home then is said by `missing`.
    """

    def __init__(
        self, name: str, act: Callable[[], None], asked: Event, *, pause_s: float
    ) -> None:
        """Do `act` when `asked` is set, not more often than every `pause_s`."""
        self.name = name
        self.missing = ""
        self._act = act
        self._asked = asked
        self._pause_s = pause_s
        self._has_all = False
        self.is_busy = False
        self._has_tried = False

    @property
    def is_settled(self) -> bool:
        """Tell whether it did what it was first asked, or was asked for nothing."""
        return self._has_tried or not (self._asked.is_set() or self.is_busy)

    def run(
        self, signals: Signals, notes: Notes, clock: Clock, *, may: Callable[[], bool]
    ) -> None:
        """Go on until the session closes or the run has ended.

        may: whether it is ours to do; who only looks leaves it to the one who writes.
        """
        tries = 0
        while not signals.closing.is_set():
            self._asked.wait()
            self.is_busy = True
            # Cleared before looking: who ends the run sets that first, and asks then.
            self._asked.clear()
            is_last = signals.followed.is_set()
            if signals.closing.is_set():
                return
            if is_last and self._has_all:
                return
            was_over = signals.over.is_set()
            error = self._try() if may() else None
            self.is_busy, self._has_tried = False, True
            self._has_all = was_over and error is None
            if error is None:
                tries = 0
                notes.drop(self.name)
                if is_last:
                    return
                self._pause(signals, clock)
                continue
            notes.say(self.name, error.message)
            tries += 1
            if is_last and tries >= _LAST_TRIES:
                self.missing = error.message
                return
            if error.is_transient or is_last:
                self._asked.set()
            signals.closing.wait(pause_s(tries))

    def _try(self) -> TransportError | HostError | None:
        try:
            self._act()
        except (TransportError, HostError) as error:
            return error
        return None

    def _pause(self, signals: Signals, clock: Clock) -> None:
        """Wait, but not once the run has ended, nor after this machine slept."""
        naps, until = Naps(clock), clock.monotonic() + self._pause_s
        while clock.monotonic() < until and not signals.closing.is_set():
            if signals.followed.wait(0.2) or naps.woke():
                return


def pause_s(tries: int) -> float:
    """Say how long to wait after so many failures."""
    return PAUSES_S[min(tries, len(PAUSES_S)) - 1] if tries else PAUSES_S[0]
