"""From what a stage really printed to what people read.

The raw log is whatever came. The published one holds whole lines only, with secrets
blotted, progress bars at their last state, and an end to its size.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

MOST_BYTES = 20_000_000  # of one stage's published log; the raw one on the box is whole
_MOST_LINE = 10_000
_BLOCK = 1 << 20
_TICK = re.compile(
    rb"::progress\s+(?P<done>[\d.]+)\s*/\s*(?P<total>[\d.]+)(?P<rest>.*)"
)
_NUMBER = re.compile(
    rb"([A-Za-z_][\w.-]*)="
    rb"([-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|(?:nan|inf)(?![A-Za-z])))"
)
_SECRET_NAME = re.compile(
    r"(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL)",
    re.IGNORECASE,
)
_SECRET_SHAPES = re.compile(
    rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    rb"|\bgh[pousr]_[A-Za-z0-9]{30,}\b"
    rb"|\bhf_[A-Za-z0-9]{30,}\b"
    rb"|\bsk-[A-Za-z0-9_-]{30,}\b"
)
_SHORTEST_SECRET = 8  # shorter values are words like "true", and would blot the log
BLOT = b"***"

Tick = tuple[float, float, dict[str, float]]


def secret_values(environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """Give the values that must not be shown, longest first.

    A key of many lines is one value per line, as a log is read.
    """
    values = {
        line.strip().encode("utf-8", "surrogateescape")
        for name, value in environment.items()
        if _SECRET_NAME.search(name)
        for line in re.split(r"[\r\n]+", value)
        if len(line.strip()) >= _SHORTEST_SECRET
    }
    return tuple(sorted(values, key=len, reverse=True))


def blot(line: bytes, secrets: tuple[bytes, ...]) -> bytes:
    """Put out what looks like a secret."""
    for secret in secrets:
        line = line.replace(secret, BLOT)
    return _SECRET_SHAPES.sub(BLOT, line)


def printable(text: str) -> str:
    """Leave out what would move a cursor or ring a bell where a line is shown."""
    return "".join(sign for sign in text if sign.isprintable())


def last_state(line: bytes) -> bytes:
    r"""Give what a terminal would show of a line drawn again and again with `\r`."""
    states = [part for part in line.rstrip(b"\r").split(b"\r") if part.strip()]
    return states[-1] if states else b""


def parse_tick(line: bytes) -> Tick | None:
    """Read `::progress 3/20 loss=0.4`."""
    found = _TICK.match(line.strip())
    if found is None:
        return None
    try:
        done, total = float(found["done"]), float(found["total"])
        numbers = {k.decode(): float(v) for k, v in _NUMBER.findall(found["rest"])}
    except ValueError:
        return None
    return done, total, numbers


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
        self.last_line = ""

    def pump(self) -> int:
        """Publish what came since; give the number of bytes read."""
        block = os.read(self._raw, _BLOCK)
        if not block:
            return 0
        whole, newline, rest = (self._rest + block).rpartition(b"\n")
        # A line without an end (a progress bar, a binary) must not grow for ever.
        # It is blotted first: half a secret would not be known for one any more.
        if len(rest) > _BLOCK:
            rest = blot(rest, self._secrets)[-_BLOCK:]
        self._rest = rest
        if newline:
            self._publish(whole.split(b"\n"))
        return len(block)

    def close(self) -> None:
        """Publish what is left, the last unfinished line too.

        What is printed from now on is nobody's; of what would not be shown anyway, only
        the end is read.
        """
        end = os.fstat(self._raw).st_size
        at = os.lseek(self._raw, 0, os.SEEK_CUR)
        if end - at > MOST_BYTES:
            at = os.lseek(self._raw, end - _BLOCK, os.SEEK_SET)
        while at < end and (read := self.pump()):
            at += read
        if self._rest:
            self._publish([self._rest])
        os.close(self._raw)
        os.close(self._published)

    def _publish(self, lines: list[bytes]) -> None:
        told = [shown for line in lines if (shown := self._shown(line)) is not None]
        if not told:
            return
        self.last_line = printable(told[-1].decode("utf-8", "replace"))
        if self._room <= 0:
            return
        text = b"\n".join(told) + b"\n"
        if len(text) > self._room:
            text = text[: self._room].rpartition(b"\n")[0]
            text += b"\n... the log goes on in raw/ on the box\n"
            self._room = 0
        self._room -= len(text)
        self._unwritten = (self._unwritten + text)[-_BLOCK:]
        self._write()

    def _write(self) -> None:
        """Write what is published; a disk that is full for a while ends no stage."""
        with contextlib.suppress(OSError):
            while self._unwritten:
                written = os.write(self._published, self._unwritten)
                self._unwritten = self._unwritten[written:]

    def _shown(self, line: bytes) -> bytes | None:
        if (tick := parse_tick(line)) is not None:
            self._on_tick(tick)
            return None
        state = last_state(line).replace(b"\0", b"")
        shown = blot(state, self._secrets)[:_MOST_LINE]
        return shown.decode("utf-8", "replace").encode()
