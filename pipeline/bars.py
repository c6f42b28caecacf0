r"""Progress bars: lines that are drawn again and again, kept to their last state.

A bar returns to the beginning of its line (`\r`), and several of them also move up
(`ESC [ A`) and erase (`ESC [ K`, `ESC [ J`). A published log only grows; so a line
that was drawn is held back until a plain line comes below it: it might be drawn again.
What is kept is the last text of each row that was not blank: most bars wipe themselves
out at their end, and a log should say how they ended.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_ROWS = 64  # drawn at the same time; what is above them stays as it is
_BACKSPACE = 8
_MOVE = re.compile(rb"\x1b\[(\d*)(?:;\d*)*([ABEFJK])")


class Bars:
    """The rows at the end of a log that may still be drawn again."""

    def __init__(self) -> None:
        """Begin with none."""
        self._rows: list[bytes] = []
        self._at = 0

    def __len__(self) -> int:
        """Count the rows that are held back."""
        return len(self._rows)

    @property
    def live(self) -> bytes:
        """The row that was drawn last, or the nearest above it that says something."""
        above = self._rows[: self._at + 1][::-1]
        return next((row for row in above if row.strip()), b"")

    def draw(self, states: Iterable[bytes]) -> None:
        r"""Draw these one after the other, each from the beginning of the line."""
        for state in states:
            if b"\x1b" in state or b"\b" in state:
                self._draw_moving(state)
            elif state.strip():
                self._set(state)

    def end_line(self) -> list[bytes]:
        """Go down a row; give the rows that are too far up to be drawn again."""
        self._set(b"")
        self._at += 1
        return self._out(len(self._rows) - MOST_ROWS)

    def plain(self, line: bytes) -> list[bytes]:
        """Take a whole line that was not drawn; give what can go out now.

        Below all bars it ends them; among them it is written over what stands there.
        """
        if self._at >= len(self._rows):
            return [*self.end(), line]
        self._set(line)
        self._at += 1
        return []

    def end(self) -> list[bytes]:
        """Give all rows: nothing will be drawn again."""
        return self._out(len(self._rows))

    def _out(self, count: int) -> list[bytes]:
        if count <= 0:
            return []
        gone, self._rows = self._rows[:count], self._rows[count:]
        self._at = max(0, self._at - count)
        return [row for row in gone if row.strip()]

    def _set(self, text: bytes) -> None:
        while len(self._rows) <= self._at:
            self._rows.append(b"")
        if text.strip():
            self._rows[self._at] = text

    def _draw_moving(self, state: bytes) -> None:
        """Draw a state that moves up or down, or erases, in its middle."""
        text, at = b"", 0
        for move in _MOVE.finditer(state):
            text += state[at : move.start()]
            at = move.end()
            kind, count = move[2], min(int(move[1] or 0), MOST_ROWS)
            if kind in b"JK":
                text = self._erased(text, kind, count)
                continue
            self._set(without_backspaces(text))
            step = max(1, count)
            self._at += step if kind in b"BE" else -step
            self._at = min(max(self._at, 0), len(self._rows))
            text = b""
        self._set(without_backspaces(text + state[at:]))

    def _erased(self, text: bytes, kind: bytes, count: int) -> bytes:
        """Erase the line (K) or all below (J): 0 from here on, 1 up to here, 2 all."""
        if not text.strip() or count > 0:
            self._set(b"")
            self._rows[self._at] = b""
        if kind == b"J" and count != 1:
            del self._rows[self._at + 1 :]
        return b"" if count > 0 else text


def states(line: bytes) -> list[bytes]:
    r"""Split a line at its returns, and leave out the states that are blank."""
    return [state for state in line.split(b"\r") if state.strip()]


def without_backspaces(text: bytes) -> bytes:
    r"""Let each `\b` take back the letter before it, as a spinner does."""
    if b"\b" not in text:
        return text
    kept = bytearray()
    for sign in text:
        if sign != _BACKSPACE:
            kept.append(sign)
        elif kept:
            kept.pop()
    return bytes(kept)
