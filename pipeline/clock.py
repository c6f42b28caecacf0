"""The only door to time.

Spans are measured by `monotonic`, which no one can set back; `now` is for people.
"""

from __future__ import annotations

import math
import time
from datetime import datetime, timezone
from typing import Protocol


class Clock(Protocol):
    """Tells time and waits; a test may bring its own."""

    def now(self) -> datetime:
        """Give the time of day, in UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds since some instant; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The real one."""

    def now(self) -> datetime:
        """Give the time of day, in UTC."""
        return datetime.now(timezone.utc)

    def monotonic(self) -> float:
        """Give seconds since some instant; only differences mean anything."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def stamp(moment: datetime) -> str:
    """Write a time of day as the project writes it everywhere."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(text: str) -> datetime:
    """Read what `stamp` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def spoken(seconds: float) -> str:
    """Say a span as a person would: 4.2 s, 3 min 05 s, 2 h 07 min."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
