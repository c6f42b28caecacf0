"""One process of tests, from its start to its end, by itself or by us.

It tells of each file that it imports and each test that it begins. What it was at when
it ended before its time is known by that.
"""

from __future__ import annotations

import contextlib
import json
import signal
from typing import TYPE_CHECKING, Any

from pipeline.errors import HostError
from pipeline.frozen import dataclass
from pipeline.supervise import run_told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.clock import Clock

# An import may take its time; a test has its own limit.
_IMPORT_S = 120.0
_TAIL = 2000  # characters of what was printed last
Said = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to start, where, and how long it may be at one thing."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    log: Path
    limit_s: float


class Worker:
    """A process that runs tests."""

    def __init__(
        self, order: Order, clock: Clock, hear: Callable[[Said], None]
    ) -> None:
        """Start nothing yet."""
        self._order, self._clock, self._hear = order, clock, hear
        self._rest = b""
        self._last = clock.monotonic()
        self.code = 0
        self._is_late = False
        self.at = ""  # the file it imports, or the test it runs
        self.is_unwanted = False

    def run(self) -> None:
        """Run to the end, and hear all that is told; nothing of it lives on."""
        order = self._order
        self._last = self._clock.monotonic()
        try:
            self.code = run_told(
                order.argv,
                cwd=order.cwd,
                environment=order.environment,
                hear=self._take,
                is_stopping=self._is_over,
            )
        except OSError as error:
            message = f"{order.argv[0]} cannot be started: {error.strerror}"
            raise HostError(message) from error

    @property
    def is_at_test(self) -> bool:
        """Tell whether it runs a test, and does not import one."""
        return "::" in self.at

    @property
    def end(self) -> str:
        """Say in a few words how it ended."""
        if self._is_late:
            return f"no end after {self._limit_s:g} s"
        if self.code > 128:
            with contextlib.suppress(ValueError):
                name = signal.Signals(self.code - 128).name
                return f"ended its process by {name}"
        return f"ended its process with code {self.code}"

    @property
    def printed(self) -> str:
        """The last of what it printed outside of any test."""
        try:
            text = self._order.log.read_bytes()[-_TAIL:]
        except OSError:
            return ""
        return text.decode("utf-8", "replace").strip()

    @property
    def _limit_s(self) -> float:
        limit = self._order.limit_s
        return limit if self.is_at_test else max(limit, _IMPORT_S)

    def _is_over(self) -> bool:
        self._is_late = self._clock.monotonic() - self._last > self._limit_s
        return self._is_late or self.is_unwanted

    def _take(self, block: bytes) -> None:
        if not block:
            return
        self._last = self._clock.monotonic()
        *lines, self._rest = (self._rest + block).split(b"\n")
        for line in lines:
            try:
                said = json.loads(line)
            except ValueError:  # what Python itself prints before we take its stdout
                continue
            if "importing" in said or "begun" in said:
                self.at = said.get("importing") or said["begun"]
            elif "collected" in said or "kind" in said:
                self.at = ""
            self._hear(said)
