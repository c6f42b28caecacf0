"""Data sets outside git: told apart by content, by the look of their files, by version.

By content, each file is read once: what it hashed to is remembered on the box with its
size, times and inode, and holds as long as those do. A file that changed a moment ago
is not trusted by its times: it could change again within the same tick of the clock.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import artifact, codec, files
from pipeline.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.clock import Clock
    from pipeline.schema import Data

_YOUNG_NS = 2_000_000_000
_MOST_NAMED = 200  # files of a data set that a fingerprint names one by one
_READERS = 4  # hashing lets other threads go on
Look = tuple[int, int, int, int]  # size, modification and change time in ns, inode


def look_at(data: Data, home: Path, cache: Path, clock: Clock) -> dict[str, str]:
    """Give what stands for a data set in a fingerprint: its files, or one hash."""
    if data.by == "version":
        return {"version": data.version}
    if data.by == "stat":
        again: dict[str, str] = {}
        found = {n: f"{look[0]}:{look[1]}" for n, _, look in _looks(home, again)}
        found |= again
    else:
        found = content(home, kept_at(cache, home), clock)
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


def content(home: Path, kept: Path, clock: Clock) -> dict[str, str]:
    """Hash the files below `home`; `kept` remembers what is known of them."""
    known = _read_kept(kept)
    now_ns = int(clock.now().timestamp() * 1e9)
    found: dict[str, str] = {}
    rows: dict[str, list[object]] = {}
    unread: list[tuple[str, Path, Look]] = []
    again: dict[str, str] = {}
    for name, path, look in _looks(home, again):
        before = known.get(name)
        if before and tuple(before[:4]) == look:
            found[name] = str(before[4])
            rows[name] = before
        else:
            unread.append((name, path, look))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_READERS) as readers:
        hashes = readers.map(_hashed, [path for _, path, _ in unread])
        for (name, _, look), sha256 in zip(unread, hashes, strict=True):
            found[name] = sha256
            if max(look[1], look[2]) < now_ns - _YOUNG_NS:
                rows[name] = [*look, sha256]
    if rows != known:
        kept.parent.mkdir(parents=True, exist_ok=True)
        files.replace_text(kept, codec.dumps(rows))
    return dict(sorted({**found, **again}.items()))


def _hashed(path: Path) -> str:
    try:
        return artifact.sha256_of(path)
    except OSError as error:
        message = f"data cannot be read: {path}: {error.strerror}"
        raise HostError(
            message, hint="mend it, or take it out of the data set"
        ) from error


def kept_at(cache: Path, home: Path) -> Path:
    """Name the file that remembers the data set at `home`."""
    mark = hashlib.sha256(os.fsencode(home.absolute())).hexdigest()[:16]
    return cache / f"data-{mark}.json"


def _read_kept(kept: Path) -> dict[str, list[object]]:
    try:
        rows = json.loads(kept.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(rows, dict):
        return {}
    return {
        name: row
        for name, row in rows.items()
        if isinstance(row, list) and len(row) == 5
    }


def _looks(root: Path, again: dict[str, str]) -> Iterator[tuple[str, Path, Look]]:
    """Say how the files of a data set look; a link counts as what it points to.

    again: is told of folders that links lead to once more, perhaps in a circle, and of
    empty ones: a program that lists folders sees them too.
    """
    if root.is_file():
        yield ".", root, _look(root)
    seen: dict[tuple[int, int], str] = {}
    for place, folders, names in os.walk(root, followlinks=True):
        status = os.stat(place)  # noqa: PTH116 - a hot loop
        here = f"{Path(place).relative_to(root).as_posix()}/"
        first = seen.setdefault((status.st_dev, status.st_ino), here)
        if first != here:
            again[here] = f"the folder {first}"
            folders.clear()
            continue
        if not (folders or names or here == "./"):
            again[here] = "empty"
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            try:
                look = _look(path)
            except FileNotFoundError:  # a link that leads nowhere
                continue
            if path.is_file():
                yield path.relative_to(root).as_posix(), path, look


def _look(path: Path) -> Look:
    status = path.stat()
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
