"""Walk the graph of a run: start what is ready, settle what came back.

Each running stage has a thread, which does what `performance` says; the walk itself has
one, and decides. It ends when nothing runs and nothing may start any more.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import traceback
from typing import TYPE_CHECKING

from pipeline import events, graph
from pipeline.errors import PipelineError
from pipeline.hashing import Hashing
from pipeline.layout import STOP
from pipeline.performance import Performance

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.graph import Outcome
    from pipeline.resources import Resources, Share
    from pipeline.schema import Stage
    from pipeline.workshop import Workshop

    _Return = tuple[str, Outcome, PipelineError | None]

WISHED = "pipeline stop"  # what stops a run where a person wished it
_WAKE_S = 0.2


class Walk:
    """One walk over the stages; `outcomes` and `errors` say how it went."""

    def __init__(self, workshop: Workshop) -> None:
        """Begin where nothing is known of any stage."""
        self._workshop = workshop
        self._story = workshop.story
        self.stages = graph.order(workshop.plan.pipeline.stages)
        self.outcomes: dict[str, Outcome] = {}
        self.errors: list[PipelineError] = []
        self.stopping = ""
        self._front = graph.Front(self.stages, self.outcomes)
        self._last = {s.name for s in self.stages if s.on_failure == "stop"}
        self._running: dict[str, Performance] = {}
        self._waiting: dict[str, str] = {}  # for whose GPU, as it was told last
        self._shares: dict[str, Share] = {}
        self._came_back: queue.SimpleQueue[_Return | None] = queue.SimpleQueue()
        self._hashing: Hashing | None = None

    def walk(self, resources: Resources) -> None:
        """Walk until all is settled; on return nothing runs."""
        while True:
            self._skip_hopeless()
            self._start_ready(resources)
            if not self._running and not any(True for _ in self._ready()):
                self._skip_the_rest()
                return
            self._settle_one()
            self._workshop.keeper.look()
            self._story.refresh()
            self.read_wishes()

    @contextlib.contextmanager
    def hashing(self) -> Iterator[None]:
        """Hash the data of stages that are not done, beside those that need none."""
        undone = set(self.undone)
        stages = [stage for stage in self.stages if stage.name in undone]
        hashing = Hashing(self._workshop, stages, lambda: self._came_back.put(None))
        self._hashing = hashing
        try:
            yield
        finally:
            hashing.close()

    @property
    def undone(self) -> list[str]:
        """The stages that did not pass."""
        return [s.name for s in self.stages if self.outcomes.get(s.name) != "pass"]

    def pulse(self) -> tuple[list[str], float, str]:
        """Give what a heartbeat tells: who runs, how old progress is, a log line."""
        running = dict(self._running)
        line = next((p.last_line for p in running.values() if p.last_line), "")
        return sorted(running), self._story.progress_age_s, line

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """A box that shuts down asks by SIGTERM; that is a stop, not a crash."""

        def stop(number: int, _frame: object) -> None:
            self.stopping = signal.Signals(number).name

        before = {n: signal.signal(n, stop) for n in (signal.SIGTERM, signal.SIGINT)}
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            yield
        finally:
            for number, old in before.items():
                signal.signal(number, old)

    def _ready(self) -> Iterator[Stage]:
        if self.stopping or self._has_given_up():
            return iter(())
        return self._front.ready(self._running)

    def _has_given_up(self) -> bool:
        """Tell whether a failed stage says that nothing more should start."""
        failed = (n for n, o in self.outcomes.items() if o in ("failed", "gate"))
        return any(name in self._last for name in failed)

    def _skip_hopeless(self) -> None:
        for name, need in self._front.hopeless().items():
            if self.stopping or "stopped" in self.outcomes.values():
                return
            self.outcomes[name] = "skipped"
            said = events.StageSkipped(stage=name, because=f"{need} did not pass")
            self._story.tell(said)

    def _skip_the_rest(self) -> None:
        """Say of each stage that could have run why it did not: another failed."""
        failed = [n for n, o in self.outcomes.items() if o in ("failed", "gate")]
        if self.stopping or not failed:
            return
        for stage in self.stages:
            if stage.name not in self.outcomes:
                self.outcomes[stage.name] = "skipped"
                because = f"nothing was started after {failed[0]} failed"
                self._story.tell(events.StageSkipped(stage=stage.name, because=because))

    def _start_ready(self, resources: Resources) -> None:
        for stage in self._ready():
            if resources.are_jobs_taken(self._shares):
                return
            if self._hashing is not None and not self._hashing.is_done(stage):
                continue
            share = resources.take(stage, self._shares)
            if share is None:
                self._tell_who_waits(stage, resources.waits_for(stage, self._shares))
                continue
            performance = Performance(stage, self._workshop, share, self.is_stopping)
            self._shares[stage.name] = share
            self._running[stage.name] = performance
            threading.Thread(
                target=self._perform, args=(performance,), name=stage.name, daemon=True
            ).start()

    def _tell_who_waits(self, stage: Stage, because: str) -> None:
        """Name the run whose GPU a stage waits for, whenever that is another one."""
        if because:
            self._story.marked()  # to wait for one's turn is no stall
        if because and self._waiting.get(stage.name) != because:
            self._waiting[stage.name] = because
            self._story.tell(events.StageWaiting(stage=stage.name, because=because))

    def is_stopping(self) -> bool:
        """Tell whether somebody wished the run to stop."""
        return bool(self.stopping)

    def _perform(self, performance: Performance) -> None:
        """Perform in a thread of its own; whatever happens comes back as an outcome."""
        name = performance.stage.name
        try:
            outcome, error = performance.perform()
        except PipelineError as failed:
            outcome, error = "failed", failed
        except BaseException as bug:  # noqa: BLE001 - it must reach the main thread
            traceback.print_exc()
            failure = f"the runner failed at stage {name!r}: {bug!r}"
            hint = f"a bug of ours; see {self._workshop.paths.runner_log}"
            outcome, error = "failed", PipelineError(failure, hint=hint)
        self._came_back.put((name, outcome, error))

    def _settle_one(self) -> None:
        try:
            came = self._came_back.get(timeout=_WAKE_S)
        except queue.Empty:
            return
        if came is None:  # there is data that stages may have waited for
            return
        name, outcome, error = came
        self._shares.pop(name).close()
        del self._running[name]
        self.outcomes[name] = outcome
        if error is not None:
            self.errors.append(error)
        if outcome == "failed":
            said = str(error) if error is not None else "failed"
            reason = said.removeprefix(f"stage {name!r} ")
            self._story.tell(events.StageFailed(stage=name, reason=reason))

    def read_wishes(self) -> None:
        """Take up the wish to stop, if the laptop left one."""
        if not self.stopping and (self._workshop.paths.control / STOP).exists():
            self.stopping = WISHED
        if self.stopping and not self._story.state.is_stopping:
            self._story.tell(events.RunStopping(because=self.stopping))
