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
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline import events, files, schema
from pipeline.blobs import Blobs
from pipeline.deaths import die_at
from pipeline.errors import BUG, DONE, INTERRUPTED, GateFailed, HostError, PipelineError
from pipeline.fence import fence_all
from pipeline.git import Git
from pipeline.heart import Heart
from pipeline.keeper import Keeper
from pipeline.layout import PLAN, STOP, AttemptPaths, ResultPaths, RunPaths
from pipeline.ledger import Ledger
from pipeline.notify import notify
from pipeline.objects import Objects, hash_name_of
from pipeline.readiness import Readiness
from pipeline.resources import Resources, usable_cpus, visible_gpus
from pipeline.sealing import gate_error
from pipeline.store import Store
from pipeline.story import Story
from pipeline.walk import Walk
from pipeline.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.clock import Clock
    from pipeline.events import Event
    from pipeline.schema import Resolved

_LOCK_TRIES = 50


def run(folder: Path, clock: Clock, *, self_argv: Sequence[str], umask: int) -> None:
    """Run the run in `folder` to its end.

    self_argv: how to start this program with another verb. umask: the stages' own. When
    a runner lives already there is nothing to do: launching twice is safe.
    """
    plan = schema.read_plan((folder / PLAN).read_bytes())
    paths = RunPaths(folder, PurePosixPath(plan.prefix))
    lock = _take_lock(paths, clock)
    if lock is None:
        return
    with contextlib.ExitStack() as opened:
        opened.callback(os.close, lock)
        workshop = _open(plan, paths, clock, self_argv, opened)
        workshop.umask = umask
        ended = Runner(workshop).run()
    # With the lock free: what the user's command takes its time for is not the run.
    is_failure = ended.exit_code not in (DONE, INTERRUPTED)
    notify(plan, paths, "failure" if is_failure else "end", ended.reason)


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
) -> Workshop:
    """Open all that a runner writes with, to be closed in the opposite order."""
    for folder in (paths.results, paths.artifacts, paths.attempts):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (paths.raw, paths.control, paths.checkpoints):
        folder.mkdir(exist_ok=True)
    results = ResultPaths(paths.results)
    story = Story(results, clock)
    opened.callback(story.close)
    repository = Git(paths.box.code)
    draft = paths.root / "commit.draft"
    objects = Objects(repository, draft, hash_name=hash_name_of(plan.snapshot))
    opened.callback(objects.close)
    blobs = Blobs(repository)
    opened.callback(blobs.close)
    ledger = Ledger(
        repository,
        objects,
        branch=plan.branch,
        snapshot=plan.snapshot,
        prefix=PurePosixPath(plan.prefix),
    )
    keeper = Keeper([*self_argv, "keeper"])
    opened.callback(keeper.close)
    return Workshop(
        plan=plan,
        paths=paths,
        results=results,
        clock=clock,
        keeper=keeper,
        ledger=ledger,
        story=story,
        blobs=blobs,
        store=Store(paths.box.store),
        self_argv=tuple(self_argv),
    )


class Runner:
    """One runner over one run's folder."""

    def __init__(self, workshop: Workshop) -> None:
        """Work with what is in the workshop."""
        self._workshop = workshop
        self._plan = workshop.plan
        self._story = workshop.story
        self._walk = Walk(workshop)

    def run(self) -> events.RunEnded:
        """Take up the run, walk it, and say the end."""
        self._begin_story()
        with self._beating(), self._walk.signals():
            try:
                self._fence_leftovers()
                self._take_up_seals()
                resources = self._resources()
                resources.check(self._walk.stages)
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
        self._story.tell(ended, durable=True)
        die_at("", "ended")
        assert isinstance(ended.what, events.RunEnded)
        return ended.what

    def _begin_story(self) -> None:
        """Tell at once that a runner is here: who launched it waits for that."""
        if self._story.state.run:
            self._story.tell(events.RunResumed())
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
        roots = sorted(self._workshop.paths.attempts.iterdir())
        fence_all(map(AttemptPaths, roots), self._workshop.clock)

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
        )

    def _close(self) -> Event:
        """Commit the story with its end; give the end, to be told when all is there."""
        ended = self._story.dated(self._verdict())
        if self._walk.stopping and self._walk.undone:
            return ended  # to be resumed: it is not closed yet
        try:
            self._workshop.close_run(ended, lambda: die_at("", "closing"))
        except (PipelineError, OSError) as error:
            failure = HostError(f"the closing commit failed: {error}")
            self._walk.errors.append(failure)
            return self._story.dated(self._verdict())
        return ended

    def _verdict(self) -> events.RunEnded:
        """Say how the run ended: the first thing that went wrong counts."""
        undone, errors = self._walk.undone, self._walk.errors
        if self._walk.stopping and undone:
            reason = f"stopped by {self._walk.stopping}"
            return events.RunEnded(exit_code=INTERRUPTED, reason=reason)
        if errors:
            reason = str(errors[0])[: events.MOST_REASON]
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
