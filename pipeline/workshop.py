"""What the runner and its stages work with: the open doors of one run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import artifact, draft, events, files, gate
from pipeline.git import Git
from pipeline.ledger import one_line
from pipeline.objects import blob_name, hash_name_of

if TYPE_CHECKING:
    from pipeline.clock import Clock
    from pipeline.events import Event
    from pipeline.keeper import Keeper
    from pipeline.layout import ResultPaths, RunPaths
    from pipeline.ledger import Ledger, Seal
    from pipeline.schema import Input, Resolved
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
    self_argv: tuple[str, ...]
    _looks: dict[str, dict[str, draft.Stamp]] = field(default_factory=dict)
    umask: int = 0o022  # of whoever launched the runner: it is the stages' own

    @property
    def python(self) -> str:
        """The Python that stage modules run in."""
        return str(Path(self.plan.python or sys.executable).expanduser())

    @cached_property
    def code(self) -> str:
        """The tree of the snapshot: all code a stage could read."""
        return self._repository.text("rev-parse", f"{self.plan.snapshot}^{{tree}}")

    @cached_property
    def _repository(self) -> Git:
        return Git(self.paths.box.code)

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
        )

    def restore(self, stage: str, seal: Seal) -> None:
        """Make sure a sealed stage's files are there, taken from its commit if need be.

        Raise IntegrityError when a large one, which the commit only names, is lost.
        """
        repository = self._repository
        prefix = "" if self.plan.prefix == "." else f"{self.plan.prefix}/"
        places = (f"{prefix}results/{stage}", f"{prefix}artifacts/{stage}")
        listing = repository.out("ls-tree", "-r", "-z", seal.commit, "--", *places)
        for line in listing.split(b"\0")[:-1]:
            head, _, name = line.partition(b"\t")
            mode, _, oid = head.decode().split()
            path = self.paths.tree / name.decode("utf-8", "surrogateescape")
            if not self._is_there(path, oid):
                _put_back(path, repository.out("cat-file", "blob", oid), mode)
        lost = draft.check_published(
            self.results.manifest(stage), self.paths.artifacts / stage
        )
        if lost:
            raise draft.lost_error(stage, lost)

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
        seal = self.ledger.seals()[stage]
        self.restore(stage, seal)
        listed = artifact.read_manifest(self.results.manifest(stage)).artifacts
        home = self.paths.artifacts / stage
        changed = [
            n for n, a in listed.items() if artifact.sha256_of(home / n) != a.sha256
        ]
        if changed:
            raise draft.lost_error(stage, changed)
        # Only now: another try must find a damaged file as damaged as this one did.
        self.note(stage)

    def _look(self, stage: str) -> dict[str, draft.Stamp]:
        return draft.stamps(self.paths.artifacts / stage, ["*"], frozenset())

    def _is_there(self, path: Path, oid: str) -> bool:
        is_file = path.is_file() and not path.is_symlink()
        return is_file and blob_name(path, hash_name_of(oid)) == oid

    def close_run(self, ended: Event) -> None:
        """Commit the story with its end, and the logs that are small enough."""
        story = self.story.with_end(ended, self.paths.root)
        most = self.plan.pipeline.git.max_file
        for stage in self.plan.pipeline.stages:
            log = self.results.log(stage.name)
            if log.exists() and 0 < log.stat().st_size <= most:
                story[f"{stage.name}/{log.name}"] = log
        assert isinstance(ended.what, events.RunEnded)
        first = one_line((ended.what.reason or "ended").splitlines()[0])
        message = f"pipeline: {first}\n\nRun: {self.plan.run}\nHost: {self.plan.host}\n"
        self.ledger.close_run(message, story, at=int(self.clock.now().timestamp()))


def _put_back(path: Path, data: bytes, mode: str) -> None:
    """Write a sealed file again, as its commit has it."""
    files.remove_tree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace_bytes(path, data)
    path.chmod(0o755 if mode == "100755" else 0o644)
