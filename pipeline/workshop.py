"""What the runner and its stages work with: the open doors of one run."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import draft, events, files
from pipeline.git import Git

if TYPE_CHECKING:
    from pipeline.clock import Clock
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

    @property
    def python(self) -> str:
        """The Python that stage modules run in."""
        return str(Path(self.plan.python or sys.executable).expanduser())

    @cached_property
    def code(self) -> str:
        """The tree of the snapshot: all code a stage could read."""
        repository = Git(self.paths.box.code)
        return repository.text("rev-parse", f"{self.plan.snapshot}^{{tree}}")

    def input_path(self, ref: Input) -> Path:
        """Give where an input lies on this box."""
        if ref.data:
            data = next(d for d in self.plan.pipeline.data if d.name == ref.data)
            return self.paths.base / data.path
        return self.paths.artifacts / ref.stage / ref.file

    def sealed_event(self, seal: Seal) -> events.StageSealed:
        """Tell a seal that an earlier runner made and had no time to tell."""
        metrics = draft.published_metrics(self.results.metrics(seal.stage))
        return events.StageSealed(
            stage=seal.stage,
            attempt=seal.attempt,
            commit=seal.commit,
            verdict=seal.verdict,
            subject=seal.subject,
            duration_s=seal.duration_s,
            metrics=metrics,
        )

    def restore(self, stage: str, seal: Seal) -> None:
        """Make sure a sealed stage's files are there, taken from its commit if need be.

        Raise IntegrityError when a large one, which the commit only names, is lost.
        """
        repository = Git(self.paths.box.code)
        prefix = "" if self.plan.prefix == "." else f"{self.plan.prefix}/"
        places = (f"{prefix}results/{stage}", f"{prefix}artifacts/{stage}")
        listing = repository.out("ls-tree", "-r", "-z", seal.commit, "--", *places)
        for line in listing.split(b"\0")[:-1]:
            head, _, name = line.partition(b"\t")
            path = self.paths.tree / name.decode("utf-8", "surrogateescape")
            _put_back(
                path, repository.out("cat-file", "blob", head.decode().split()[2])
            )
        lost = draft.check_published(
            self.results.manifest(stage), self.paths.artifacts / stage
        )
        if lost:
            raise draft.lost_error(stage, lost)

    def close_run(self, reason: str) -> None:
        """Commit events, PROGRESS and logs, once for each time the story grew."""
        names = ["events.jsonl", "PROGRESS.txt"]
        most = self.plan.pipeline.git.max_file
        for stage in self.plan.pipeline.stages:
            log = self.results.log(stage.name)
            if log.exists() and log.stat().st_size <= most:
                names.append(f"{stage.name}/{log.name}")
        names = [n for n in names if (self.results.root / n).stat().st_size <= most]
        first = reason.splitlines()[0] if reason else "ended"
        message = f"pipeline: {first}\n\nRun: {self.plan.run}\nHost: {self.plan.host}\n"
        at = int(self.clock.now().timestamp())
        self.ledger.close_run(message, self.results.root, names, at=at)


def _put_back(path: Path, data: bytes) -> None:
    """Write a sealed file again, unless it is there as it was sealed."""
    if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
        return
    files.remove_tree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace_bytes(path, data)
