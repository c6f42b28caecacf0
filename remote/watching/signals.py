"""What the threads of one session tell each other, and what they have to say."""

from __future__ import annotations

from dataclasses import field
from threading import Event

from pipeline.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Signals:
    """Each is set by one thread and waited for by another.

    closing: the user looks away. over: the run had ended before anything was read, so
    what is brought from then on is all. followed: the stream came to the run's end.
    caught_up: all that was there at the first look is here. moved, sealed: there is
    something to bring home.
    """

    closing: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)
    followed: Event = field(default_factory=Event)
    caught_up: Event = field(default_factory=Event)
    moved: Event = field(default_factory=Event)
    sealed: Event = field(default_factory=Event)

    def ask_for_all(self) -> None:
        """Ask for everything that may lie on the box."""
        self.moved.set()
        self.sealed.set()

    def close(self) -> None:
        """Let every thread end."""
        self.closing.set()
        self.ask_for_all()

    def end(self) -> None:
        """Say that nothing more will be told, so that what is brought now is the last.

        Said first, and asked for then: see `Errand`.
        """
        self.followed.set()
        self.ask_for_all()


class Notes:
    """A line of each who has something to say, for as long as it is true."""

    def __init__(self) -> None:
        """Begin with nothing to say."""
        self._said: dict[str, str] = {}

    def say(self, who: str, text: str) -> None:
        """Say a line; what was said last is the last of `all`."""
        self._said.pop(who, None)
        self._said[who] = text

    def drop(self, who: str) -> None:
        """It is not true any more."""
        self._said.pop(who, None)

    def all(self) -> tuple[str, ...]:
        """Give what is to be said now, the latest last."""
        return tuple(self._said.values())
