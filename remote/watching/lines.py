"""What a verb on a box says line by line, while it works."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pipeline import codec
from pipeline.clock import spoken
from pipeline.errors import HostError, IntegrityError, TransportError
from remote.links.soon import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from remote.far import Far
    from remote.links.link import Stream

T = TypeVar("T")
# A verb that works says so, but while git packs or a large folder goes. A link that
# is broken is noticed much sooner by itself.
_PATIENCE_S = 1800.0
_MOST = 1 << 26


def lines(far: Far, begin: Callable[[], Stream], kind: type[T]) -> Iterator[T]:
    """Yield the lines as they come; the runner.pyz is sent first where it is missing.

    Raise HostError when the box refused, TransportError when the line broke: then what
    came before is not all.
    """
    stream = begin()
    try:
        try:
            first = _first_word(far, stream)
        except TransportError:
            # It was over a connection that had died: nothing came, so nothing is lost.
            stream.close()
            stream = begin()
            first = b""
        yield from _read(stream, kind, first)
    finally:
        stream.close()
    if far.lacks_runner(stream.code, stream.err):
        far.upload()
        stream = begin()
        try:
            yield from _read(stream, kind)
        finally:
            stream.close()
    if stream.code:
        said = stream.err.decode("utf-8", "replace").strip()[-1000:]
        message = f"host {far.link.name!r}: the command ended in {stream.code}"
        raise far.refusal(stream.err) or HostError(message, hint=said)


def _first_word(far: Far, stream: Stream) -> bytes:
    """Wait for what comes first; where that is late, make sure of the connection."""
    first = stream.read(SOON_S)
    if first is None:
        far.link.revive()
        first = stream.read(SOON_S)
    return first or b""


def _read(stream: Stream, kind: type[T], first: bytes = b"") -> Iterator[T]:
    rest, data = b"", first or stream.read(_PATIENCE_S)
    while data:
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            said = parse(kind, line)
            if said is not None:
                yield said
        if len(rest) > _MOST:
            message = "the box sent a line without an end"
            raise HostError(message)
        data = stream.read(_PATIENCE_S)
    if data is None:
        message = f"the box said nothing for {spoken(_PATIENCE_S)}"
        raise TransportError(message, hint="nothing was changed here; do it again")


def parse(kind: type[T], line: bytes) -> T | None:
    """Read one line; what a login script printed is nobody's."""
    try:
        return codec.loads(kind, line, what="a line of the box")
    except IntegrityError:
        return None
