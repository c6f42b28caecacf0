"""Reads the stream of one run into its mirror, over as many connections as it takes.

Of all who watch one run from this folder, one writes the copy: who holds its lock. The
others only look, and one of them takes the copy over when the writer is gone, however
it went: it reads the folder anew, and goes on from what really lies there.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from pipeline import events, files
from pipeline.errors import HostError, IntegrityError, TransportError
from pipeline.frames import FrameReader
from pipeline.pulse import beat_of, parse
from pipeline.wire import Following
from remote.bringing.folders import lock_of
from remote.watching.errand import pause_s
from remote.watching.mirror import Mirror
from remote.watching.offers import Offers
from remote.watching.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.clock import Clock
    from pipeline.frames import Frame
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from remote.far import Far
    from remote.watching.signals import Notes, Signals
    from remote.watching.watch import Watch

_READ_S = 0.25
_CLAIM_EVERY_S = 2.0
_HANDOVER_S = 10.0  # how long the last things of another writer are waited for
_MOST_PAUSE_S = 4.0  # between tries: a link that is back is found soon
_NAME = "link"  # of its notes


class Listener:
    """The one stream of a session. `turn` guards the mirror and the watch."""

    def __init__(
        self,
        far: Far,
        record: RunRecord,
        paths: LaptopPaths,
        *,
        watch: Watch,
        signals: Signals,
        notes: Notes,
        clock: Clock,
    ) -> None:
        """Take the copy up where it stands, and the right to write it if it is free."""
        self.turn = threading.RLock()
        self.watch = watch
        self._far = far
        self._run = record.run
        # A run of this machine is its own copy: there is nothing to be written.
        self._has_copy = record.host is not None
        self._folder = paths.mirror(record.run)
        self._signals = signals
        self._notes = notes
        self._clock = clock
        self._lock = lock_of(paths, record.run)
        self._writing = files.open_lock(self._lock)
        self._claimed_at = clock.monotonic()
        self._tries = 0
        self._trust = Trust(clock)
        self.is_crowded: Callable[[], bool] = lambda: False
        self.mirror = Mirror(self._folder, is_own=self._has_copy and self.is_writer)
        self.offers = Offers()

    @property
    def is_writer(self) -> bool:
        """Tell whether it is ours to bring things home."""
        return self._writing is not None

    def close(self) -> None:
        """Leave the copy to others; nothing of it is written after this."""
        with self.turn:
            if self._writing is not None:
                os.close(self._writing)
                self._writing = None

    def listen(self) -> None:
        """Read the stream to its end."""
        while not self._signals.closing.is_set():
            try:
                if not self._read_stream():
                    continue
                if self._is_settled():
                    self._signals.end()
                    return
            except (TransportError, IntegrityError) as error:
                self._notes.say(_NAME, error.message)
                self._tries += 1
                with self.turn:
                    self.watch.lost()
                self._pause()

    def _pause(self) -> None:
        """Wait before the next try; who wakes from a sleep tries at once."""
        pause = min(pause_s(self._tries), _MOST_PAUSE_S)
        until = self._clock.monotonic() + pause
        while self._clock.monotonic() < until:
            if self._signals.closing.wait(_READ_S):
                return
            if self._trust.woke():
                self._tries = 0
                self._far.link.revive()
                return

    def _is_settled(self) -> bool:
        """Tell whether all is said; who only looked gives the writer time to end."""
        until = self._clock.monotonic() + _HANDOVER_S
        while not self.is_writer and self._clock.monotonic() < until:
            if self._take_over():
                return False
            if self._signals.closing.wait(_READ_S):
                break
        return True

    def _read_stream(self) -> bool:
        """Read one connection's worth; give whether the run's end came."""
        with self.turn:
            if self.mirror.has_drifted:
                self._renew()
            asked = Following(have=self.mirror.have())
        self._signals.over.clear()
        stream = self._far.follow(self._run, asked)
        self._trust.begin()
        reader = FrameReader()
        try:
            while not self._signals.closing.is_set():
                data = stream.read(_READ_S)
                if data == b"":
                    self._stream_ended(stream.code, stream.err)
                    return False
                if data:
                    self._trust.heard()
                for frame in reader.feed(data or b""):
                    if self._apply(frame):
                        return True
                if self._is_claimed() or (not data and not self._is_trusted()):
                    return False
        finally:
            stream.close()
        return False

    def _is_trusted(self) -> bool:
        """Tell whether to go on with a stream that is silent, or after a sleep."""
        doubt = self._trust.doubt(is_crowded=self.is_crowded())
        if doubt:
            self._far.link.revive()
        if doubt == "leave":
            self._tries = 0
        return doubt != "leave"

    def _stream_ended(self, code: int, err: bytes) -> None:
        """Say why a stream ended that should not have."""
        if self._far.lacks_runner(code, err):
            self._far.upload()
            return
        message = f"host {self._far.link.name!r}: the stream ended with {code}"
        said = err.decode("utf-8", "replace").strip()[-500:]
        if code:
            raise self._far.refusal(err) or HostError(message, hint=said)
        raise TransportError(message, hint=said)

    def _apply(self, frame: Frame) -> bool:
        """Take a frame in; give whether it is the last."""
        with self.turn:
            if self._signals.closing.is_set():
                return False
            told = self.mirror.apply(frame)
            self.offers.take(frame)
            self.watch.heard()
            if frame.kind == "grow":
                self.watch.moved()
            if frame.kind == "beat":
                self._feel(self.mirror.heartbeat)
            if frame.kind == "runner":
                self.watch.told_runner(lives=frame.lives)
            self.watch.told_end(has_ended=self.mirror.state.has_ended)
        self._tries = 0
        self._notes.drop(_NAME)
        self._pass_on(frame, told)
        return frame.kind == "end"

    def _pass_on(self, frame: Frame, told: list[events.Event]) -> None:
        """Let the other threads know what there is to bring home."""
        if frame.kind == "runner":
            # Said behind everything that was there at the first look.
            self._signals.caught_up.set()
        if frame.kind == "over":
            self._signals.over.set()
            self._signals.ask_for_all()
        if self._signals.over.is_set():
            return  # all of it was asked for already
        if frame.kind == "stamp":
            self._signals.moved.set()
        if any(isinstance(event.what, events.StageSealed) for event in told):
            self._signals.sealed.set()

    def _feel(self, heartbeat: str) -> None:
        age = parse(heartbeat).get("progress age", "0 s").removesuffix(" s")
        self.watch.felt(beat_of(heartbeat), float(age) if age.isdecimal() else 0.0)

    def _is_claimed(self) -> bool:
        """Look now and then whether the writer is gone; tell whether we are it now."""
        now = self._clock.monotonic()
        if self.is_writer or now - self._claimed_at < _CLAIM_EVERY_S:
            return False
        self._claimed_at = now
        return self._take_over()

    def _take_over(self) -> bool:
        """Take the copy over if nobody writes it; what it lacks is asked for anew."""
        with self.turn:
            if self._signals.closing.is_set():
                return False
            self._writing = files.open_lock(self._lock)
            if self._writing is None:
                return False
            self._renew()
        self._signals.ask_for_all()
        return True

    def _renew(self) -> None:
        """Forget what was taken in for what lies in the folder."""
        is_own = self._has_copy and self.is_writer
        self.mirror = Mirror(self._folder, is_own=is_own, before=self.mirror)
