"""How far a data set is: a line that is drawn again and again, or one now and then."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from pipeline.clock import SystemClock, spoken
from pipeline.pulse import size
from pipeline.views.tame import tame

if TYPE_CHECKING:
    from typing import TextIO

_DRAW_EVERY_S = 0.2
_SAY_EVERY_S = 30.0  # where nobody looks at a terminal, but perhaps at a log
_SLOW_S = 2.0  # before that a rate says nothing
_CLOCK = SystemClock()


class Meter:
    """Tells on stderr what is going on, and how much of it is done."""

    def __init__(self, act: str, name: str, total: int, err: TextIO | None) -> None:
        """Begin with nothing of `total` bytes; without `err`, tell nobody."""
        self.done = 0
        self._what = f"{act} {name}"
        self._total = total
        self._err = err
        self._is_drawn = err is not None and err.isatty()
        self._began = _CLOCK.monotonic()
        self._said_at = self._began

    def add(self, count: int, at: str = "") -> None:
        """Count bytes; `at` is the file they belong to."""
        self.show(self.done + count, self._total, at)

    def show(self, done: int, total: int, at: str = "") -> None:
        """Say how far it is."""
        self.done, self._total = done, total
        every_s = _DRAW_EVERY_S if self._is_drawn else _SAY_EVERY_S
        now = _CLOCK.monotonic()
        if self._err is None or now - self._said_at < every_s:
            return
        self._said_at = now
        line = f"{self.text(now - self._began)}  {tame(at)}".rstrip()
        if self._is_drawn:
            width = shutil.get_terminal_size().columns - 1
            self._err.write(f"\r\x1b[K{line[:width]}")
        else:
            self._err.write(f"{line}\n")
        self._err.flush()

    def text(self, took_s: float) -> str:
        """Give the line: what, how much, how fast, how long still."""
        said = f"{self._what}: {size(self.done)} of {size(self._total)}"
        if took_s < _SLOW_S or not self.done:
            return said
        rate = self.done / took_s
        left = spoken(max(self._total - self.done, 0) / rate)
        return f"{said}, {size(rate)}/s, {left} left"

    def end(self) -> float:
        """Take the line away; give how long it took, in seconds."""
        if self._err is not None and self._is_drawn:
            self._err.write("\r\x1b[K")
            self._err.flush()
        return _CLOCK.monotonic() - self._began
