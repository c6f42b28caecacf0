"""From what a stage really printed to what people read.

The raw log is whatever came. The published one holds whole lines only, with secrets
blotted, progress bars at their last state, nothing that would move a terminal, and an
end to its size.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

from pipeline.bars import Bars, states
from pipeline.secrets.blot import begun_at, blot, blot_unfinished, secret_values
from pipeline.ticks import TICK_MARK, Tick, parse_tick

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ("LogFollower", "Tick", "blot", "parse_tick", "secret_values")

MOST_BYTES = 20_000_000  # of one stage's published log; the raw one on the box is whole
_MOST_LINE = 10_000
_BLOCK = 1 << 20
_HEAD_BLOCKS = 8  # of a log that is too long at its end: so much of where it goes on
_FAR_BEHIND = 8 * _BLOCK  # then, of what is not published anyway, the end will do
_END_BYTES = 1 << 16
# Controls that are no part of a text; of the rest, \b \r and ESC are for bars.
_NOISE = bytes(n for n in (*range(32), 127) if n not in b"\a\b\t\n\r\x1b")
_RETURNS = re.compile(rb"\r+\n")
# All that would colour, set or ask something; what moves is left for the bars.
_DRESS = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@CDG-IL-~]"
    rb"|\x1b[\]PX^_][^\x07\x1b\r\n]*(?:\x07|\x1b\\)"
    rb"|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
    rb"|\x1b(?:\[[0-?]*[ -/]*)?(?=\x1b)"  # broken off by the next
)
_MOVING = re.compile(rb"\x1b\[[\d;]*[ABEFJK]|[\b\x1b]")
# The same orders in one sign each; taken out, what is around them could spell another.
_C1 = re.compile(rb"\xc2[\x80-\x9f]")
_UNKNOWN = "\ufffd".encode()


def undressed(text: bytes) -> bytes:
    """Take out what orders a terminal about, but for what bars are drawn with."""
    text = text.translate(None, _NOISE)
    if b"\x1b" in text:
        text = _DRESS.sub(b"", text)
    return text.replace(b"\a", b"")  # only now: a bell also ends a title


def shown(text: bytes, secrets: tuple[bytes, ...]) -> bytes:
    """Give lines as they may be read; `text` is undressed, and moves nothing."""
    return _bounded_lines(_blotted(text, secrets))


def _blotted(text: bytes, secrets: tuple[bytes, ...]) -> bytes:
    return blot(text if text.isascii() else _C1.sub(_UNKNOWN, text), secrets)


def _bounded_lines(text: bytes) -> bytes:
    """Cut lines that nobody would read; they are blotted by now."""
    if _has_long_line(text):
        text = b"\n".join(line[:_MOST_LINE] for line in text.split(b"\n"))
    return text if text.isascii() else text.decode("utf-8", "replace").encode()


def _has_long_line(text: bytes) -> bool:
    """Tell whether a line may be too long: it would cover half its length in one."""
    half = _MOST_LINE // 2
    starts = range(0, len(text) - half, half)
    return any(text.find(b"\n", at, at + half) < 0 for at in starts)


def printable(text: str) -> str:
    """Leave out what would move a cursor or ring a bell where a line is shown."""
    return "".join(sign for sign in text if sign.isprintable())


class LogFollower:
    """Follows one raw log and appends to the published one."""

    def __init__(
        self,
        raw: Path,
        published: Path,
        *,
        secrets: tuple[bytes, ...],
        on_tick: Callable[[Tick], None],
    ) -> None:
        """Begin at the start of `raw`, which is new; append to `published`."""
        self._raw = os.open(raw, os.O_RDONLY)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        self._published = os.open(published, flags, 0o644)
        self._room = MOST_BYTES - os.fstat(self._published).st_size
        self._unwritten = b""
        self._secrets = secrets
        self._on_tick = on_tick
        self._rest = b""
        self._bars = Bars()
        self._last = b""
        self._held = b""  # lines with what a secret may go on after
        self._end = b""  # of what there is no room for

    @property
    def last_line(self) -> str:
        """The last thing it printed, of a bar its state now."""
        tail = next(reversed(states(self._rest[-_MOST_LINE:])), b"")
        tail = _C1.sub(_UNKNOWN, _MOVING.sub(b"", tail.partition(TICK_MARK)[0]))
        line = blot_unfinished(self._held + tail, self._secrets).rpartition(b"\n")[2]
        if not line.strip():
            line = shown(self._bars.live, self._secrets) or self._last
        return printable(line.decode("utf-8", "replace"))

    def pump(self) -> int:
        """Publish what came since; give the number of bytes read."""
        if self._room <= 0:
            self._catch_up()
        block = os.read(self._raw, _BLOCK)
        if not block:
            return 0
        text = undressed(self._rest + block)
        whole, newline, rest = text.rpartition(b"\n")
        if newline:
            self._publish(self._lines_of(whole))
        self._rest = self._drawn(rest)
        # A line without an end (a binary) must not grow for ever. It is blotted first:
        # half a secret would not be known for one any more.
        if len(self._rest) > _BLOCK:
            self._rest = blot(self._rest, self._secrets)[-_BLOCK:]
        return len(block)

    def close(self) -> None:
        """Publish what is left, the last unfinished line too.

        What is printed from now on is nobody's; of what would not be shown anyway, only
        the end is read.
        """
        end = os.fstat(self._raw).st_size
        at = os.lseek(self._raw, 0, os.SEEK_CUR)
        if end - at > MOST_BYTES:
            at += sum(self.pump() for _ in range(_HEAD_BLOCKS))
            at = self._skip(at, end)
        while at < end and (read := self.pump()):
            at += read
        last = self._lines_of(self._rest) if self._rest else []
        self._rest = b""
        self._publish([*last, *map(_still, self._bars.end())], is_all=True)
        if self._end:  # most often it says why a stage ended
            _, _, whole = self._end.partition(b"\n")
            self._unwritten = b"... and ends with:\n" + (whole or self._end)
            self._write()
        os.close(self._raw)
        os.close(self._published)

    def _catch_up(self) -> None:
        """Leave out what nobody will read, so that the live state stays live."""
        end = os.fstat(self._raw).st_size
        at = os.lseek(self._raw, 0, os.SEEK_CUR)
        if end - at > _FAR_BEHIND:
            self._skip(at, end)

    def _skip(self, at: int, end: int) -> int:
        """Go on near the end, and say how much is left out."""
        near = os.lseek(self._raw, end - _BLOCK, os.SEEK_SET)
        self._rest = b""
        said = (
            f"... {(near - at) / 1e6:.0f} MB are left out here; raw/ on the box has it"
        )
        self._publish([*map(_still, self._bars.end()), said.encode()])
        return near

    def _drawn(self, rest: bytes) -> bytes:
        r"""Draw what an unfinished line has already returned from; give its rest.

        A return at the very end may be half of a line's end, `\r\n`.
        """
        at = rest.rstrip(b"\r").rfind(b"\r")
        if at < 0:
            return rest
        self._draw(rest[:at])
        return rest[at:]

    def _lines_of(self, whole: bytes) -> list[bytes]:
        """Give what may be published now of whole lines: texts of one line or more."""
        if b"\r" in whole:
            whole = _without_returns(whole).rstrip(b"\r")
        if _is_plain(whole) and TICK_MARK not in whole and not self._bars:
            return [whole]
        texts: list[bytes] = []
        for line in whole.split(b"\n"):
            texts += self._line(line)
        return texts

    def _line(self, line: bytes) -> list[bytes]:
        if not _is_plain(line):
            self._draw(line)
            return list(map(_still, self._bars.end_line()))
        if TICK_MARK in line and self._is_tick(line):
            return []
        return list(map(_still, self._bars.plain(line)))

    def _draw(self, line: bytes) -> None:
        drawn = states(line)
        if TICK_MARK in line:
            drawn = [s for s in map(self._without_tick, drawn) if s.strip()]
        if b"\x1b" not in line and b"\b" not in line:
            drawn = drawn[-1:]
        self._bars.draw(self._bounded(state) for state in drawn)

    def _bounded(self, state: bytes) -> bytes:
        """Keep a state short; it is blotted first, so that no secret is cut in two."""
        if len(state) <= _MOST_LINE:
            return state
        return blot(state, self._secrets)[:_MOST_LINE]

    def _without_tick(self, state: bytes) -> bytes:
        """Take a tick from a state; it may stand behind a bar that was not ended."""
        head, mark, tail = state.partition(TICK_MARK)
        return head if mark and self._is_tick(mark + tail) else state

    def _is_tick(self, text: bytes) -> bool:
        tick = parse_tick(text)
        if tick is not None:
            self._on_tick(tick)
        return tick is not None

    def _publish(self, texts: list[bytes], *, is_all: bool = False) -> None:
        """Blot lines and write them, but for those that a secret may go on after."""
        fresh = b"".join(text + b"\n" for text in texts)
        text = _blotted(self._held + fresh, self._secrets)
        begun = len(text) if is_all else begun_at(text, self._secrets)
        whole = len(text) if begun == len(text) else text.rfind(b"\n", 0, begun) + 1
        text, self._held = text[:whole], text[whole:]
        if not text:
            return
        text = _bounded_lines(text)
        self._last = text[:-1].rpartition(b"\n")[2]
        if len(text) > self._room:
            text, more = self._cut(text)
            self._end = (self._end + more)[-_END_BYTES:]
        if not text:
            return
        self._room -= len(text)
        self._unwritten = (self._unwritten + text)[-_BLOCK:]
        self._write()

    def _cut(self, text: bytes) -> tuple[bytes, bytes]:
        """Give what there is room for, and the rest."""
        if self._room <= 0:
            return b"", text
        head = text[: self._room].rpartition(b"\n")[0]
        self._room = 0
        more = text[len(head) + 1 :]
        return head + b"\n... the log goes on in raw/ on the box\n", more

    def _write(self) -> None:
        """Write what is published; a disk that is full for a while ends no stage."""
        with contextlib.suppress(OSError):
            while self._unwritten:
                written = os.write(self._published, self._unwritten)
                self._unwritten = self._unwritten[written:]


def _still(row: bytes) -> bytes:
    """Give a drawn row without what moved."""
    return _MOVING.sub(b"", row)


def _is_plain(text: bytes) -> bool:
    """Tell whether lines can go out as they are: none of them was drawn."""
    return not (b"\r" in text or b"\x1b" in text or b"\b" in text)


def _without_returns(text: bytes) -> bytes:
    """End lines by a newline alone."""
    if b"\r\r\n" in text:
        return _RETURNS.sub(b"\n", text)
    return text.replace(b"\r\n", b"\n")
