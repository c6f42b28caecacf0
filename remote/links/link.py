"""The link to a place where runs live: call a command there, or stream what it says.

Three implementations keep this contract, and the same tests run over all of them: this
machine (`here`), the OpenSSH client (`openssh`), and fabric (`lasting`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO, Protocol

from pipeline.errors import TransportError
from pipeline.frozen import dataclass

Source = bytes | BinaryIO | Iterable[bytes]


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command answered. A code above 128 says which signal killed it."""

    code: int
    out: bytes
    err: bytes


class Stream(Protocol):
    """A command whose output is read as it comes; one thread at a time."""

    @property
    def code(self) -> int:
        """How it ended; only after `read` gave its last."""
        ...

    @property
    def err(self) -> bytes:
        """What it said on stderr so far."""
        ...

    def read(self, timeout_s: float) -> bytes | None:
        """Give some bytes, b"" at the end, or None when nothing came in time.

        Raise TransportError when the connection broke: the end was not seen. Raise
        HostError when the far side refused, or could not run commands at all.
        """
        ...

    def close(self) -> None:
        """End the command by closing its stdin; what it still says is thrown away."""
        ...


class Link(Protocol):
    """A place where runs live: this machine, or a box behind SSH.

    Commands are argument lists; no shell ever reads a word of them. They start in the
    home of whoever the box knows us as, so relative paths are relative to that.
    """

    @property
    def name(self) -> str:
        """What messages call it: host 'ec2'."""
        ...

    def call(
        self, argv: Sequence[str], *, stdin: Source = b"", timeout_s: float
    ) -> Completed:
        """Run `argv` there and wait for it; give whatever it answered.

        Raise TransportError if it may not have run at all, if the connection broke, or
        if the answer did not come in time: it may then still be running. Raise
        HostError if the far side answered and refused. To the command, a connection
        that broke looks like the end of its stdin: what it received it must check.
        """
        ...

    def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        """Start `argv` there; its stdin stays open until the stream is closed.

        Raise as `read` does; but it may be the first `read` that knows.
        """
        ...

    def git_url(self, folder: str) -> str:
        """Give what git calls a repository there."""
        ...

    def git_env(self) -> dict[str, str]:
        """Give the environment in which git reaches `git_url` as we do.

        Raise as `call` does: it may be the first to connect.
        """
        ...

    def rsync_flags(self) -> list[str]:
        """Give the flags with which rsync reaches `rsync_source` as we do.

        Raise as `call` does: it may be the first to connect.
        """
        ...

    def rsync_source(self, folder: str) -> str:
        """Give what rsync calls a folder there."""
        ...

    def introduce(self) -> None:
        """Have a person accept the box's host key, where it is not known here yet.

        The first use does the same; this is for whoever wants it done before, and in
        this thread. Raise as `call` does.
        """
        ...

    def heed(self, said: bytes) -> None:
        """Learn from what git or rsync said while they reached the place as we do."""
        ...

    def revive(self) -> None:
        """Make sure of the connection: one that does not answer at once is dropped.

        For the moment after a sleep, or at a new address. Who waits on a dead one hears
        that it broke, and the next use connects anew: seconds earlier than the
        connection itself would notice. Raises nothing.
        """
        ...

    def close(self) -> None:
        """Let go of what this process holds; a closed link opens again when used."""
        ...


def broken(name: str) -> TransportError:
    """Say that the connection was there, and is no more."""
    return TransportError(f"host {name!r}: the connection broke")


def late(name: str, timeout_s: float) -> TransportError:
    """Say that nothing was heard in time."""
    return TransportError(f"host {name!r}: no answer in {timeout_s:g} s")
