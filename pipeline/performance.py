"""One stage, from its first try to its seal.

    perform         for each try the stage has
      _try          a fresh draft, a process, and what it came to
      _seal         outputs -> verify -> publish -> judge -> seal
    _tell           the event, after the fact

The order is the promise: the commit is the fact, the event tells of it afterwards.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import draft, events, files, gate, template
from pipeline.errors import GateFailed, PipelineError, StageFailed
from pipeline.fence import fence
from pipeline.ledger import Seal, StageFiles
from pipeline.listener import Listener
from pipeline.orders import Orders
from pipeline.progress import number_text, numbers_text
from pipeline.supervise import Attempt, Command, Ending, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.draft import Made
    from pipeline.gate import Judgement
    from pipeline.graph import Outcome
    from pipeline.layout import AttemptPaths
    from pipeline.resources import Share
    from pipeline.schema import Stage
    from pipeline.workshop import Workshop

# Where a test may kill the runner: `PIPELINE_DIE_AT=train:sealed`.
CRASH_POINTS = (
    *("begun", "started", "ended", "verified", "published"),
    *("judged", "sealing", "sealed", "told"),
)
GRACE_S = 10.0  # between asking a stage to end and killing it


def die_at(stage: str, point: str) -> None:
    """Be killed here, if a test asked for it."""
    if os.environ.get("PIPELINE_DIE_AT") == f"{stage}:{point}":
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A stage that is done: its seal, and what its gates said."""

    seal: Seal
    commit: str
    metrics: Mapping[str, float]
    judgement: Judgement
    duration_s: float


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
        self._workshop = workshop
        self._share = share
        self._orders = Orders(stage, workshop, share)
        self._is_stopping = is_stopping
        self._listener: Listener | None = None
        self._fingerprint = ""

    @property
    def last_line(self) -> str:
        """The last line the stage printed."""
        return self._listener.last_line if self._listener else ""

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
                    sealed = self._seal(attempt, number, ending)
                    break
                failure = _as_failure(self.stage.name, ending.reason)
            except (PipelineError, OSError) as error:
                failure = _as_failure(self.stage.name, error)
            again = left > 0 and not self._is_stopping()
            self._tell_failed(number, failure, again=again)
            if self._is_stopping():
                return "stopped", None
        else:
            return "failed", failure
        # From here on the stage is done, whatever else goes wrong: no other try.
        return self._tell(sealed, attempt)

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
        for need in self.stage.needs:
            workshop.make_sure(need)
        draft.make(attempt)
        workshop.results.stage(name).mkdir(parents=True, exist_ok=True)
        before = self._stamps()
        # The keeper knows the attempt before its process exists: there is no instant
        # at which a killed runner would leave a stage that nobody ends.
        workshop.keeper.opened(attempt)
        workshop.story.tell(events.StageStarted(stage=name, attempt=number))
        workshop.story.marked()
        die_at(name, "begun")
        try:
            ending = self._run(attempt, number)
        finally:
            workshop.keeper.swept(attempt)
        die_at(name, "ended")
        draft.collect(workshop.paths.base, before, self._stamps(), attempt)
        return ending

    def _stamps(self) -> dict[str, draft.Stamp]:
        names = (stage.name for stage in self._workshop.plan.pipeline.stages)
        base, patterns = self._workshop.paths.base, self.stage.collect
        return draft.stamps(base, patterns, draft.ours(names))

    def _run(self, attempt: AttemptPaths, number: int) -> Ending:
        workshop, name = self._workshop, self.stage.name
        raw = workshop.paths.raw_log(name, number)
        raw.touch(mode=0o600)
        argv, environment = self._orders.command(attempt)
        # Of the inputs as they are now, which is what the stage will read.
        self._fingerprint = self._orders.fingerprint()
        heard = Listener(self.stage, workshop, raw=raw, environment=environment)
        self._listener = heard
        try:
            started = self._start(attempt, raw, argv, environment)
            die_at(name, "started")
            watch = Watch(
                report=heard.report,
                look=heard.look,
                is_stopping=self._is_stopping,
                timeout_s=self.stage.timeout_s,
                grace_s=GRACE_S,
            )
            ending = started.watch_over(watch)
        finally:
            fence(attempt, workshop.clock)
            heard.close()
        if ending.kind == "failed" and heard.error:
            reason = f"failed: {heard.error}"
            return Ending(kind="failed", reason=reason, duration_s=ending.duration_s)
        return ending

    def _start(
        self,
        attempt: AttemptPaths,
        raw: Path,
        argv: list[str],
        environment: Mapping[str, str],
    ) -> Attempt:
        workshop = self._workshop
        lock = files.open_lock(attempt.lock)
        assert lock is not None, "a fresh draft has a lock nobody knows"
        try:
            command = Command(
                argv=argv,
                cwd=workshop.paths.base,
                environment=environment,
                raw=raw,
                lock=lock,
                umask=workshop.umask,
                also=self._share.locks,
            )
            return Attempt(command, workshop.clock)
        finally:
            os.close(lock)  # the stage's own copy is what counts now

    def _seal(self, attempt: AttemptPaths, number: int, ending: Ending) -> Sealed:
        """Verify, publish, judge, seal. On return the stage is done."""
        name, workshop = self.stage.name, self._workshop
        made = draft.verify(self.stage, attempt)
        die_at(name, "verified")
        heard = self._listener.metrics if self._listener else {}
        metrics = {**heard, **made.told}
        artifacts = workshop.paths.artifacts
        draft.publish(made, metrics, attempt, workshop.results, artifacts, name)
        die_at(name, "published")
        judgement = gate.judge(self.stage.gates, metrics)
        die_at(name, "judged")
        seal = Seal(
            run=workshop.plan.run,
            stage=name,
            attempt=number,
            fingerprint=self._fingerprint,
            verdict=judgement.verdict,
            duration_s=ending.duration_s,
            host=workshop.plan.host,
            manifest=made.manifest.digest(),
            subject=self._subject(metrics, judgement.verdict),
        )
        commit = self._commit(seal, made)
        die_at(name, "sealed")
        workshop.note(name)
        return Sealed(
            seal=seal,
            commit=commit,
            metrics=metrics,
            judgement=judgement,
            duration_s=ending.duration_s,
        )

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

    def _subject(self, metrics: Mapping[str, float], verdict: gate.Verdict) -> str:
        if self.stage.commit:
            shown = {name: number_text(value) for name, value in metrics.items()}
            return template.fill(self.stage.commit, shown)
        numbers = numbers_text(metrics, most=3)
        return f"{self.stage.name}: {verdict}" + (f", {numbers}" if numbers else "")

    def _tell(
        self, sealed: Sealed, attempt: AttemptPaths
    ) -> tuple[Outcome, PipelineError | None]:
        """Tell of the seal; where that cannot be written, the next runner tells it."""
        name, failures = self.stage.name, sealed.judgement.failures
        said = events.StageSealed(
            stage=name,
            attempt=sealed.seal.attempt,
            commit=sealed.commit,
            verdict=sealed.seal.verdict,
            subject=sealed.seal.subject,
            duration_s=sealed.duration_s,
            metrics=sealed.metrics,
            failures=failures,
        )
        outcome: Outcome = "gate" if failures else "pass"
        self._workshop.story.tell(said, durable=True)
        die_at(name, "told")
        files.remove_tree(attempt.results)
        return outcome, gate_error(name, sealed.commit, failures) if failures else None


def _as_failure(stage: str, error: PipelineError | OSError | str) -> PipelineError:
    if isinstance(error, PipelineError):
        return error
    said = error if isinstance(error, str) else f"failed: {error}"
    return StageFailed(f"stage {stage!r} {said}")


def gate_error(stage: str, commit: str, failures: tuple[str, ...]) -> GateFailed:
    """Say which gate of a sealed stage failed."""
    message = f"{failures[0]}, on stage {stage!r}"
    hint = f"sealed as {commit[:7]} with Verdict: fail; nothing after it was run"
    return GateFailed(message, hint=hint)
