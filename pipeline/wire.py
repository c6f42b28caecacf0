"""What laptop and box say to each other: requests, and the answers to them.

A request comes on stdin, its length on a line and then its JSON, so that no value of a
user's ever is part of a command line, and what follows it is left for others to read.
An answer is one line of JSON on stdout; the stream of `follow` is in `frames`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeVar

from pipeline import codec
from pipeline.decision import Planned
from pipeline.errors import HostError, IntegrityError
from pipeline.frozen import dataclass
from pipeline.schema import Resolved

T = TypeVar("T")
_MOST = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """`begin`: the run to make and launch; a pack of git objects follows the line.

    unless_sealed: decide first, and make none where one run holds all stages already.
    secrets: values by name, which are written nowhere.
    """

    plan: Resolved
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    unless_sealed: bool = False
    object_format: str = "sha1"
    shallow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resuming:
    """`resume`: values of secrets by name; one who sends no request has none."""

    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


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
    along the next time ("objects", or the `secrets` of these names). lives: whether a
    runner holds the run. planned: what a run would do. is_done: nothing is left of the
    run to do; `mended` files of it were put back.
    """

    error: str = ""
    hint: str = ""
    need: str = ""
    lives: bool = False
    folder: str = ""
    planned: Planned | None = None
    is_done: bool = False
    mended: int = 0
    secrets: tuple[str, ...] = ()


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

    have: size and modification time (seconds) of what the laptop holds already. names:
    these files alone, by their paths below `below`; the laptop holds as many bytes of
    them as `at` says, and gets the rest.
    """

    folder: Literal["results", "artifacts"]
    include: tuple[str, ...]
    max_file: int = -1
    below: str = ""
    have: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    at: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """`gc`: what is asked. Negative numbers say nothing; `runs` are named in full."""

    is_meant: bool = False
    keep: int = -1
    keep_days: float = -1.0
    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """`runs`: which runs to tell of; those whose name holds `wanted` come with a plan.

    everywhere: of all projects of this user, not of the one asked for alone.
    """

    everywhere: bool = False
    wanted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A run that lies on a box: a line of what `runs` answers.

    size: of its folder, or -1 where adding it up took too long. said: what it waits
    for, or why it ended so. error: why its plan could not be read.
    """

    run: str
    project: str
    name: str = ""
    state: str = ""
    lives: bool = False
    exit_code: int | None = None
    said: str = ""
    started_at: str = ""
    last_at: str = ""
    sealed: int = 0
    stages: int = 0
    size: int = -1
    is_dirty: bool = False
    plan: Resolved | None = None
    error: str = ""
    hint: str = ""


if TYPE_CHECKING:  # who sends none of data sets need not load what they are made of
    from pipeline.data.tending import Tending

    Common = Beginning | Resuming | Planning | Following | Carrying
    Request = Common | Clearing | Asking | Tending


def encode_request(request: Request) -> bytes:
    """Write a request: its length on a line of its own, then its JSON."""
    text = codec.dumps(request).encode()
    return f"{len(text)}\n".encode() + text


def read_request(kind: type[T], stdin: BinaryIO, *, begun: bytes = b"") -> T:
    """Read a request and not a byte further; `stdin` has no buffer of its own."""
    size = begun
    while not size.endswith(b"\n"):
        size += _exactly(stdin, 1)
    if not size.strip().isdigit() or int(size) > _MOST:
        message = f"the request does not begin with its length: {size[:20]!r}"
        raise HostError(message)
    return codec.loads(kind, _exactly(stdin, int(size)), what="the request")


def read_resuming(stdin: BinaryIO) -> Resuming:
    """Read what `resume` may be given; older laptops, and boxes, close it at once."""
    first = stdin.read(1)
    return read_request(Resuming, stdin, begun=first) if first else Resuming()


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
