"""This machine, behind the contract of a link: what `--host local` means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from pathlib import Path

from pipeline.frozen import dataclass
from remote.links.command import Process
from remote.links.flow import Framed, Opened, framed, gather
from remote.links.link import Completed, Source, Stream, late


@dataclass(frozen=True, slots=True)
class Here:
    """A Link to this machine."""

    name: str = "local"
    home: Path = field(default_factory=Path.home)

    def call(
        self, argv: Sequence[str], *, stdin: Source = b"", timeout_s: float
    ) -> Completed:
        """Run `argv` here, in the home."""
        try:
            return gather(self._begin(argv), stdin, timeout_s)
        except TimeoutError as error:
            raise late(self.name, timeout_s) from error

    def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        """Start `argv` here; its stdin stays open until the stream is closed."""
        return Opened(self._begin(argv), stdin)

    def _begin(self, argv: Sequence[str]) -> Framed:
        return Framed(Process(framed(argv), cwd=self.home), name=self.name)

    def path(self, folder: str) -> Path:
        """Give a folder of the home."""
        return self.home / folder

    def git_url(self, folder: str) -> str:
        """Give the path itself."""
        return str(self.path(folder))

    def git_env(self) -> dict[str, str]:
        """Give nothing: a path needs no ssh."""
        return {}

    def rsync_flags(self) -> list[str]:
        """Give nothing: a path needs no ssh."""
        return []

    def rsync_source(self, folder: str) -> str:
        """Give the path itself."""
        return str(self.path(folder))

    def introduce(self) -> None:
        """Know itself."""

    def heed(self, said: bytes) -> None:
        """Learn nothing: there is no connection."""

    def revive(self) -> None:
        """Do nothing: there is no connection."""

    def close(self) -> None:
        """Hold nothing, let go of nothing."""
