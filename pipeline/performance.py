"""One stage, from the decision about it to its seal.

    perform
      _reuse        an older seal holds what it would make: seal that anew
      _try          or, for each try: a fresh draft, a process, what it came to
      made          outputs -> verify -> publish -> judge -> seal    (sealing)
    _tell           the event, after the fact

The order is the promise: the commit is the fact, the event tells of it afterwards.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import collecting, draft, events, files, room
from pipeline.deaths import die_at
from pipeline.ending import Ending
from pipeline.errors import HostError, IntegrityError, PipelineError, StageFailed
from pipeline.fence import fence
from pipeline.fingerprint import Document
from pipeline.git import Git
from pipeline.listener import Listener
from pipeline.orders import Orders
from pipeline.sealing import Sealing, Tried, gate_error
from pipeline.secrets.values import scrub
from pipeline.supervise import Attempt, Command, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pipeline.attempt import AttemptPaths
    from pipeline.graph import Outcome
    from pipeline.resources import Share
    from pipeline.schema import Stage
    from pipeline.sealing import Sealed
    from pipeline.workshop import Workshop

GRACE_S = 10.0  # between asking a stage to end and killing it


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
        self._sealing = Sealing(stage, workshop)
        self._document: Document | None = None

    @property
    def last_line(self) -> str:
        """The last line the stage printed."""
        return self._listener.last_line if self._listener else ""

    def perform(self) -> tuple[Outcome, PipelineError | None]:
        """Reuse or try, until it is done or the tries are used up or a stop came."""
        try:
            reused = self._reuse()
        except (PipelineError, OSError) as error:
            return "failed", _as_failure(self.stage.name, error)
        if reused is not None:
            return self._tell(reused)
        for left in reversed(range(self.stage.retries + 1)):
            paths = self._workshop.paths
            number = draft.next_number(paths.attempts, self.stage.name)
            attempt = paths.attempt(self.stage.name, number)
            try:
                ending = self._try(attempt, number)
                if ending.kind == "stopped":
                    return "stopped", None
                if ending.kind == "done":
                    sealed = self._sealing.made(self._tried(attempt, number, ending))
                    break
                remark = room.remark(paths.root)
                failure = _as_failure(self.stage.name, ending.reason + remark)
            except (PipelineError, OSError) as error:
                failure = _as_failure(self.stage.name, error)
            # Where there is no room, another try would find as little.
            hopeless = isinstance(failure, HostError)
            again = left > 0 and not hopeless and not self._is_stopping()
            self._tell_failed(number, failure, again=again)
            if self._is_stopping():
                return "stopped", None
            if hopeless:
                return "failed", failure
        else:
            return "failed", failure
        # From here on the stage is done, whatever else goes wrong: no other try.
        told = self._tell(sealed)
        files.remove_tree(attempt.results)
        return told

    def _reuse(self) -> Sealed | None:
        """Seal anew what an older seal holds; None when the stage is to be executed."""
        name, workshop = self.stage.name, self._workshop
        for need in self.stage.needs:
            workshop.make_sure(need)
        decision, old = self._orders.decide()
        if old is not None:
            die_at(name, "decided")
            try:
                return self._sealing.again(old)
            except IntegrityError as error:
                decision = replace(decision, because=error.message)
        if name in workshop.plan.settled:
            message = f"stage {name!r} would be executed: {decision.because}"
            raise StageFailed(message, hint="it was to be reused: --only")
        return None

    def _tried(self, attempt: AttemptPaths, number: int, ending: Ending) -> Tried:
        document, heard = self._document, self._listener
        assert document is not None, "what ended well was begun"
        assert heard is not None, "and heard"
        return Tried(
            attempt=attempt,
            number=number,
            metrics=heard.metrics,
            duration_s=ending.duration_s,
            document=document,
        )

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
        wanted = room.of_attempt(self._orders.last())
        room.check(workshop.paths.root, f"stage {name!r}", wanted)
        draft.make(attempt)
        workshop.results.stage(name).mkdir(parents=True, exist_ok=True)
        self._settle()
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

    def _settle(self) -> None:
        """Let it find its worktree as if nothing had been tried before."""
        workshop = self._workshop
        sealed = tuple(workshop.ledger.seals())
        git = Git(workshop.paths.box.code)
        collecting.settle(self.stage, workshop.plan, workshop.paths, sealed, git)

    def _stamps(self) -> dict[str, draft.Stamp]:
        plan, base = self._workshop.plan, self._workshop.paths.base
        return draft.stamps(base, self.stage.collect, collecting.never(plan))

    def _run(self, attempt: AttemptPaths, number: int) -> Ending:
        workshop, name = self._workshop, self.stage.name
        raw = workshop.paths.raw_log(name, number)
        raw.touch(mode=0o600)
        argv, environment = self._orders.command(attempt)
        # Of the inputs as they are now, which is what the stage will read.
        parts = self._orders.parts()
        began_ns = int(workshop.clock.now().timestamp() * 1e9)
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
            scrub(raw, workshop.hidden)
        parts = self._orders.still(parts)
        noted = self._orders.reads(attempt, parts, began_ns)
        reads = {workshop.story.clean(path): one for path, one in noted.items()}
        self._document = Document(fingerprint=parts.digest(), parts=parts, reads=reads)
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

    def _tell(self, sealed: Sealed) -> tuple[Outcome, PipelineError | None]:
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
            reuses=sealed.seal.reuses,
            kept_back=sealed.kept_back,
        )
        outcome: Outcome = "gate" if failures else "pass"
        self._workshop.story.tell(said, durable=True)
        die_at(name, "told")
        return outcome, gate_error(name, sealed.commit, failures) if failures else None


def _as_failure(stage: str, error: PipelineError | OSError | str) -> PipelineError:
    if isinstance(error, PipelineError):
        return error
    said = error if isinstance(error, str) else f"failed: {error}"
    return StageFailed(f"stage {stage!r} {said}")
