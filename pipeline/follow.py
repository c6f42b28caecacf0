"""The one stream home: events, beats and log bytes as they come.

It looks at the files of a run a few times a second, which costs nothing next to a
training, and sends what grew. It reads only; it ends when the laptop hangs up, or when
the run has ended and everything was sent.
"""

from __future__ import annotations

import os
import select
import zlib
from typing import TYPE_CHECKING

from pipeline import eventlines, events, files
from pipeline.frames import Frame, encode_frame
from pipeline.layout import EVENTS, LOG, ResultPaths
from pipeline.offers import encode_offers, published, stamp_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.clock import Clock
    from pipeline.layout import RunPaths
    from pipeline.offers import Look
    from pipeline.wire import Have

LOOK_S = (0.02, 0.1)  # soon again where something moved, later where nothing does
STILL_S = 5.0  # a line that says nothing else must say this, or it counts as lost
_STAMP_S = 1.0
_STAMP_SHARE = 20.0  # a tree of a million files is looked at as rarely as it is slow
_BLOCK = 1 << 18
CRC_BYTES = 1 << 16


def crc_of_end(path: Path, size: int) -> int:
    """Give the crc of the last bytes before `size`: the same in both copies, or not."""
    begin = max(0, size - CRC_BYTES)
    with path.open("rb") as file:
        file.seek(begin)
        return zlib.crc32(file.read(size - begin))


class Growing:
    """One file that only grows, and how far it was sent."""

    def __init__(self, root: Path, name: str, have: Have | None) -> None:
        """Go on where the laptop's copy ends.

        A box that lost its power may have lost the end of a file that the laptop got:
        then what the laptop has is no prefix any more, and it begins the file anew.
        """
        self._path = root / name
        self._name = name
        self._at = 0
        self._fresh = False
        if have is None:
            return
        known = self._path.stat().st_size
        if have.size <= known and crc_of_end(self._path, have.size) == have.crc:
            self._at = have.size
        else:
            self._fresh = True

    def news(self) -> Iterator[Frame]:
        """Yield what grew since the last look."""
        try:
            size = self._path.stat().st_size
        except OSError:
            return
        if size == self._at and not self._fresh:
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            while self._at < size or self._fresh:
                body = file.read(min(_BLOCK, size - self._at))
                if not body and not self._fresh:
                    return
                frame = Frame(kind="grow", path=self._name, at=self._at, body=body)
                if self._fresh:
                    frame = Frame(
                        kind="grow", path=self._name, at=0, body=body, fresh=True
                    )
                yield frame
                self._at += len(body)
                self._fresh = False


class Follower:
    """Looks at a run's folder and says what is new."""

    def __init__(self, paths: RunPaths, have: dict[str, Have], clock: Clock) -> None:
        """Follow the run at `paths` for a laptop that has `have`."""
        self._paths = paths
        self._results = ResultPaths(paths.results)
        self._have = have
        self._clock = clock
        self._growing: dict[str, Growing] = {}
        self._heartbeat = b""
        self._stamp = ""
        self._published: dict[str, Look] = {}
        self._stamp_due = float("-inf")
        self._lives: bool | None = None
        self._looked_at_size = -1

    def look(self) -> Iterator[Frame]:
        """Yield all that is new now; an `end` is always the last."""
        # Asked before the files are read: a runner tells the end last of all, so what
        # it wrote before is surely sent.
        has_ended = self._has_ended()
        if has_ended and self._lives is None:
            yield Frame(kind="over")
        lives = files.is_locked(self._paths.runner_lock)
        self._find()
        for growing in list(self._growing.values()):
            yield from growing.news()
        yield from self._beat()
        yield from self._stamp_of_tree(is_last=has_ended)
        if lives != self._lives:
            self._lives = lives
            yield Frame(kind="runner", lives=lives)
        if has_ended:
            yield Frame(kind="end")

    def _find(self) -> None:
        for name in growing_files(self._results.root):
            if name not in self._growing:
                root, have = self._results.root, self._have.get(name)
                self._growing[name] = Growing(root, name, have)

    def _beat(self) -> Iterator[Frame]:
        try:
            text = self._results.heartbeat.read_bytes()
        except OSError:
            return
        if text != self._heartbeat:
            self._heartbeat = text
            yield Frame(kind="beat", body=text)

    def _stamp_of_tree(self, *, is_last: bool) -> Iterator[Frame]:
        began = self._clock.monotonic()
        if began < self._stamp_due and not is_last:
            return
        now = published(self._results.root)
        took = self._clock.monotonic() - began
        self._stamp_due = began + max(_STAMP_S, _STAMP_SHARE * took)
        stamp = stamp_of(now)
        if stamp != self._stamp:
            body = encode_offers(self._published, now)
            self._stamp, self._published = stamp, now
            yield Frame(kind="stamp", stamp=stamp, body=body)

    def _has_ended(self) -> bool:
        """Tell whether the last event says the end; looked at when there is news."""
        try:
            size = self._results.events.stat().st_size
        except OSError:
            return False
        if size == self._looked_at_size:
            return False
        self._looked_at_size = size
        return has_ended(self._results.events)


def has_ended(story: Path) -> bool:
    """Tell whether the last event of a story says the end."""
    last = eventlines.last_event(story)
    return last is not None and isinstance(last.what, events.RunEnded)


def growing_files(results: Path) -> list[str]:
    """Give the files of a results folder that are appended to, events first."""
    found = [EVENTS] if (results / EVENTS).exists() else []
    try:
        entries = sorted(os.scandir(results), key=lambda entry: entry.name)
    except OSError:
        return found
    for entry in entries:
        log = f"{entry.name}/{LOG}"
        is_hidden = entry.name.startswith(".")
        is_folder = not is_hidden and entry.is_dir(follow_symlinks=False)
        if is_folder and os.path.isfile(os.path.join(results, log)):  # noqa: PTH113, PTH118
            found.append(log)
    return found


def follow(
    follower: Follower, clock: Clock, *, hangup: int, write: Callable[[bytes], None]
) -> None:
    """Send what is new until the run ends or the laptop hangs up.

    hangup: a descriptor that becomes readable when the laptop is gone.
    """
    said_at = clock.monotonic()
    soon_s, pause_s = LOOK_S
    while True:
        pause_s = min(pause_s * 1.5, LOOK_S[1])
        for frame in follower.look():
            write(encode_frame(frame))
            said_at = clock.monotonic()
            pause_s = soon_s
            if frame.kind == "end":
                return
        if clock.monotonic() - said_at >= STILL_S:
            write(encode_frame(Frame(kind="still")))
            said_at = clock.monotonic()
        readable, _, _ = select.select([hangup], [], [], pause_s)
        if readable and not os.read(hangup, 1 << 16):
            return
