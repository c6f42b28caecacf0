"""The files of a data set by what they hold, each read once.

What a file hashed to is remembered on this machine with its size, times and inode, and
holds as long as those do. One that changed a moment ago is not trusted by its times: it
could change again within the same tick of the clock. What is hashed so far is
remembered while the rest is read, so that whoever is stopped in the middle of a large
set goes on there.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import artifact, codec, files
from pipeline.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from pipeline.clock import Clock

INCOMING = ".pipeline-incoming"  # of a set that is being sent: no part of it yet
Look = tuple[int, int, int, int]  # size, modification and change time in ns, inode
Unread = tuple[str, str, Look]  # name, path

_YOUNG_NS = 2_000_000_000
_LARGE = 256_000_000  # bytes that nobody would like to read twice
_READERS = 4  # hashing lets other threads go on
_BATCH = 1 << 22  # bytes of small files that one thread hashes in a row
_MOST_IN_A_ROW = 200
_KEEP_EVERY = 2_000_000_000  # bytes after which what was hashed is written down


def nobody(_: int) -> None:
    """Hear of bytes that nobody counts."""


class Contents:
    """What is known of the files below a home, and what must be read for the rest."""

    def __init__(self, home: Path, kept: Path, clock: Clock) -> None:
        """Look at the files; nothing is read. `kept` remembers what they hashed to."""
        self._kept = kept
        self._before = _read_kept(kept)
        self._clock = clock
        self._looked_ns = _now_ns(clock)
        self._again: dict[str, str] = {}
        self._rows: dict[str, list[object]] = {}
        self._unread: list[Unread] = []
        self._turn = threading.Lock()
        self._since_kept = 0
        self._is_large = False
        self.known: dict[str, str] = {}
        self.looks: dict[str, Look] = {}
        for name, path, look in looks(home, self._again):
            self.looks[name] = look
            row = self._before.get(name)
            if row and tuple(row[:4]) == look:
                self.known[name] = str(row[4])
                self._rows[name] = row
            else:
                self._unread.append((name, path, look))
        self.total = sum(look[0] for look in self.looks.values())

    @property
    def unread(self) -> int:
        """How many bytes must be read to know all."""
        return self.unread_of(None)

    def unread_of(self, only: Collection[str] | None) -> int:
        """Say how many bytes must be read to know some files, or all."""
        return sum(one[2][0] for one in self._unread if only is None or one[0] in only)

    def read(
        self,
        told: Callable[[int], None] = nobody,
        only: Collection[str] | None = None,
    ) -> dict[str, str]:
        """Hash what is not known, or only some of it; give each file with its hash."""
        from concurrent.futures import ThreadPoolExecutor

        self._is_large = self.unread_of(only) > _LARGE
        unread = [one for one in self._unread if only is None or one[0] in only]

        def hashed(some: list[Unread]) -> None:
            for name, path, look in some:
                began_ns = self._began(look)
                self._note(name, look, _hashed(Path(path), told), began_ns)

        try:
            with ThreadPoolExecutor(_READERS) as readers:
                # The first that fails is raised; the others are not begun any more.
                for done in [readers.submit(hashed, some) for some in _batches(unread)]:
                    if error := done.exception():
                        readers.shutdown(wait=False, cancel_futures=True)
                        raise error
        finally:
            self._keep()
        self._unread = [one for one in self._unread if one[0] not in self.known]
        return dict(sorted({**self.known, **self._again}.items()))

    def learn(self, hashes: Mapping[str, str]) -> None:
        """Take in what files hashed to that somebody read whole after we looked."""
        for name, sha256 in hashes.items():
            if name in self.looks:
                self._note(name, self.looks[name], sha256, self._looked_ns)
        self._keep()

    def _began(self, look: Look) -> int:
        """Say when reading a file begins; of a large set, none while it is young.

        It would have to be read once more, by whoever asks next.
        """
        now_ns = _now_ns(self._clock)
        left_ns = max(look[1], look[2]) + _YOUNG_NS + 1 - now_ns
        if self._is_large and 0 < left_ns <= 2 * _YOUNG_NS:
            self._clock.sleep(left_ns / 1e9)
            now_ns = _now_ns(self._clock)
        return now_ns

    def _note(self, name: str, look: Look, sha256: str, began_ns: int) -> None:
        with self._turn:
            self.known[name] = sha256
            if max(look[1], look[2]) < began_ns - _YOUNG_NS:
                self._rows[name] = [*look, sha256]
            self._since_kept += look[0]
            if self._since_kept > _KEEP_EVERY:
                self._since_kept = 0
                self._keep()

    def _keep(self) -> None:
        if self._rows != self._before:
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            files.replace_text(self._kept, codec.dumps(self._rows))
            self._before = dict(self._rows)


def _batches(
    unread: list[Unread],
) -> Iterator[list[Unread]]:
    """Put small files together: to hand each to a thread takes longer than to hash."""
    batch: list[Unread] = []
    size = 0
    for one in unread:
        batch.append(one)
        size += one[2][0]
        if size > _BATCH or len(batch) >= _MOST_IN_A_ROW:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _now_ns(clock: Clock) -> int:
    return int(clock.now().timestamp() * 1e9)


def _hashed(path: Path, told: Callable[[int], None]) -> str:
    try:
        return artifact.sha256_of(path, told)
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path | str, error: OSError) -> HostError:
    """Say that a part of a data set cannot be read."""
    message = f"data cannot be read: {path}: {error.strerror}"
    return HostError(message, hint="mend it, or take it out of the data set")


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


def looks(root: Path, again: dict[str, str]) -> Iterator[Unread]:
    """Say how the files of a data set look; a link counts as what it points to.

    again: is told of folders that links lead to once more, perhaps in a circle, and of
    empty ones: a program that lists folders sees them too.
    """
    top = os.fspath(root)
    if (found := _look(top)) is not None:
        yield ".", top, found
    seen: dict[tuple[int, int], str] = {}
    for place, folders, names in os.walk(top, followlinks=True):
        status = os.stat(place)  # noqa: PTH116 - a hot loop
        below = place[len(top) :].lstrip("/")
        here = f"{below}/" if below else "./"
        first = seen.setdefault((status.st_dev, status.st_ino), here)
        if first != here:
            again[here] = f"the folder {first}"
            folders.clear()
            continue
        if not (folders or names or here == "./"):
            again[here] = "empty"
        if here == "./" and INCOMING in folders:
            folders.remove(INCOMING)
        folders.sort()
        for name in sorted(names):
            path = f"{place}/{name}"
            if (found := _look(path)) is not None:
                yield (f"{below}/{name}" if below else name), path, found


def _look(path: str) -> Look | None:
    """Give how a file looks; None for what is none, and a link that leads nowhere."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a hot loop
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
