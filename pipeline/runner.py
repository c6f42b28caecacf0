"""Run a run on the box, needing nothing from the laptop any more.

    run          take the lock, open all that a runner writes with
      take up    the story goes on, leftovers are ended, seals are asked
      prepare    the stages' environment is there, what was sealed before is known
      walk       until every stage is settled or a stop was wished    (walk)
      close      the closing commit, the end of the story

A runner that is killed at any instant leaves a folder that the next one takes up: it
asks the commits which stages are done, never the log.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline import events, files, notify, revival, schema, turn
from pipeline.attempt import AttemptPaths
from pipeline.deaths import die_at
from pipeline.errors import BUG, DONE, INTERRUPTED, GateFailed, HostError, PipelineError
from pipeline.fence import fence_all
from pipeline.heart import Heart
from pipeline.keeper import Keeper
from pipeline.layout import PLAN, STOP, RunPaths
from pipeline.notify import Notice
from pipeline.opening import open_workshop
from pipeline.publishing import BoxPush
from pipeline.readiness import Readiness
from pipeline.resources import Resources, usable_cpus, visible_gpus
from pipeline.sealing import gate_error
from pipeline.secrets.values import leave_no_core, scrub
from pipeline.waiting import Waiting
from pipeline.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.clock import Clock
    from pipeline.events import Event
    from pipeline.workshop import Workshop

_LOCK_TRIES = 50


def run(
    folder: Path,
    clock: Clock,
    *,
    self_argv: Sequence[str],
    umask: int,
    because: str = "",
    secrets: Mapping[str, str] | None = None,
) -> None:
    """Run the run in `folder` to its end.

    self_argv: how to start this program with another verb. umask: the stages' own.
    secrets: their values, by name. because: why it goes on, where no person asked for
    it. When a runner lives already there is nothing to do: launching twice is safe.
    """
    plan = schema.read_plan((folder / PLAN).read_bytes())
    paths = RunPaths(folder, PurePosixPath(plan.prefix))
    lock = take_lock(paths, clock)
    if lock is None:
        return
    with contextlib.ExitStack() as kept:
        with contextlib.ExitStack() as opened:
            opened.callback(os.close, lock)
            keeper = Keeper([*self_argv, "keeper", plan.run])
            kept.callback(keeper.close)
            workshop = open_workshop(plan, paths, clock, keeper, opened)
            workshop.self_argv = tuple(self_argv)
            workshop.umask = umask
            if secrets:
                leave_no_core()
                workshop.keep_secret(secrets)
            runner = Runner(workshop, because)
            ended = runner.run()
        # With the lock free: what the user's command takes its time for is not the run.
        notify.deliver(plan, paths)
        if runner.untold is not None:
            notify.notify(plan, paths, runner.untold)
        keeper.take_leave()
        runner.pushing.finish()
    revival.settle(paths, ended)


def take_lock(paths: RunPaths, clock: Clock) -> int | None:
    """Take runner.lock; who merely looks at it holds it for an instant only."""
    for _ in range(_LOCK_TRIES):
        lock = files.open_lock(paths.runner_lock)
        if lock is not None:
            return lock
        clock.sleep(0.01)
    return None


class Runner:
    """One runner over one run's folder."""

    def __init__(self, workshop: Workshop, because: str = "") -> None:
        """Work with what is in the workshop; `because` no person asked for it."""
        self._workshop = workshop
        self._because = because
        self.untold: Notice | None = None  # what a full disk had no room for
        self._plan = workshop.plan
        self._story = workshop.story
        self._walk = Walk(workshop)
        self.pushing = BoxPush(workshop.plan, workshop.paths, workshop.clock)

    def run(self) -> events.RunEnded:
        """Take up the run, walk it, and say the end."""
        self._begin_story()
        self._prepare_for_reboot()
        with self._beating(), self._walk.signals():
            try:
                self._fence_leftovers()
                self._take_up_seals()
                resources = self._resources()
                resources.check(self._walk.stages)
                if self._has_its_turn(resources):
                    with Readiness(self._workshop, self._walk).prepared():
                        self._walk.walk(resources)
            except PipelineError as error:
                self._walk.errors.append(error)
            except OSError as error:
                self._walk.errors.append(HostError(f"the box: {error}"))
            die_at("", "walked")
            ended = self._close()
        die_at("", "closed")
        (self._workshop.paths.control / STOP).unlink(missing_ok=True)
        # Who hears of the end finds all there is, whatever the power does after it.
        with contextlib.suppress(OSError):
            files.sync_disk(self._workshop.paths.root)
        assert isinstance(ended.what, events.RunEnded)
        self._note_end(ended.what)
        tip = self._workshop.ledger.tip
        self.pushing.begin(tip if tip != self._plan.snapshot else "")
        if pushed := self.pushing.news():
            self._story.tell(pushed)
        self._story.tell(ended, durable=True)
        die_at("", "ended")
        return ended.what

    def _begin_story(self) -> None:
        """Tell at once that a runner is here: who launched it waits for that."""
        if self._story.state.run:
            if not self._story.state.has_ended:
                notify.drop_ends(self._workshop.paths)
            results = self._workshop.results
            for path in (results.report, results.report_page):
                path.unlink(missing_ok=True)  # of an end that is none any more
            self._story.tell(events.RunResumed(because=self._because))
            return
        shapes = tuple(
            events.StageShape(name=s.name, needs=s.needs) for s in self._walk.stages
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

    def _prepare_for_reboot(self) -> None:
        revival.prepare(
            self._plan,
            self._workshop.paths,
            self_argv=self._workshop.self_argv,
            umask=self._workshop.umask,
            is_revived=bool(self._because),
        )
        # What the last runner had no time to tell, or who took the run up for us.
        told = (self._plan, self._workshop.paths)
        threading.Thread(target=notify.deliver, args=told, daemon=True).start()

    def _note_end(self, ended: events.RunEnded) -> None:
        """Write down what the user's command is to hear, before the end is told."""
        if revival.goes_on(ended):
            return
        is_failure = ended.exit_code not in (DONE, INTERRUPTED)
        notice = Notice(
            what="failure" if is_failure else "end",
            reason=ended.reason,
            code=ended.exit_code,
        )
        if not notify.note(self._plan, self._workshop.paths, notice):
            self.untold = notice

    @contextlib.contextmanager
    def _beating(self) -> Iterator[None]:
        heart = Heart(
            self._workshop.results.heartbeat,
            self._workshop.clock,
            every_s=self._plan.pipeline.heartbeat.every_s,
            run=self._plan.run,
            told=self._walk.pulse,
        )
        try:
            yield
        finally:
            heart.close()

    def _fence_leftovers(self) -> None:
        """End what an earlier runner's attempts left alive, before anything starts."""
        paths, hidden = self._workshop.paths, self._workshop.hidden
        roots = sorted(paths.attempts.iterdir())
        fence_all(map(AttemptPaths, roots), self._workshop.clock)
        for raw in paths.raw.iterdir() if hidden else ():
            scrub(raw, hidden)

    def _take_up_seals(self) -> None:
        """Ask the commits what is done. A seal the story does not know is told now."""
        told = self._story.state.stages
        for name, seal in self._workshop.ledger.seals().items():
            self._walk.outcomes[name] = "pass" if seal.verdict == "pass" else "gate"
            self._workshop.restore(name)
            self._workshop.note(name)
            known = told.get(name)
            is_told = known is not None and known.commit == seal.commit
            if is_told and seal.verdict == "pass":
                continue
            said = self._workshop.sealed_event(seal)
            if not is_told:
                self._story.tell(said)
            if seal.verdict == "fail":
                self._walk.errors.append(_gate_failure(said))

    def _resources(self) -> Resources:
        pipeline = self._plan.pipeline
        wants_gpus = any(stage.gpus for stage in pipeline.stages)
        return Resources(
            jobs=pipeline.jobs,
            cpus=usable_cpus(),
            gpus=visible_gpus(os.environ) if wants_gpus else (),
            locks=self._workshop.paths.box.gpus,
            run=self._plan.run,
        )

    def _has_its_turn(self, resources: Resources) -> bool:
        """Wait behind other runs where that was asked for; give False when stopped."""
        if not self._plan.queue or not self._walk.undone:
            return True
        undone = set(self._walk.undone)
        wanted = [stage.gpus for stage in self._walk.stages if stage.name in undone]
        needs = turn.peak(wanted, self._plan.pipeline.jobs, resources.gpus)
        return Waiting(
            self._workshop,
            self._walk,
            turn.Turn(paths=self._workshop.paths, needs=needs, gpus=resources.gpus),
        ).wait()

    def _close(self) -> Event:
        """Commit the story with its end; give the end, to be told when all is there."""
        ended = self._story.dated(self._verdict())
        if self._walk.stopping and self._walk.undone:
            return ended  # to be resumed: it is not closed yet
        if because := self._workshop.report(ended):
            said = self._story.clean(f"no report was made: {because}")
            self._story.tell(events.NoReport(because=said))
            ended = self._story.dated(self._verdict())
        die_at("", "reported")
        try:
            self._workshop.close_run(ended, lambda: die_at("", "closing"))
        except (PipelineError, OSError) as error:
            failure = HostError(f"the closing commit failed: {error}")
            self._walk.errors.append(failure)
            ended = self._story.dated(self._verdict())
            self._workshop.report(ended)
        return ended

    def _verdict(self) -> events.RunEnded:
        """Say how the run ended: the first thing that went wrong counts."""
        undone, errors = self._walk.undone, self._walk.errors
        if self._walk.stopping and undone:
            by = self._walk.stopping
            reason = f"stopped by {by}{revival.outlook(self._workshop.paths, by)}"
            return events.RunEnded(exit_code=INTERRUPTED, reason=reason)
        if errors:
            reason = self._story.clean(str(errors[0]))[: events.MOST_REASON]
            return events.RunEnded(exit_code=errors[0].exit_code, reason=reason)
        if undone:
            reason = f"not done and no reason known: {', '.join(undone)}"
            return events.RunEnded(exit_code=BUG, reason=reason)
        count = len(self._walk.stages)
        reason = "1 stage sealed" if count == 1 else f"all {count} stages sealed"
        return events.RunEnded(exit_code=DONE, reason=reason)


def _gate_failure(said: events.StageSealed) -> GateFailed:
    failures = said.failures or (f"stage {said.stage!r} was sealed with Verdict: fail",)
    return gate_error(said.stage, said.commit, failures)
