"""The laptop's copy of a run's results: a prefix of the truth, never torn, never ahead.

Growing files are appended to in place, so that `tail -f` works; nothing the box has is
ever deleted here. Names from the box are checked before they become paths.
"""

from __future__ import annotations

import collections
import zlib
from typing import TYPE_CHECKING

from pipeline import eventlines, events, files, progress, sketch
from pipeline.errors import HostError, TransportError
from pipeline.follow import CRC_BYTES, growing_files
from pipeline.layout import EVENTS, is_safe_name
from pipeline.views.tame import tame_text
from pipeline.wire import Have

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.frames import Frame
    from pipeline.layout import ResultPaths

_TAIL_LINES = 200
# What a box may send at most, so that one which lies fills neither disk nor memory. A
# runner of ours stops at 20 MB of a log; a story of a million events has 150 MB.
MOST_LOG = 64_000_000
MOST_STORY = 1_000_000_000
MOST_LINE = 4_000_000  # of a story
MOST_LOGS = 10_000
MOST_BEAT = 64_000


class Mirror:
    """Applies the frames of the stream, and keeps what views are drawn from.

    For a run on this machine the folder is the run's own, behind a link: then nothing
    is written, and the same frames only say what is new.
    """

    def __init__(
        self, paths: ResultPaths, *, is_own: bool, before: Mirror | None = None
    ) -> None:
        """Take up the copy where it stands.

        is_own: the folder is ours to write. before: the mirror whose place this one
        takes; what that one told of is told to nobody again.
        """
        self._paths = paths
        self._is_own = is_own
        self._rest = b""
        self.tails: dict[str, collections.deque[str]] = {}
        self.heartbeat: str = before.heartbeat if before else ""
        self.state = progress.RunState()
        self.news: collections.deque[events.Event]
        self.news = before.news if before else collections.deque()
        self._count = 0
        self._told = before.count if before else 0
        self._log_stage = ""
        # How much of each file was taken in, and its end. The folder may be another's
        # to write, and then says nothing of what came over our own stream.
        self._sizes: dict[str, int] = {}
        self._ends: dict[str, bytes] = {}
        for name in growing_files(paths.root):
            self._take_up(name)

    @property
    def count(self) -> int:
        """How many events were told of so far, here or by the mirror before."""
        return max(self._count, self._told)

    def _take_up(self, name: str) -> None:
        is_story = name == EVENTS
        with (self._paths.root / name).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0 if is_story else max(0, size - CRC_BYTES))
            body = file.read(size - file.tell())
        self._sizes[name] = size
        self._ends[name] = body[-CRC_BYTES:]
        if not is_story:
            self._remember_log(name.partition("/")[0], body)
            return
        whole, newline, self._rest = body.rpartition(b"\n")
        self._take_in(whole + newline)

    def have(self) -> dict[str, Have]:
        """Say what was taken in, for the stream to go on from."""
        return {
            name: Have(size=size, crc=zlib.crc32(self._ends[name]))
            for name, size in self._sizes.items()
        }

    @property
    def has_drifted(self) -> bool:
        """Tell whether our own folder is not as we left it: somebody was at it."""
        if not self._is_own:
            return False
        root = self._paths.root
        found = {name: (root / name).stat().st_size for name in growing_files(root)}
        return found != self._sizes

    @property
    def log_shown(self) -> str:
        """Whose log to show: the one that spoke last, among those running."""
        running = [s.name for s in self.state.stages.values() if s.status == "running"]
        if self._log_stage in running or not running:
            return self._log_stage
        return running[0]

    def apply(self, frame: Frame) -> list[events.Event]:
        """Take one frame in; give the events it tells of."""
        if frame.kind == "grow":
            return self._grow(frame)
        if frame.kind == "beat":
            if len(frame.body) > MOST_BEAT:
                raise _too_much("HEARTBEAT.txt", MOST_BEAT)
            self.heartbeat = frame.body.decode("utf-8", "replace")
            if self._is_own:
                files.replace_bytes(self._paths.heartbeat, frame.body)
        return []

    def _grow(self, frame: Frame) -> list[events.Event]:
        path = self._path_of(frame.path)
        self._check_size(frame)
        if not frame.fresh and self._sizes.get(frame.path, 0) != frame.at:
            raise _astray(frame)
        if self._is_own:
            self._write(path, frame)
        self._sizes[frame.path] = frame.at + len(frame.body)
        end = b"" if frame.fresh else self._ends.get(frame.path, b"")
        self._ends[frame.path] = (end + frame.body)[-CRC_BYTES:]
        if frame.path == EVENTS:
            return self._tell(frame)
        self._remember_log(frame.path.partition("/")[0], frame.body)
        return []

    def _check_size(self, frame: Frame) -> None:
        most = MOST_STORY if frame.path == EVENTS else MOST_LOG
        if frame.at + len(frame.body) > most:
            raise _too_much(frame.path, most)
        if frame.path not in self._sizes and len(self._sizes) >= MOST_LOGS:
            message = f"the box has logs of more than {MOST_LOGS:,} stages"
            raise HostError(message, hint="no more of them are brought home")

    def _path_of(self, name: str) -> Path:
        stage, slash, file = name.partition("/")
        is_log = bool(slash) and is_safe_name(stage) and file == "stage.log"
        if name != EVENTS and not is_log:
            message = f"the box sent a file that is none of a run's: {name[:60]!r}"
            raise HostError(message)
        return self._paths.root / name

    def _write(self, path: Path, frame: Frame) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever put it there: what came from a box is not written where a link leads.
        if path.parent.is_symlink() or path.is_symlink():
            message = f"a link lies in the way of {frame.path}"
            raise HostError(message, hint="remove it; what it leads to stays")
        if frame.fresh:
            files.replace_bytes(path, frame.body)
            return
        with path.open("ab") as file:
            if file.tell() != frame.at:
                raise _astray(frame)
            file.write(frame.body)

    def _tell(self, frame: Frame) -> list[events.Event]:
        if frame.fresh:
            # Another story than the one that was told of.
            self.state, self._rest = progress.RunState(), b""
            self._count = self._told = 0
        whole, newline, self._rest = (self._rest + frame.body).rpartition(b"\n")
        if len(self._rest) > MOST_LINE:
            raise _too_much(f"a line of {EVENTS}", MOST_LINE)
        told = self._take_in(whole + newline)
        if self._is_own and newline:
            # Names and reasons are a box's, and this is made for `cat`.
            text = tame_text(sketch.render(self.state))
            files.replace_text(self._paths.progress, text)
        return told

    def _take_in(self, lines: bytes) -> list[events.Event]:
        told = list(eventlines.read_events(lines))
        self.state = progress.fold(told, self.state)
        known = max(self._told - self._count, 0)
        self.news.extend(told[known:])
        self._count += len(told)
        return told

    def _remember_log(self, stage: str, body: bytes) -> None:
        tail = self.tails.setdefault(stage, collections.deque(maxlen=_TAIL_LINES))
        lines = body[-CRC_BYTES:].decode("utf-8", "replace").splitlines()
        tail.extend(lines)
        self._log_stage = stage


def _astray(frame: Frame) -> TransportError:
    message = f"the mirror of {frame.path} is not where the stream goes on"
    return TransportError(message, hint="connecting again sets it right")


def _too_much(what: str, most: int) -> HostError:
    message = f"the box sent more than {most:,} bytes as {what}"
    return HostError(message, hint="no run of ours has so much; what came is here")
