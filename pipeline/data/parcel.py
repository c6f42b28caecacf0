"""Files of a data set as a stream: read on one machine, taken in on another.

Each file is a head (a line of JSON), its bytes from where the other side stands, and
the sha256 of all of it; a link and an empty folder are a head alone. The last head says
the end: without it the stream was cut. `intake` reads what is written here.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.data.contents import unreadable
from pipeline.data.holding import WHOLE
from pipeline.errors import HostError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 1 << 20
_TOGETHER = 1 << 18  # small files go in one piece


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to travel.

    files: size, modification time in ns, and how much of it the other side has.
    """

    files: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many bytes will travel."""
        return sum(size - start for size, _, start in self.files.values())


class Giver:
    """Reads the files of one home into a stream."""

    def __init__(self, home: Path, told: Callable[[int, str], None]) -> None:
        """Read below `home`; `told` hears of each block how large it was, and whose."""
        self.hashes: dict[str, str] = {}
        self.missed: list[str] = []
        self._top = os.fspath(home)
        self._told = told

    def give(self, wanted: Wanted) -> Iterator[bytes]:
        """Yield the stream. A file that is gone meanwhile is left out, and `missed`."""
        for name in wanted.folders:
            yield _head({"folder": name})
        together = bytearray()
        for name, (size, mtime_ns, start) in wanted.files.items():
            for piece in self._file(name, (size, mtime_ns), start):
                together += piece
                if len(together) >= _TOGETHER:
                    yield bytes(together)
                    together.clear()
        for name, target in wanted.links.items():
            together += _head({"link": name, "to": target})
        yield bytes(together) + _head({"end": True})

    def _file(self, name: str, look: tuple[int, int], start: int) -> Iterator[bytes]:
        path = self._top if name == WHOLE else f"{self._top}/{name}"
        flags = os.O_RDONLY | (0 if name == WHOLE else os.O_NOFOLLOW)
        try:
            opened = os.open(path, flags)
        except FileNotFoundError:
            self.missed.append(name)
            return
        except OSError as error:
            raise unreadable(path, error) from error
        try:
            status = os.fstat(opened)
            now = (status.st_size, status.st_mtime_ns)
            start = start if now == look else 0
            yield _head({"file": name, "size": now[0], "at": now[1], "from": start})
            digest, left = hashlib.sha256(), now[0]
            while left:
                block = os.read(opened, min(BLOCK, left))
                if not block:
                    message = f"data changed while it was sent: {path}"
                    raise HostError(message, hint="do it again")
                digest.update(block)
                done = now[0] - left
                left -= len(block)
                if done + len(block) > start:
                    fresh = block[max(start - done, 0) :]
                    self._told(len(fresh), name)
                    yield fresh
        finally:
            os.close(opened)
        self.hashes[name] = digest.hexdigest()
        yield digest.digest()


def _head(said: dict[str, object]) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"
