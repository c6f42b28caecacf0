"""How long a silent line is believed in.

A box says something every five seconds. A line that is silent for longer, or that was
there before this machine slept, may be dead, and its own keepalive takes up to twenty
seconds to find that out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from remote.watching.naps import Naps

if TYPE_CHECKING:
    from pipeline.clock import Clock

Doubt = Literal["", "ask", "leave"]

_FIRST_WORD_S = 3.0  # then the connection is asked for, which may be an old, dead one
_LONGER_S = 5.0  # what a first word may take more: a program starts on a busy box
_QUIET_S = 7.0
_CROWDED_S = 15.0  # a slow line that carries much lets a word wait
_MOST_S = 60.0


class Trust:
    """Of one stream at a time; it grows where doubt was for nothing."""

    def __init__(self, clock: Clock) -> None:
        """Begin with the first stream."""
        self._clock = clock
        self._naps = Naps(clock)
        self._patience_s = _QUIET_S
        self.begin()

    def begin(self) -> None:
        """A fresh stream was asked for; nothing was heard of it."""
        self._naps.woke()
        self._since = self._clock.monotonic()
        self._has_heard = self._was_asked = self._has_slept = False

    def heard(self) -> None:
        """Something came; after a sleep it may be no more than what lay in a buffer."""
        self._since = self._clock.monotonic()
        self._has_heard = True
        self._has_slept = self._has_slept or self._naps.woke()
        self._patience_s = _QUIET_S

    def woke(self) -> bool:
        """Tell whether this machine slept since this or `doubt` was last asked."""
        return self._naps.woke()

    def doubt(self, *, is_crowded: bool = False) -> Doubt:
        """Say what to do now: nothing, ask for the connection, or leave this stream.

        is_crowded: much else comes over the same line, so silence says less.
        """
        if self.woke() or self._has_slept:
            return "leave"
        silent_s = self._clock.monotonic() - self._since
        is_late = not self._has_heard and silent_s > _FIRST_WORD_S
        if is_late and not self._was_asked and not is_crowded:
            self._was_asked = True
            return "ask"
        limit_s = self._patience_s + (0.0 if self._has_heard else _LONGER_S)
        if silent_s <= limit_s + (_CROWDED_S if is_crowded else 0.0):
            return ""
        # A box that is only slow must come to its word at last.
        self._patience_s = min(2 * self._patience_s, _MOST_S)
        return "leave"
