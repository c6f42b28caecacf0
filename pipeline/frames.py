"""The stream of `follow`: frames, each a line of JSON and the bytes it tells of."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Literal, get_args

from pipeline.errors import IntegrityError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FrameKind = Literal["over", "grow", "beat", "stamp", "runner", "still", "end"]
_KINDS = frozenset(get_args(FrameKind))
_MOST_HEAD = 1 << 16
_MOST_BODY = 1 << 24
_WORTH_PACKING = 1 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One piece of the stream.

    over: the run had ended before anything was looked at, so that what is fetched from
    now on is all there will be. grow: bytes of a growing file, from `at`; `fresh` when
    the file is to be begun anew.
    beat: HEARTBEAT.txt. stamp: the look of the results tree. runner: whether one lives.
    still: nothing new, the link is up. end: the run ended and all was sent.
    """

    kind: FrameKind
    path: str = ""
    at: int = 0
    fresh: bool = False
    lives: bool = False
    stamp: str = ""
    body: bytes = b""


def encode_frame(frame: Frame) -> bytes:
    """Write a frame: a line of JSON, then its body, packed where it is long.

    A story shrinks to a tenth: over a far line it is the bytes that take the time.
    """
    is_packed = len(frame.body) >= _WORTH_PACKING
    body = zlib.compress(frame.body, 1) if is_packed else frame.body
    head: dict[str, object] = {"k": frame.kind, "n": len(body)}
    if is_packed:
        head["z"] = True
    if frame.kind == "grow":
        head |= {"path": frame.path, "at": frame.at, "fresh": frame.fresh}
    if frame.kind == "runner":
        head["lives"] = frame.lives
    if frame.kind == "stamp":
        head["stamp"] = frame.stamp
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + body


class FrameReader:
    """Puts frames together from bytes that come in any pieces."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._buffer = b""
        self._head: dict[str, object] | None = None

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take some bytes; yield the frames that are whole now."""
        self._buffer += data
        while True:
            if self._head is None and not self._take_head():
                return
            assert self._head is not None
            size = _number(self._head, "n")
            if len(self._buffer) < size:
                return
            body, self._buffer = self._buffer[:size], self._buffer[size:]
            head, self._head = self._head, None
            yield _frame(head, _unpacked(body) if head.get("z") else body)

    def _take_head(self) -> bool:
        line, newline, rest = self._buffer.partition(b"\n")
        if not newline:
            if len(self._buffer) > _MOST_HEAD:
                raise _foreign(line)
            return False
        try:
            head = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _foreign(line) from error
        if not isinstance(head, dict) or not 0 <= _number(head, "n") <= _MOST_BODY:
            raise _foreign(line)
        self._head, self._buffer = head, rest
        return True


def _unpacked(body: bytes) -> bytes:
    """Give what was packed; never more than a frame may hold, whatever it claims."""
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(body, _MOST_BODY)
    except zlib.error as error:
        raise _foreign(body) from error
    if not unpacking.eof:
        raise _foreign(body)
    return found


def _frame(head: Mapping[str, object], body: bytes) -> Frame:
    kind = head.get("k")
    # A kind of a newer box says only what this laptop cannot know; the link is up.
    known = kind if kind in _KINDS else "still"
    return Frame(
        kind=known,  # type: ignore[arg-type]  # checked on the line above
        path=str(head.get("path", "")),
        at=_number(head, "at"),
        fresh=bool(head.get("fresh")),
        lives=bool(head.get("lives")),
        stamp=str(head.get("stamp", "")),
        body=body,
    )


def _number(head: Mapping[str, object], name: str) -> int:
    value = head.get(name, 0)
    return value if isinstance(value, int) else -1


def _foreign(line: bytes) -> IntegrityError:
    message = f"the box answered what is no frame: {line[:60]!r}"
    hint = "a login script that prints may be in the way: see ~/.bashrc on the box"
    return IntegrityError(message, hint=hint)
