"""Git commands that are fed, or drained, piece by piece: nothing is held whole.

Whoever stops in the middle, for whatever reason, leaves no command behind.
"""

from __future__ import annotations

import contextlib
import tempfile
from typing import IO, TYPE_CHECKING

from pipeline.git import Git, Said, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

PIECE = 1 << 16


def feed(git: Git, args: Sequence[str], pieces: Iterable[bytes]) -> bytes:
    """Run a command on what `pieces` gives, and give its (short) answer.

    An error raised by `pieces` kills the command before it comes through.
    """
    with _running(git, args) as (asked, answered):
        # A command that died early says why when it is waited for.
        with contextlib.suppress(BrokenPipeError):
            for piece in pieces:
                asked.write(piece)
        with contextlib.suppress(BrokenPipeError):
            asked.close()
        return answered.read()


def drain(git: Git, args: Sequence[str], asking: bytes) -> Iterator[bytes]:
    """Run a command and give its output as it comes.

    The last piece is good only when the iterator ended without an error.
    """
    with _running(git, args) as (asked, answered):
        with contextlib.suppress(BrokenPipeError):
            asked.write(asking)
        with contextlib.suppress(BrokenPipeError):
            asked.close()
        while piece := answered.read(PIECE):
            yield piece


@contextlib.contextmanager
def _running(git: Git, args: Sequence[str]) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Run a command while the block lasts; if it failed, say so at the end."""
    with tempfile.TemporaryFile() as complaints:
        process = git.spawn(*args, err=complaints)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdin, process.stdout
            code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.stdout.close()
            process.wait()
        if code:
            complaints.seek(0)
            raise refusal(args, Said(code, b"", complaints.read()))
