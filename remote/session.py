"""One laptop's watch over one run: the stream, the files, the seals, each in a thread.

    follow   reads the stream into the mirror, and connects again when the line breaks
    sync     brings other files home when the tree's stamp moved
    seals    brings commits home when a stage was sealed

None of them ever writes on the box. All may end at any instant, and the next session
takes the mirror up where it stands.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from pipeline import events, files
from pipeline.clock import stamp
from pipeline.errors import (
    BUG,
    HostError,
    IntegrityError,
    PipelineError,
    TransportError,
)
from pipeline.pulse import beat_of, parse
from pipeline.sight import Sight
from pipeline.wire import Following, FrameReader
from remote import fetch
from remote.mirror import Mirror
from remote.sync import Sync, Wanted
from remote.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from pipeline.clock import Clock
    from pipeline.events import Event
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.wire import Frame
    from remote.far import Far

WAKE_S = 0.25
FETCH_EVERY_S = 1.0  # stages may be sealed a hundred times a second
_READ_S = 0.25
_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_LAST_TRIES = 3
_LAST_WRITE_S = 1.0


class Session:
    """Watches one run until it is closed, or the run has ended and all is home."""

    def __init__(
        self, far: Far, record: RunRecord, paths: LaptopPaths, clock: Clock
    ) -> None:
        """Prepare to watch `record`, mirrored in its folder below `paths`."""
        # Of two who watch one run, the first writes the copy; the other only looks.
        self._writing = _take_mirror(paths, record) if record.host else None
        is_own = self._writing is not None
        self._far = far
        self._record = record
        self._paths = paths
        self._clock = clock
        self._mirror = Mirror(paths.mirror(record.run), is_own=is_own)
        self._sync = Sync(far, record) if is_own else None
        self._watch = Watch(
            wake_s=WAKE_S,
            stale_after_s=record.heartbeat.stale_after_s,
            stalled_after_s=record.heartbeat.stalled_after_s,
        )
        self._watch.told_end(has_ended=False)
        self._turn = threading.RLock()
        self._closing = threading.Event()
        self._followed = threading.Event()
        self._caught_up = threading.Event()
        self._moved = threading.Event()
        self._sealed = threading.Event()
        if any(stage.commit for stage in self._mirror.state.stages.values()):
            self._sealed.set()
        self._note = ""
        self._refusal: PipelineError | None = None
        self._over = threading.Event()
        self._working = 0
        self._woke_at = clock.monotonic()

    def __enter__(self) -> Self:
        """Start the threads."""
        works: list[tuple[str, Callable[[], None]]] = [
            ("follow", self._follow),
            ("seals", self._bring_seals),
        ]
        if self._sync is not None:
            works.append(("sync", self._bring_files))
        self._working = len(works)
        for name, work in works:
            threading.Thread(
                target=self._guarded, args=(work,), name=name, daemon=True
            ).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let the threads end; the run does not notice."""
        self._closing.set()
        self._moved.set()
        self._sealed.set()
        # The threads may be in the middle of a write, which ends by itself: the next
        # who takes the copy over waits for the last of them.
        self._over.wait(_LAST_WRITE_S)
        if self._writing is not None:
            os.close(self._writing)

    def rest(self) -> None:
        """Wait for the next wake, or for the end of all threads."""
        self._over.wait(WAKE_S)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except PipelineError as error:
            self._refusal = error
        except Exception as bug:  # noqa: BLE001 - the main thread must hear of it
            self._refusal = HostError(
                f"the watch failed: {bug!r}", hint="a bug of ours"
            )
            self._refusal.exit_code = BUG
        finally:
            with self._turn:
                self._working -= 1
                if not self._working:
                    self._over.set()

    @property
    def is_over(self) -> bool:
        """Tell whether all threads came to their end: everything is home."""
        return self._over.is_set()

    @property
    def is_caught_up(self) -> bool:
        """Tell whether all that the box had when it was asked is here."""
        return self._caught_up.is_set()

    def wake(self) -> None:
        """Count time, and pass on what a thread failed of."""
        now = self._clock.monotonic()
        with self._turn:
            self._watch.wake(now - self._woke_at)
        self._woke_at = now
        if self._refusal is not None:
            raise self._refusal

    def news(self) -> list[Event]:
        """Give the events that came since this was last asked."""
        with self._turn:
            fresh = list(self._mirror.news)
            self._mirror.news.clear()
        return fresh

    def sight(self) -> Sight:
        """Give all there is to see now."""
        with self._turn:
            mirror, watch = self._mirror, self._watch
            stage = self._log_stage()
            return Sight(
                state=mirror.state,
                knowing=watch.knowing,
                now=stamp(self._clock.now()),
                age_s=watch.beat_age_s,
                pulse=parse(mirror.heartbeat),
                log=tuple(mirror.tails.get(stage, ())),
                log_stage=stage,
                note=self._note,
            )

    def tail(self, stage: str) -> list[str]:
        """Give the last lines that a stage printed."""
        with self._turn:
            return list(self._mirror.tails.get(stage, ()))

    def _log_stage(self) -> str:
        """Choose whose log to show: the one that spoke last, among those running."""
        stages = self._mirror.state.stages
        running = [s.name for s in stages.values() if s.status == "running"]
        if self._mirror.log_stage in running or not running:
            return self._mirror.log_stage
        return running[0]

    def note(self, text: str) -> None:
        """Say one line below the picture."""
        self._note = text

    def _follow(self) -> None:
        """Read the stream to its end, over as many connections as it takes."""
        tries = 0
        while not self._closing.is_set():
            try:
                if self._read_stream():
                    self._followed.set()
                    self._moved.set()
                    self._sealed.set()
                    return
                tries = 0
            except (TransportError, IntegrityError) as error:
                self.note(error.message)
                tries += 1
            with self._turn:
                self._watch.lost()
            self._closing.wait(_PAUSES_S[min(tries, len(_PAUSES_S)) - 1])

    def _read_stream(self) -> bool:
        """Read one connection's worth; give whether the run's end came."""
        asked = Following(have=self._mirror.have())
        stream = self._far.follow(self._record.run, asked)
        reader = FrameReader()
        try:
            while not self._closing.is_set():
                data = stream.read(_READ_S)
                if data is None:
                    continue
                if not data:
                    return self._stream_ended(stream.code, stream.err)
                for frame in reader.feed(data):
                    if self._apply(frame):
                        return True
        finally:
            stream.close()
        return False

    def _stream_ended(self, code: int, err: bytes) -> bool:
        """Say why a stream ended that should not have."""
        if self._far.lacks_runner(code, err):
            self._far.upload()
            return False
        message = f"host {self._far.link.name!r}: the stream ended with {code}"
        said = err.decode("utf-8", "replace").strip()[-500:]
        if code:
            raise HostError(message, hint=said)
        raise TransportError(message, hint=said)

    def _apply(self, frame: Frame) -> bool:
        """Take a frame in; give whether it is the last."""
        with self._turn:
            before = len(self._mirror.news)
            self._mirror.apply(frame)
            self._watch.heard()
            if frame.kind == "grow":
                self._watch.moved()
            if frame.kind == "beat":
                self._feel(self._mirror.heartbeat)
            if frame.kind == "runner":
                self._watch.told_runner(lives=frame.lives)
                # Said behind everything that was there at the first look.
                self._caught_up.set()
            self._watch.told_end(has_ended=self._mirror.state.has_ended)
            told = list(self._mirror.news)[before:]
        if frame.kind == "stamp":
            self._moved.set()
        if any(isinstance(event.what, events.StageSealed) for event in told):
            self._sealed.set()
        return frame.kind == "end"

    def _feel(self, heartbeat: str) -> None:
        age = parse(heartbeat).get("progress age", "0 s").removesuffix(" s")
        self._watch.felt(beat_of(heartbeat), float(age) if age.isdecimal() else 0.0)

    def _bring_files(self) -> None:
        """Bring files home when the tree moved, and once more at the end."""
        assert self._sync is not None
        rules = self._record.sync
        wanted = Wanted(
            folder="results", include=rules.include, max_file=rules.max_file
        )
        target = self._paths.mirror(self._record.run).root
        sync = self._sync
        self._keep_at(
            lambda: sync.bring(wanted, target), self._moved, pause_s=rules.every_s
        )

    def _bring_seals(self) -> None:
        """Bring commits home after each seal, and once more when the run has ended."""
        root = self._paths.root
        self._keep_at(
            lambda: fetch.fetch(root, self._far, self._record),
            self._sealed,
            pause_s=FETCH_EVERY_S,
        )
        if self._followed.is_set() and (said := fetch.push(root, self._record)):
            self.note(said)

    def _keep_at(
        self, act: Callable[[], None], asked: threading.Event, *, pause_s: float
    ) -> None:
        """Act whenever it is asked for, not more often than every `pause_s`.

        What fails is tried again; when the run has ended, a few times and no more.
        """
        tries = 0
        while not self._closing.is_set():
            asked.wait()
            # Cleared before looking: who ends the run sets that first, and asks then.
            asked.clear()
            is_last = self._followed.is_set()
            if self._closing.is_set():
                return
            try:
                act()
            except (TransportError, HostError) as error:
                self.note(error.message)
                tries += 1
                if is_last and tries >= _LAST_TRIES:
                    return
                if error.is_transient or is_last:
                    asked.set()
                self._closing.wait(_PAUSES_S[min(tries, len(_PAUSES_S)) - 1])
                continue
            tries = 0
            if is_last:
                return
            self._pause(pause_s)

    def _pause(self, pause_s: float) -> None:
        """Wait, but not once the run has ended."""
        until = self._clock.monotonic() + pause_s
        while self._clock.monotonic() < until and not self._closing.is_set():
            if self._followed.wait(0.2):
                return


def _take_mirror(paths: LaptopPaths, record: RunRecord) -> int | None:
    """Take the right to write the run's copy, for as long as we live."""
    folder = files.own_ignored_folder(paths.memory) / "mirrors"
    folder.mkdir(exist_ok=True)
    return files.open_lock(folder / f"{record.run}.lock")
