"""One stage, from its first try to its seal.

    perform                for each try the stage has
      _try                 a fresh draft, a process, and what it came to
      _finish              outputs -> verify -> publish -> judge -> seal -> tell

The order is the promise: the commit is the fact, the event tells of it afterwards.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from pipeline import draft, events, files, gate, template
from pipeline.errors import GateFailed, PipelineError, StageFailed
from pipeline.fence import fence
from pipeline.ledger import Seal, StageFiles
from pipeline.logs import LogFollower, secret_values
from pipeline.notify import notify
from pipeline.orders import Orders
from pipeline.progress import numbers_text
from pipeline.supervise import Attempt, Command, Ending, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.draft import Made
    from pipeline.graph import Outcome
    from pipeline.layout import AttemptPaths
    from pipeline.logs import Tick
    from pipeline.resources import Share
    from pipeline.schema import Stage
    from pipeline.workshop import Workshop

# Where a test may kill the runner: `PIPELINE_DIE_AT=train:sealed`.
CRASH_POINTS = (
    *("begun", "started", "ended", "verified", "published"),
    *("judged", "sealing", "sealed", "told"),
)
GRACE_S = 10.0  # between asking a stage to end and killing it
_TICK_EVERY_S = 0.5


def die_at(stage: str, point: str) -> None:
    """Be killed here, if a test asked for it."""
    if os.environ.get("PIPELINE_DIE_AT") == f"{stage}:{point}":
        os.kill(os.getpid(), signal.SIGKILL)


class Performance:
    """A stage that holds its share of the box and is being performed."""

    def __init__(
        self,
        stage: Stage,
        workshop: Workshop,
        share: Share,
        is_stopping: Callable[[], bool],
    ) -> None:
        """Prepare; nothing is started yet."""
        self.stage = stage
        self.last_line = ""
        self._workshop = workshop
        self._share = share
        self._orders = Orders(stage, workshop, share)
        self._is_stopping = is_stopping
        self._metrics: dict[str, float] = {}
        self._error = ""
        self._ticked_at = float("-inf")
        self._held_tick: events.StageTicked | None = None
        self._is_stalled = False

    def perform(self) -> tuple[Outcome, PipelineError | None]:
        """Try until it is done, or the tries are used up, or a stop was wished."""
        for left in reversed(range(self.stage.retries + 1)):
            paths = self._workshop.paths
            number = draft.next_number(paths.attempts, self.stage.name)
            attempt = paths.attempt(self.stage.name, number)
            try:
                ending = self._try(attempt, number)
                if ending.kind == "stopped":
                    return "stopped", None
                if ending.kind == "done":
                    return self._finish(attempt, number, ending)
                failure = _as_failure(self.stage.name, ending.reason)
            except (PipelineError, OSError) as error:
                failure = _as_failure(self.stage.name, error)
            self._tell_failed(number, failure, again=left > 0)
            if self._is_stopping():
                return "stopped", None
        return "failed", failure

    def _tell_failed(self, number: int, failure: PipelineError, *, again: bool) -> None:
        said = events.AttemptFailed(
            stage=self.stage.name,
            attempt=number,
            reason=failure.message.removeprefix(f"stage {self.stage.name!r} "),
            again=again,
        )
        self._workshop.story.tell(said)

    def _try(self, attempt: AttemptPaths, number: int) -> Ending:
        """Make a draft, run the stage in it, and sweep what it left behind."""
        workshop, name = self._workshop, self.stage.name
        self._metrics, self._error = {}, ""
        draft.make(attempt)
        workshop.results.stage(name).mkdir(parents=True, exist_ok=True)
        before = draft.stamps(workshop.paths.base, self.stage.collect)
        lock = files.open_lock(attempt.lock)
        assert lock is not None, "a fresh draft has a lock nobody knows"
        # The keeper knows the attempt before its process exists: there is no instant
        # at which a killed runner would leave a stage that nobody ends.
        workshop.keeper.opened(attempt)
        workshop.story.tell(events.StageStarted(stage=name, attempt=number))
        workshop.story.marked()
        die_at(name, "begun")
        try:
            ending = self._run(attempt, number, lock)
        finally:
            os.close(lock)
            fence(attempt, workshop.clock)
            workshop.keeper.swept(attempt)
        die_at(name, "ended")
        draft.collect(self.stage, workshop.paths.base, before, attempt)
        return ending

    def _run(self, attempt: AttemptPaths, number: int, lock: int) -> Ending:
        workshop, name = self._workshop, self.stage.name
        raw = workshop.paths.raw_log(name, number)
        raw.touch(mode=0o600)
        argv, environment = self._orders.command(attempt)
        command = Command(
            argv=argv,
            cwd=workshop.paths.base,
            environment=environment,
            raw=raw,
            lock=lock,
            also=self._share.locks,
        )
        started = Attempt(command, workshop.clock)
        log = LogFollower(
            raw,
            workshop.results.log(name),
            secrets=secret_values(environment),
            on_tick=self._on_tick,
        )
        die_at(name, "started")
        try:
            ending = started.watch_over(self._watch(log))
        finally:
            log.close()
            self._flush_tick()
            self.last_line = log.last_line
        if ending.kind == "failed" and self._error:
            reason = f"failed: {self._error}"
            return Ending(kind="failed", reason=reason, duration_s=ending.duration_s)
        return ending

    def _watch(self, log: LogFollower) -> Watch:
        def look() -> None:
            while log.pump():
                self._workshop.story.marked()
                self._is_stalled = False
            self.last_line = log.last_line
            self._look_for_stall()

        return Watch(
            report=self._on_report,
            look=look,
            is_stopping=self._is_stopping,
            timeout_s=self.stage.timeout_s,
            grace_s=GRACE_S,
        )

    def _look_for_stall(self) -> None:
        silent_s = self._workshop.story.progress_age_s
        limit = self._workshop.plan.pipeline.heartbeat.stalled_after_s
        if silent_s < limit or self._is_stalled:
            return
        self._is_stalled = True
        said = events.StageStalled(stage=self.stage.name, silent_s=silent_s)
        self._workshop.story.tell(said)
        text = f"stage {self.stage.name!r} shows no progress for {silent_s:.0f} s"
        notify(self._workshop.plan, self._workshop.paths, "stall", text)

    def _on_report(self, report: Mapping[str, Any]) -> None:
        """Take one report of the child; what does not parse is passed over."""
        self._workshop.story.marked()
        self._is_stalled = False
        if isinstance(error := report.get("error"), str):
            self._error = error
        if isinstance(metric := report.get("metric"), dict):
            self._metrics.update(metric)
            said = events.StageMeasured(stage=self.stage.name, numbers=metric)
            self._workshop.story.tell(said)
        if isinstance(tick := report.get("tick"), list):
            done, total = tick
            self._on_tick((done, total, report.get("numbers") or {}))

    def _on_tick(self, tick: Tick) -> None:
        """Tell a tick at most every half second; the last one is always told."""
        self._workshop.story.marked()
        done, total, numbers = tick
        self._held_tick = events.StageTicked(
            stage=self.stage.name, done=done, total=total, numbers=numbers
        )
        now = self._workshop.clock.monotonic()
        if now - self._ticked_at >= _TICK_EVERY_S:
            self._ticked_at = now
            self._flush_tick()

    def _flush_tick(self) -> None:
        if self._held_tick is not None:
            self._workshop.story.tell(self._held_tick)
            self._held_tick = None

    def _finish(
        self, attempt: AttemptPaths, number: int, ending: Ending
    ) -> tuple[Outcome, PipelineError | None]:
        """Verify, publish, judge, seal, tell."""
        name, workshop = self.stage.name, self._workshop
        made = draft.verify(self.stage, attempt)
        die_at(name, "verified")
        metrics = {**self._metrics, **made.told}
        artifacts = workshop.paths.artifacts
        draft.publish(made, metrics, attempt, workshop.results, artifacts, name)
        die_at(name, "published")
        judgement = gate.judge(self.stage.gates, metrics)
        die_at(name, "judged")
        seal = self._seal(number, ending, made, metrics, judgement.verdict)
        commit = self._commit(seal, made)
        die_at(name, "sealed")
        said = events.StageSealed(
            stage=name,
            attempt=number,
            commit=commit,
            verdict=judgement.verdict,
            subject=seal.subject,
            duration_s=ending.duration_s,
            metrics=metrics,
            failures=judgement.failures,
        )
        workshop.story.tell(said, durable=True)
        die_at(name, "told")
        files.remove_tree(attempt.results)
        if judgement.verdict == "pass":
            return "pass", None
        return "gate", _gate_error(name, commit, judgement.failures)

    def _commit(self, seal: Seal, made: Made) -> str:
        workshop, name = self._workshop, self.stage.name
        most = workshop.plan.pipeline.git.max_file
        home = workshop.paths.artifacts / name
        draft.make_durable(home, made.manifest.artifacts, above=most)
        small = draft.sealed_names(made.manifest.results, most=most)
        added = StageFiles(
            results_folder=workshop.results.stage(name),
            results=[*small, draft.METRICS, draft.MANIFEST],
            artifacts_folder=home,
            artifacts=draft.sealed_names(made.manifest.artifacts, most=most),
        )
        return workshop.ledger.seal(
            seal,
            added,
            at=int(workshop.clock.now().timestamp()),
            before_move=lambda: die_at(name, "sealing"),
        )

    def _seal(
        self,
        number: int,
        ending: Ending,
        made: Made,
        metrics: Mapping[str, float],
        verdict: gate.Verdict,
    ) -> Seal:
        plan = self._workshop.plan
        return Seal(
            run=plan.run,
            stage=self.stage.name,
            attempt=number,
            fingerprint=self._orders.fingerprint(),
            verdict=verdict,
            duration_s=ending.duration_s,
            host=plan.host,
            manifest=made.manifest.digest(),
            subject=self._subject(metrics, verdict),
        )

    def _subject(self, metrics: Mapping[str, float], verdict: gate.Verdict) -> str:
        if self.stage.commit:
            shown = {name: f"{value:.4g}" for name, value in metrics.items()}
            return template.fill(self.stage.commit, shown)
        numbers = numbers_text(metrics, most=3)
        return f"{self.stage.name}: {verdict}" + (f", {numbers}" if numbers else "")


def _as_failure(stage: str, error: PipelineError | OSError | str) -> PipelineError:
    if isinstance(error, PipelineError):
        return error
    said = error if isinstance(error, str) else f"failed: {error}"
    return StageFailed(f"stage {stage!r} {said}")


def _gate_error(stage: str, commit: str, failures: tuple[str, ...]) -> GateFailed:
    message = f"{failures[0]}, on stage {stage!r}"
    hint = f"sealed as {commit[:7]} with Verdict: fail; nothing after it was run"
    return GateFailed(message, hint=hint)
