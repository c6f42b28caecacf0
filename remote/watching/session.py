"""One laptop's watch over one run: the stream, the files, the seals, each in a thread.

    listener  reads the stream into the mirror, and connects again when the line breaks
    files     brings other files home when the tree's stamp moved
    seals     brings commits home when a stage was sealed

None of them ever writes on the box. All may end at any instant, and the next session
takes the mirror up where it stands.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pipeline.clock import stamp
from pipeline.errors import BUG, HostError, PipelineError, trouble_here
from pipeline.pulse import parse
from pipeline.views.sight import Sight
from remote.bringing import fetch
from remote.bringing.folders import prepare_mirror
from remote.bringing.sync import Sync
from remote.bringing.wanted import Wanted
from remote.publish import publish
from remote.watching.errand import Errand
from remote.watching.listener import Listener
from remote.watching.signals import Notes, Signals
from remote.watching.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from pipeline.clock import Clock
    from pipeline.events import Event
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from remote.far import Far

WAKE_S = 0.25
FETCH_EVERY_S = 1.0  # stages may be sealed a hundred times a second
_LAST_WRITE_S = 1.0


def code_of(sight: Sight, run: str) -> int:
    """Give the run's own code at the end of a watch. Raise HostError when it died."""
    if sight.knowing == "dead":
        message = f"run {run}: no runner lives, and no end was told"
        raise HostError(message, hint=f"go on with it: pipeline resume {run}")
    code = sight.state.exit_code
    return BUG if code is None else code


class Session:
    """Watches one run until it is closed, or the run has ended and all is home."""

    def __init__(
        self, far: Far, record: RunRecord, paths: LaptopPaths, clock: Clock
    ) -> None:
        """Prepare to watch `record`, mirrored in its folder below `paths`."""
        prepare_mirror(far, record, paths)
        self._far = far
        self._record = record
        self._paths = paths
        self._clock = clock
        self._signals = Signals()
        self._notes = Notes()
        self._watch = Watch(
            wake_s=WAKE_S,
            stale_after_s=record.heartbeat.stale_after_s,
            stalled_after_s=record.heartbeat.stalled_after_s,
        )
        self._listener = Listener(
            *(far, record, paths),
            watch=self._watch,
            signals=self._signals,
            notes=self._notes,
            clock=clock,
        )
        if any(stage.commit for stage in self._listener.mirror.state.stages.values()):
            self._signals.sealed.set()
        self._sync: Sync | None = None
        self._seals = self._errand_for_seals()
        self._errands = [self._seals, *self._errands_for_files()]
        self._listener.is_crowded = lambda: any(e.is_busy for e in self._errands)
        self._refusal: PipelineError | None = None
        self._over = threading.Event()
        self._working = 0
        self._woke_at = clock.monotonic()

    def _errand_for_seals(self) -> Errand:
        """Bring commits home after each seal."""

        def bring() -> None:
            closing = self._signals.closing
            root = self._paths.root
            fetch.fetch(root, self._far, self._record, lambda: not closing.is_set())

        name = f"branch {self._record.branch}"
        return Errand(name, bring, self._signals.sealed, pause_s=FETCH_EVERY_S)

    def _errands_for_files(self) -> list[Errand]:
        """Bring files home when the tree moved; a run of this machine has them here."""
        if self._record.host is None:
            return []
        rules = self._record.sync
        wanted = Wanted(
            folder="results", include=rules.include, max_file=rules.max_file
        )
        target = self._paths.mirror(self._record.run).root
        sync = self._sync = Sync(self._far, self._record)
        name = f"files of results/{self._record.run}"
        return [
            Errand(
                name,
                lambda: self._listener.offers.bring(sync, wanted, target),
                self._signals.moved,
                pause_s=rules.every_s,
            )
        ]

    def __enter__(self) -> Self:
        """Start the threads."""
        works = [self._listener.listen, *(self._work_of(e) for e in self._errands)]
        self._working = len(works)
        for work in works:
            threading.Thread(target=self._guarded, args=(work,), daemon=True).start()
        return self

    def let_go(self) -> None:
        """Ask the threads to end, and wait for none of them."""
        self._signals.close()
        if self._sync is not None:
            self._sync.stop()

    def __exit__(self, *_: object) -> None:
        """Let the threads end; the run does not notice."""
        self.let_go()
        # What a thread brings at this instant is put in place whole or not at all.
        self._over.wait(_LAST_WRITE_S)
        self._listener.close()

    def _work_of(self, errand: Errand) -> Callable[[], None]:
        def work() -> None:
            errand.run(
                *(self._signals, self._notes, self._clock),
                may=lambda: self._listener.is_writer,
            )
            if errand is self._seals:
                self._publish()

        return work

    def _publish(self) -> None:
        has_all = self._signals.followed.is_set() and not self._seals.missing
        if has_all and self._listener.is_writer:
            closing = self._signals.closing
            said = publish(
                *(self._paths, self._record, lambda s: not closing.wait(s)),
                tell=lambda said: self._notes.say("push", said),
            )
            if said:
                self._notes.say("push", said)

    def rest(self) -> None:
        """Wait for the next wake, or for the end of all threads."""
        self._over.wait(WAKE_S)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except PipelineError as error:
            self._refusal = error
        except OSError as error:
            self._refusal = trouble_here(error)
        except Exception as bug:  # noqa: BLE001 - the main thread must hear of it
            self._refusal = HostError(
                f"the watch failed: {bug!r}", hint="a bug of ours"
            )
            self._refusal.exit_code = BUG
        finally:
            with self._listener.turn:
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
        return self._signals.caught_up.is_set()

    @property
    def is_home(self) -> bool:
        """Tell whether all that the box had is here, files and seals too, or cannot."""
        return self.is_caught_up and all(e.is_settled for e in self._errands)

    @property
    def is_writer(self) -> bool:
        """Tell whether, of all who watch the run here, this one brings it home."""
        return self._listener.is_writer

    @property
    def is_past(self) -> bool:
        """Tell whether the run's end is known here, and its box does not answer."""
        with self._listener.turn:
            has_ended = self._listener.mirror.state.has_ended
            is_silent = self._watch.is_silent
        return has_ended and is_silent and not self._signals.followed.is_set()

    def to_the_end(self, show: Callable[[Sight], None]) -> Sight:
        """Show what is seen, again and again, until there is nothing to wait for."""
        while True:
            is_over = self.is_over
            self.wake()
            sight = self.sight()
            show(sight)
            if is_over or self.is_past or sight.knowing == "dead":
                return sight
            self.rest()

    def wake(self) -> None:
        """Count time, and pass on what a thread failed of."""
        now = self._clock.monotonic()
        with self._listener.turn:
            self._watch.wake(now - self._woke_at)
        self._woke_at = now
        if self._refusal is not None:
            raise self._refusal

    def news(self) -> list[Event]:
        """Give the events that came since this was last asked."""
        with self._listener.turn:
            news = self._listener.mirror.news
            fresh = list(news)
            news.clear()
        return fresh

    def notes(self) -> tuple[str, ...]:
        """Give what the threads have to say now, the latest last."""
        return self._notes.all()

    def missing(self) -> dict[str, str]:
        """Give what did not come home though the run has ended, and why."""
        return {e.name: e.missing for e in self._errands if e.missing}

    def sight(self) -> Sight:
        """Give all there is to see now."""
        with self._listener.turn:
            mirror, watch = self._listener.mirror, self._watch
            stage = mirror.log_shown
            return Sight(
                state=mirror.state,
                knowing=watch.knowing,
                now=stamp(self._clock.now()),
                age_s=watch.beat_age_s,
                breathes=watch.breathes,
                pulse=parse(mirror.heartbeat),
                log=tuple(mirror.tails.get(stage, ())),
                log_stage=stage,
                note=next(reversed(self._notes.all()), ""),
            )

    def tail(self, stage: str) -> list[str]:
        """Give the last lines that a stage printed."""
        with self._listener.turn:
            return list(self._listener.mirror.tails.get(stage, ()))
