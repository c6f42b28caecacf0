"""Knock again, after a pause, at a box that turned us away before anything began."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from pipeline.clock import SystemClock
from pipeline.errors import TransportError
from remote.links.link import Completed, Source, late

T = TypeVar("T")

# A server with too many logins under way refuses some by chance (MaxStartups).
PAUSES_S = (0.3, 0.7, 1.5, 3.0)

_CLOCK = SystemClock()


class Unexplained(TransportError):
    """ssh failed before anything began there, and did not say why."""


class TurnedAway(Unexplained):
    """The box hung up before it greeted us: surely nothing of ours has begun there."""


def answered(
    attempt: Callable[[float], Completed],
    *,
    stdin: Source,
    name: str,
    timeout_s: float,
) -> Completed:
    """Attempt a call of host `name`, patiently where its stdin can be read again.

    Raise TransportError when no answer came in time.
    """
    try:
        if isinstance(stdin, bytes):
            return patiently(attempt, timeout_s=timeout_s)
        return attempt(timeout_s)
    except TimeoutError as error:
        raise late(name, timeout_s) from error


def patiently(attempt: Callable[[float], T], *, timeout_s: float) -> T:
    """Attempt with the seconds that are left; once more each time we were turned away.

    Raise TurnedAway with how often it was tried.
    """
    began = _CLOCK.monotonic()
    tries = 0
    while True:
        try:
            return attempt(timeout_s - (_CLOCK.monotonic() - began))
        except TurnedAway as error:
            spent_s = _CLOCK.monotonic() - began
            # Those who were turned away together must not come back together.
            pause_s = PAUSES_S[min(tries, len(PAUSES_S) - 1)] * random.uniform(0.7, 1.3)
            tries += 1
            if tries > len(PAUSES_S) or spent_s + pause_s >= timeout_s:
                said = f"{error.message} ({tries} times in {spent_s:.0f} s)"
                raise TurnedAway(said, hint=error.hint) from error
            _CLOCK.sleep(pause_s)
