"""Data sets outside git: told apart by content, by the look of their files, by version.

By content, each file is read once: what it hashed to is remembered on the box (see
`contents`). A set that takes its time says so to whoever asks for it at once.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pipeline import codec, files, pulse
from pipeline.data.contents import Contents, kept_at, looks, nobody
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.clock import Clock
    from pipeline.schema import Data

AT_ONCE = 256_000_000  # bytes that are hashed while somebody waits for a decision
_MOST_NAMED = 200  # files of a data set that a fingerprint names one by one


@dataclass(frozen=True, slots=True)
class Unhashed:
    """A data set that takes its time: `done` of `total` bytes are hashed."""

    done: int
    total: int

    def said(self, name: str) -> str:
        """Say so of the set called `name`."""
        amount = f"{pulse.size(self.done)} of {pulse.size(self.total)}"
        return f"data {name}: {amount} hashed"


def look_at(
    data: Data,
    home: Path,
    cache: Path,
    clock: Clock,
    told: Callable[[int], None] = nobody,
) -> dict[str, str]:
    """Give what stands for a data set in a fingerprint: its files, or one hash.

    told: hears how many bytes were read, from many threads; what it raises ends it.
    """
    if data.by == "content":
        return _short(Contents(home, kept_at(cache, home), clock).read(told), cache)
    return _short(_by_look(data, home), cache)


def at_once(
    data: Data, home: Path, cache: Path, clock: Clock
) -> dict[str, str] | Unhashed:
    """Give what stands for a data set, unless much of it must be read for that."""
    if data.by != "content":
        return _short(_by_look(data, home), cache)
    contents = Contents(home, kept_at(cache, home), clock)
    if contents.unread > AT_ONCE:
        return Unhashed(contents.total - contents.unread, contents.total)
    return _short(contents.read(), cache)


def _by_look(data: Data, home: Path) -> dict[str, str]:
    if data.by == "version":
        return {"version": data.version}
    again: dict[str, str] = {}
    found = {n: f"{look[0]}:{look[1]}" for n, _, look in looks(home, again)}
    return found | again


def _short(found: dict[str, str], cache: Path) -> dict[str, str]:
    """Put one hash in the place of many files."""
    if len(found) <= _MOST_NAMED:
        return found
    text = codec.dumps(found)
    digest = hashlib.sha256(text.encode()).hexdigest()
    place = _listed_at(cache, digest)
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        files.replace_text(place, text)
    return {f"{len(found)} files": digest}


def listed(cache: Path, digest: str) -> dict[str, str] | None:
    """Give the files behind the hash of a large data set, if they are remembered."""
    try:
        rows = json.loads(_listed_at(cache, digest).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return rows if isinstance(rows, dict) else None


def _listed_at(cache: Path, digest: str) -> Path:
    return cache / f"set-{digest[:32]}.json"
