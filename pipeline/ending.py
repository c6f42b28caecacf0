"""How an attempt ended, and how a process did, in words. Pure."""

from __future__ import annotations

import signal
from typing import Literal

from pipeline.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt's process ended; `reason` is empty when it ended well."""

    kind: Literal["done", "failed", "timeout", "stopped"]
    reason: str
    duration_s: float


def ending_of(
    code: int, why: Literal["", "timeout", "stopped"], duration_s: float
) -> Ending:
    """Give how an attempt ended whose process ended with `code`; `why` we ended it."""
    if why == "timeout":
        return Ending(kind="timeout", reason="ran out of time", duration_s=duration_s)
    if why == "stopped":
        return Ending(kind="stopped", reason="was stopped", duration_s=duration_s)
    if code == 0:
        return Ending(kind="done", reason="", duration_s=duration_s)
    return Ending(kind="failed", reason=said_of(code), duration_s=duration_s)


def said_of(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    what = f"was killed by signal {-code} ({name})"
    # The kernel ends the largest process where memory is short, and tells nobody else.
    return f"{what}; was it out of memory?" if -code == signal.SIGKILL else what
