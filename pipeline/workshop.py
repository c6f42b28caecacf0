"""What the runner and its stages work with: the open doors of one run."""

from __future__ import annotations

import contextlib
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import artifact, draft, events, gate
from pipeline.frozen import dataclass
from pipeline.restoring import Restoring
from pipeline.seal import one_line
from pipeline.secrets.values import hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.blobs import Blobs
    from pipeline.clock import Clock
    from pipeline.environments.environment import Environment
    from pipeline.events import Event
    from pipeline.keeper import Keeper
    from pipeline.layout import ResultPaths, RunPaths
    from pipeline.ledger import Ledger
    from pipeline.plan import Planner
    from pipeline.schema import Input, Resolved
    from pipeline.seal import Seal
    from pipeline.secrets.blot import Secrets
    from pipeline.store import Store
    from pipeline.story import Story


@dataclass(kw_only=True)
class Workshop:
    """One run's folder, ledger, story and keeper, opened once for all its stages."""

    plan: Resolved
    paths: RunPaths
    results: ResultPaths
    clock: Clock
    keeper: Keeper
    ledger: Ledger
    story: Story
    blobs: Blobs
    store: Store
    environment: Environment | None = None  # of the stages, once it is there
    planner: Planner | None = None  # likewise
    self_argv: tuple[str, ...] = ()  # how to start this program with another verb
    umask: int = 0o022  # of whoever launched the runner: it is the stages' own
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: Secrets = field(default=(), repr=False)  # what nobody may read of them
    _looks: dict[str, dict[str, draft.Stamp]] = field(default_factory=dict)

    def keep_secret(self, secrets: Mapping[str, str]) -> None:
        """Take the values of secrets, which no story tells from now on."""
        self.secrets, self.hidden = secrets, hidden(secrets)
        self.story.hidden = self.hidden

    def input_path(self, ref: Input) -> Path:
        """Give where an input lies on this box."""
        if ref.data:
            data = next(d for d in self.plan.pipeline.data if d.name == ref.data)
            return self.paths.base / data.path
        return self.paths.artifacts / ref.stage / ref.file

    def sealed_event(self, seal: Seal) -> events.StageSealed:
        """Tell a seal that an earlier runner made and had no time to tell."""
        metrics = draft.published_metrics(self.results.metrics(seal.stage))
        stage = self.plan.pipeline.stage(seal.stage)
        failures = gate.judge(stage.gates, metrics).failures
        return events.StageSealed(
            stage=seal.stage,
            attempt=seal.attempt,
            commit=seal.commit,
            verdict=seal.verdict,
            subject=seal.subject,
            duration_s=seal.duration_s,
            metrics=metrics,
            failures=failures if seal.verdict == "fail" else (),
            reuses=seal.reuses,
        )

    @property
    def restoring(self) -> Restoring:
        """What puts the files of sealed stages back."""
        return Restoring(
            paths=self.paths, results=self.results, blobs=self.blobs, store=self.store
        )

    def restore(self, stage: str) -> None:
        """Make sure that a sealed stage's files are there, as this run's seal has them.

        Raise IntegrityError when a large one is lost.
        """
        at = self.ledger.sealed_at(stage)
        self.restoring.restore(stage, self.ledger.trees_of(stage), at)

    def note(self, stage: str) -> None:
        """Remember how a sealed stage's artifacts look now."""
        self._looks[stage] = self._look(stage)

    def make_sure(self, stage: str) -> None:
        """Make sure that a sealed stage's artifacts are what was sealed.

        Another stage may have changed them in the worktree it shares. What lies in the
        commit is put back; a large file that was changed is an error.
        """
        if self._looks.get(stage) == self._look(stage):
            return
        self.restore(stage)
        listed = artifact.read_manifest(self.results.manifest(stage)).artifacts
        home = self.paths.artifacts / stage
        changed = [
            name
            for name, wanted in listed.items()
            if artifact.sha256_of(home / name) != wanted.sha256
            and not self.store.take(wanted, home / name)
        ]
        if changed:
            raise draft.lost_error(stage, changed)
        # Only now: another try must find a damaged file as damaged as this one did.
        self.note(stage)

    def _look(self, stage: str) -> dict[str, draft.Stamp]:
        return draft.stamps(self.paths.artifacts / stage, ["*"], frozenset())

    def report(self, ended: Event) -> str:
        """Make the report of the run, whose end is told later; say why there is none.

        A run does not fail of its report, whatever is wrong with that: a bug, too.
        """
        from pipeline.report import final  # noqa: PLC0415 - only a run's end needs it

        clean = self.story.clean if self.hidden else None
        try:
            final.write(self.plan, self.results, self.story.state, ended, clean)
        except Exception as error:  # noqa: BLE001 - see above
            with contextlib.suppress(OSError):
                final.remove(self.results)
            return f"{type(error).__name__}: {error}"[: events.MOST_REASON]
        return ""

    def close_run(
        self, ended: Event, before_move: Callable[[], None] = lambda: None
    ) -> None:
        """Commit the story with its end, and the logs that are small enough."""
        story: dict[str, Path | None] = {**self.story.with_end(ended, self.paths.root)}
        most = self.plan.pipeline.git.max_file
        for stage in self.plan.pipeline.stages:
            log = self.results.log(stage.name)
            if log.exists() and 0 < log.stat().st_size <= most:
                story[f"{stage.name}/{log.name}"] = log
        for path in (self.results.environment, self.results.freeze):
            if path.exists():
                story[path.name] = path
        for path in (self.results.report, self.results.report_page):
            story[path.name] = path if path.is_file() else None
        assert isinstance(ended.what, events.RunEnded)
        first = one_line((ended.what.reason or "ended").splitlines()[0])
        message = f"pipeline: {first}\n\nRun: {self.plan.run}\nHost: {self.plan.host}\n"
        at = int(self.clock.now().timestamp())
        self.ledger.close_run(message, story, at=at, before_move=before_move)
