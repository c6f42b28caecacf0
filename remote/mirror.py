"""The laptop's copy of a run's results: a prefix of the truth, never torn, never ahead.

Growing files are appended to in place, so that `tail -f` works; nothing the box has is
ever deleted here. Names from the box are checked before they become paths.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from pipeline import events, files, progress
from pipeline.errors import HostError, TransportError
from pipeline.follow import crc_of_end, growing_files
from pipeline.layout import is_safe_name
from pipeline.wire import Have

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.layout import ResultPaths
    from pipeline.wire import Frame

EVENTS = "events.jsonl"
_TAIL_LINES = 200
_TAIL_BYTES = 1 << 16


class Mirror:
    """Applies the frames of the stream, and keeps what views are drawn from.

    For a run on this machine the folder is the run's own, behind a link: then nothing
    is written, and the same frames only say what is new.
    """

    def __init__(self, paths: ResultPaths, *, is_own: bool) -> None:
        """Take up the copy where it stands. is_own: the folder is ours to write."""
        self._paths = paths
        self._is_own = is_own
        self._rest = b""
        self.tails: dict[str, collections.deque[str]] = {}
        self.log_stage = ""
        self.heartbeat = ""
        self.news: collections.deque[events.Event] = collections.deque()
        self.state = progress.RunState()
        # How much of each file was taken in. A folder of this machine's own run grows
        # meanwhile, so its sizes are not asked a second time.
        self._sizes: dict[str, int] = {}
        for name in growing_files(paths.root):
            self._take_up(name)

    def _take_up(self, name: str) -> None:
        is_story = name == EVENTS
        with (self._paths.root / name).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0 if is_story else max(0, size - _TAIL_BYTES))
            body = file.read(size - file.tell())
        self._sizes[name] = size
        if not is_story:
            self._remember_log(name.partition("/")[0], body)
            return
        whole, newline, self._rest = body.rpartition(b"\n")
        self._take_in(whole + newline)

    def have(self) -> dict[str, Have]:
        """Say what was taken in, for the stream to go on from.

        What cannot be held against the folder any more is asked for from its start.
        """
        found = {}
        for name, size in list(self._sizes.items()):
            path = self._paths.root / name
            if path.exists() and path.stat().st_size >= size:
                found[name] = Have(size=size, crc=crc_of_end(path, size))
            else:
                self._forget(name)
        return found

    def _forget(self, name: str) -> None:
        self._sizes.pop(name)
        if name == EVENTS:
            self.state, self._rest = progress.RunState(), b""

    def apply(self, frame: Frame) -> None:
        """Take one frame in."""
        if frame.kind == "grow":
            self._grow(frame)
        elif frame.kind == "beat":
            self.heartbeat = frame.body.decode("utf-8", "replace")
            if self._is_own:
                files.replace_bytes(self._paths.heartbeat, frame.body)

    def _grow(self, frame: Frame) -> None:
        path = self._path_of(frame.path)
        if not frame.fresh and self._sizes.get(frame.path, 0) != frame.at:
            message = f"the mirror of {frame.path} is not where the stream goes on"
            raise TransportError(message, hint="connecting again sets it right")
        if self._is_own:
            self._write(path, frame)
        self._sizes[frame.path] = frame.at + len(frame.body)
        if frame.path == EVENTS:
            self._tell(frame)
        else:
            self._remember_log(frame.path.partition("/")[0], frame.body)

    def _path_of(self, name: str) -> Path:
        stage, slash, file = name.partition("/")
        is_log = bool(slash) and is_safe_name(stage) and file == "stage.log"
        if name != EVENTS and not is_log:
            message = f"the box sent a file that is none of a run's: {name[:60]!r}"
            raise HostError(message)
        return self._paths.root / name

    def _write(self, path: Path, frame: Frame) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if frame.fresh:
            files.replace_bytes(path, frame.body)
            return
        with path.open("ab") as file:
            file.write(frame.body)

    def _tell(self, frame: Frame) -> None:
        if frame.fresh:
            self.state, self._rest = progress.RunState(), b""
        whole, newline, self._rest = (self._rest + frame.body).rpartition(b"\n")
        self._take_in(whole + newline)
        if self._is_own and newline:
            text = progress.render(self.state)
            files.replace_text(self._paths.progress, text)

    def _take_in(self, lines: bytes) -> None:
        for event in events.read_events(lines):
            self.state = progress.advance(self.state, event)
            self.news.append(event)

    def _remember_log(self, stage: str, body: bytes) -> None:
        tail = self.tails.setdefault(stage, collections.deque(maxlen=_TAIL_LINES))
        lines = body[-_TAIL_BYTES:].decode("utf-8", "replace").splitlines()
        tail.extend(lines)
        self.log_stage = stage
