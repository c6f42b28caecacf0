"""Walk the graph of a run, on the box, needing nothing from the laptop any more.

    run                    take the lock, fence off what an earlier runner left
      walk                 until every stage is settled or a stop was wished
        start what is ready, as far as the box allows
        settle what came back
      close                the closing commit, the end of the story

Each running stage has a thread, which does what `performance` says. A runner that is
killed at any instant leaves a folder that the next one takes up: it asks the commits
which stages are done, never the log.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import traceback
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline import events, files, graph, schema
from pipeline.errors import (
    BUG,
    DONE,
    INTERRUPTED,
    GateFailed,
    IntegrityError,
    PipelineError,
)
from pipeline.fence import fence
from pipeline.git import Git, Objects
from pipeline.heart import Heart
from pipeline.keeper import Keeper
from pipeline.layout import AttemptPaths, ResultPaths, RunPaths
from pipeline.ledger import Ledger
from pipeline.notify import notify
from pipeline.performance import CRASH_POINTS, Performance
from pipeline.resources import Resources, Share, visible_gpus
from pipeline.story import Story
from pipeline.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.clock import Clock
    from pipeline.graph import Outcome
    from pipeline.schema import Resolved, Stage

__all__ = ["CRASH_POINTS", "run"]

_WAKE_S = 0.2
_LOCK_TRIES = 50
STOP = "stop"


def run(folder: Path, clock: Clock, *, self_argv: Sequence[str]) -> int:
    """Run the run in `folder` to its end; give the exit code it ended with.

    self_argv: how to start this program with another verb. When a runner lives already
    there is nothing to do, and that is no failure: launching twice is safe.
    """
    plan = schema.read_plan((folder / "plan.json").read_bytes())
    paths = RunPaths(folder, PurePosixPath(plan.prefix))
    lock = _take_lock(paths, clock)
    if lock is None:
        return DONE
    with contextlib.ExitStack() as opened:
        opened.callback(os.close, lock)
        runner = _open(plan, paths, clock, self_argv, opened)
        return runner.run()


def _take_lock(paths: RunPaths, clock: Clock) -> int | None:
    """Take runner.lock; who merely looks at it holds it for an instant only."""
    for _ in range(_LOCK_TRIES):
        lock = files.open_lock(paths.runner_lock)
        if lock is not None:
            return lock
        clock.sleep(0.01)
    return None


def _open(
    plan: Resolved,
    paths: RunPaths,
    clock: Clock,
    self_argv: Sequence[str],
    opened: contextlib.ExitStack,
) -> Runner:
    """Open all that a runner writes with, to be closed in the opposite order."""
    for folder in (paths.results, paths.artifacts, paths.attempts):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (paths.raw, paths.control, paths.checkpoints):
        folder.mkdir(mode=0o700, exist_ok=True)
    results = ResultPaths(paths.results)
    repository = Git(paths.box.code)
    objects = Objects(repository, paths.root / "commit.draft")
    opened.callback(objects.close)
    ledger = Ledger(
        repository,
        objects,
        branch=plan.branch,
        snapshot=plan.snapshot,
        prefix=PurePosixPath(plan.prefix),
    )
    keeper = Keeper([*self_argv, "keeper"])
    opened.callback(keeper.close)
    story = Story(results, clock)
    opened.callback(story.close)
    workshop = Workshop(
        plan=plan,
        paths=paths,
        results=results,
        clock=clock,
        keeper=keeper,
        ledger=ledger,
        story=story,
        self_argv=tuple(self_argv),
    )
    return Runner(workshop)


class Runner:
    """One run of the loop over one run's folder."""

    def __init__(self, workshop: Workshop) -> None:
        """Walk with what is on the workshop."""
        self._workshop = workshop
        self._plan = workshop.plan
        self._story = workshop.story
        self._stages = graph.order(workshop.plan.pipeline.stages)
        self._outcomes: dict[str, Outcome] = {}
        self._errors: list[PipelineError] = []
        self._running: dict[str, Performance] = {}
        self._shares: dict[str, Share] = {}
        self._came_back: queue.SimpleQueue[tuple[str, Outcome, PipelineError | None]]
        self._came_back = queue.SimpleQueue()
        self._stopping = ""

    def run(self) -> int:
        """Take up the run, walk it, and say the end."""
        self._fence_leftovers()
        resources = self._resources()
        self._begin_story()
        with self._beating(), self._signals():
            try:
                self._take_up_seals()
                resources.check(self._stages)
                self._walk(resources)
            except PipelineError as error:
                self._errors.append(error)
            code, reason = self._verdict()
            if not self._stopping:
                self._close(reason)
        self._forget_wishes()
        ended = events.RunEnded(exit_code=code, reason=reason)
        self._story.tell(ended, durable=True)
        is_failure = code not in (DONE, INTERRUPTED)
        self._notify("failure" if is_failure else "end", reason)
        return code

    def _fence_leftovers(self) -> None:
        """End what an earlier runner's attempts left alive, before anything starts."""
        for root in sorted(self._workshop.paths.attempts.iterdir()):
            attempt = AttemptPaths(root)
            if attempt.lock.exists():
                fence(attempt, self._workshop.clock)

    def _resources(self) -> Resources:
        pipeline = self._plan.pipeline
        wants_gpus = any(stage.gpus for stage in pipeline.stages)
        return Resources(
            jobs=pipeline.jobs,
            cpus=os.cpu_count() or 1,
            gpus=visible_gpus(os.environ) if wants_gpus else (),
            locks=self._workshop.paths.box.gpus,
        )

    def _begin_story(self) -> None:
        if self._story.state.run:
            self._story.tell(events.RunResumed())
            return
        shapes = tuple(
            events.StageShape(name=s.name, needs=s.needs) for s in self._stages
        )
        begun = events.RunStarted(
            run=self._plan.run,
            name=self._plan.pipeline.name,
            host=self._plan.host,
            snapshot=self._plan.snapshot,
            stages=shapes,
            is_dirty=self._plan.is_dirty,
        )
        self._story.tell(begun)

    def _take_up_seals(self) -> None:
        """Ask the commits what is done. A seal the story does not know is told now."""
        told = self._story.state.stages
        for name, seal in self._workshop.ledger.seals().items():
            self._outcomes[name] = "pass" if seal.verdict == "pass" else "gate"
            self._workshop.restore(name, seal)
            known = told.get(name)
            if known is None or known.commit != seal.commit:
                self._story.tell(self._workshop.sealed_event(seal))
            if seal.verdict == "fail":
                failure = f"stage {name!r} was sealed with Verdict: fail"
                self._errors.append(GateFailed(failure))

    @contextlib.contextmanager
    def _beating(self) -> Iterator[None]:
        heart = Heart(
            self._workshop.results.heartbeat,
            self._workshop.clock,
            every_s=self._plan.pipeline.heartbeat.every_s,
            run=self._plan.run,
            told=self._pulse,
        )
        try:
            yield
        finally:
            heart.close()

    def _pulse(self) -> tuple[list[str], float, str]:
        running = dict(self._running)
        line = next((p.last_line for p in running.values() if p.last_line), "")
        return sorted(running), self._story.progress_age_s, line

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """A box that shuts down asks by SIGTERM; that is a stop, not a crash."""

        def stop(number: int, _frame: object) -> None:
            self._stopping = signal.Signals(number).name

        before = {n: signal.signal(n, stop) for n in (signal.SIGTERM, signal.SIGINT)}
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            yield
        finally:
            for number, old in before.items():
                signal.signal(number, old)

    def _walk(self, resources: Resources) -> None:
        while True:
            self._skip_hopeless()
            self._start_ready(resources)
            if not self._running and not self._may_start():
                self._skip_the_rest()
                return
            self._settle_one()
            self._workshop.keeper.look()
            self._story.refresh()
            self._read_wishes()

    def _may_start(self) -> bool:
        return bool(self._ready())

    def _ready(self) -> list[Stage]:
        if self._stopping or self._has_given_up():
            return []
        return graph.ready(self._stages, self._outcomes, self._running)

    def _has_given_up(self) -> bool:
        """Tell whether a failed stage says that nothing more should start."""
        return any(
            self._outcomes.get(stage.name) in ("failed", "gate")
            and stage.on_failure == "stop"
            for stage in self._stages
        )

    def _skip_hopeless(self) -> None:
        for name, need in graph.hopeless(self._stages, self._outcomes).items():
            if self._stopping or "stopped" in self._outcomes.values():
                return
            self._outcomes[name] = "skipped"
            said = events.StageSkipped(stage=name, because=f"{need} did not pass")
            self._story.tell(said)

    def _skip_the_rest(self) -> None:
        """Say of each stage that could have run why it did not: another failed."""
        failed = [n for n, o in self._outcomes.items() if o in ("failed", "gate")]
        if self._stopping or not failed:
            return
        for stage in self._stages:
            if stage.name not in self._outcomes:
                self._outcomes[stage.name] = "skipped"
                because = f"nothing was started after {failed[0]} failed"
                self._story.tell(events.StageSkipped(stage=stage.name, because=because))

    def _start_ready(self, resources: Resources) -> None:
        for stage in self._ready():
            share = resources.take(stage, self._shares)
            if share is None:
                continue
            performance = Performance(stage, self._workshop, share, self._is_stopping)
            self._shares[stage.name] = share
            self._running[stage.name] = performance
            threading.Thread(
                target=self._perform, args=(performance,), name=stage.name, daemon=True
            ).start()

    def _is_stopping(self) -> bool:
        return bool(self._stopping)

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
            name, outcome, error = self._came_back.get(timeout=_WAKE_S)
        except queue.Empty:
            return
        self._shares.pop(name).close()
        del self._running[name]
        self._outcomes[name] = outcome
        if error is not None:
            self._errors.append(error)
        if outcome == "failed":
            said = str(error) if error is not None else "failed"
            reason = said.removeprefix(f"stage {name!r} ")
            self._story.tell(events.StageFailed(stage=name, reason=reason))

    def _read_wishes(self) -> None:
        if not self._stopping and (self._workshop.paths.control / STOP).exists():
            self._stopping = "pipeline stop"
        if self._stopping and not self._story.state.is_stopping:
            self._story.tell(events.RunStopping(because=self._stopping))

    def _forget_wishes(self) -> None:
        (self._workshop.paths.control / STOP).unlink(missing_ok=True)

    def _verdict(self) -> tuple[int, str]:
        """Give the exit code and what to say: the first thing that went wrong."""
        if self._stopping:
            return INTERRUPTED, f"stopped by {self._stopping}"
        if self._errors:
            return self._errors[0].exit_code, str(self._errors[0])
        undone = [s.name for s in self._stages if self._outcomes.get(s.name) != "pass"]
        if undone:
            return BUG, f"not done and no reason known: {', '.join(undone)}"
        return DONE, f"all {len(self._stages)} stages sealed"

    def _close(self, reason: str) -> None:
        """Commit the story; a run that is not sealed any further needs no other."""
        try:
            self._workshop.close_run(reason)
        except (PipelineError, OSError) as error:
            failure = f"the closing commit failed: {error}"
            self._errors.append(IntegrityError(failure))

    def _notify(self, what: str, reason: str) -> None:
        notify(self._plan, self._workshop.paths, what, reason)
