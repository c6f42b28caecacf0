"""What laptop and box say to each other: requests, answers, and the frames of `follow`.

A request comes on stdin, its length on a line and then its JSON, so that no value of a
user's ever is part of a command line, and what follows it is left for others to read.
An answer is one line of JSON on stdout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeVar

from pipeline import codec
from pipeline.decision import Planned
from pipeline.errors import HostError, IntegrityError
from pipeline.frozen import dataclass
from pipeline.schema import Resolved

if TYPE_CHECKING:
    from collections.abc import Iterator

FrameKind = Literal["grow", "beat", "stamp", "runner", "still", "end"]
T = TypeVar("T")
_MOST_HEAD = 1 << 16
_MOST_BODY = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """`begin`: the run to make and launch; a pack of git objects follows the line.

    unless_sealed: decide first, and make none where one run holds all stages already.
    """

    plan: Resolved
    unless_sealed: bool = False
    object_format: str = "sha1"
    shallow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """`plan`: what a run would do, of a snapshot that is not there and need not be.

    listing: the snapshot's files. env_files: those that its environment is made of, by
    path from the folder of pipeline.yaml, in base64. run: compare with its seals.
    """

    plan: Resolved
    listing: Mapping[str, str] = field(default_factory=dict)
    env_files: Mapping[str, str] = field(default_factory=dict)
    run: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the box answers to a request.

    error: why it refused, empty when it did as asked. need: what the laptop should send
    along the next time ("objects"). lives: whether a runner holds the run. planned:
    what a run would do. is_done: nothing is left of the run to do; `mended` files of it
    were put back.
    """

    error: str = ""
    hint: str = ""
    need: str = ""
    lives: bool = False
    folder: str = ""
    planned: Planned | None = None
    is_done: bool = False
    mended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Have:
    """How much of a growing file the laptop has: its size, and the crc of its end."""

    size: int
    crc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """`follow`: what the laptop has already, by path below results/."""

    have: Mapping[str, Have] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrying:
    """`carry`: which files of a folder to send as a tar stream.

    have: size and modification time (seconds) of what the laptop holds already.
    """

    folder: Literal["results", "artifacts"]
    include: tuple[str, ...]
    max_file: int = -1
    below: str = ""
    have: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One piece of the stream.

    grow: bytes of a growing file, from `at`; `fresh` when the file is to be begun anew.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """`gc`: what is asked. Negative numbers say nothing; `runs` are named in full."""

    is_meant: bool = False
    keep: int = -1
    keep_days: float = -1.0
    runs: tuple[str, ...] = ()


Request = Beginning | Planning | Following | Carrying | Clearing


def encode_request(request: Request) -> bytes:
    """Write a request: its length on a line of its own, then its JSON."""
    text = codec.dumps(request).encode()
    return f"{len(text)}\n".encode() + text


def read_request(kind: type[T], stdin: BinaryIO) -> T:
    """Read a request and not a byte further; `stdin` has no buffer of its own."""
    size = b""
    while not size.endswith(b"\n"):
        size += _exactly(stdin, 1)
    if not size.strip().isdigit() or int(size) > _MOST_BODY:
        message = f"the request does not begin with its length: {size[:20]!r}"
        raise HostError(message)
    return codec.loads(kind, _exactly(stdin, int(size)), what="the request")


def _exactly(stdin: BinaryIO, count: int) -> bytes:
    data = b""
    while len(data) < count:
        block = stdin.read(count - len(data))
        if not block:
            message = "the request ended in the middle"
            raise HostError(message)
        data += block
    return data


def find_answer(said: bytes) -> Answer | None:
    """Find the answer among lines: the last; what others print before it is theirs."""
    for line in reversed(said.splitlines()):
        try:
            return codec.loads(Answer, line, what="the answer")
        except IntegrityError:
            continue
    return None


def encode_frame(frame: Frame) -> bytes:
    """Write a frame: a line of JSON, then its body."""
    head: dict[str, object] = {"k": frame.kind, "n": len(frame.body)}
    if frame.kind == "grow":
        head |= {"path": frame.path, "at": frame.at, "fresh": frame.fresh}
    if frame.kind == "runner":
        head["lives"] = frame.lives
    if frame.kind == "stamp":
        head["stamp"] = frame.stamp
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + frame.body


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
            yield _frame(head, body)

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


def _frame(head: Mapping[str, object], body: bytes) -> Frame:
    kind = head.get("k")
    # A kind of a newer box says only what this laptop cannot know; the link is up.
    known = kind if kind in ("grow", "beat", "stamp", "runner", "end") else "still"
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
