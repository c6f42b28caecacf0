"""What tests of stages share: a context on real folders, and a small trained model."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.stage import Report, StageContext

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

TRAINED = ("model.pt", "codes.npz", "logits.npz", "sample.npz")


class Reports(list[Report]):
    """All that a stage told, in order; `heard` is called after each tick."""

    heard: Callable[[], None] | None = None

    def __call__(self, report: Report) -> None:
        """Take a report."""
        self.append(report)
        if "tick" in report and self.heard:
            self.heard()

    def written(self, path: Path) -> None:
        """Write the metrics to a file."""
        path.write_text(json.dumps(self.metrics))

    @property
    def metrics(self) -> dict[str, float]:
        """Give the last value of each metric."""
        told = [report.get("metric", {}) for report in self]
        return {name: value for each in told for name, value in each.items()}

    @property
    def ticks(self) -> list[Report]:
        """Give what was said of how far it is."""
        return [report for report in self if "tick" in report]


class Staged(NamedTuple):
    """A context, and what is told through it."""

    ctx: StageContext
    reports: Reports


Context = Callable[..., Staged]


def staged(
    root: Path,
    stage: str,
    inputs: Mapping[str, Path] | None = None,
    outputs: tuple[str, ...] = (),
    seed: int = 0,
) -> Staged:
    """Lay out the folders of an attempt below `root`, as on a box."""
    folders = [root / kind for kind in ("out", "results", "checkpoints")]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    reports = Reports()
    ctx = StageContext(
        stage=stage,
        inputs=dict(inputs or {}),
        outputs=frozenset(outputs),
        out=folders[0],
        results=folders[1],
        checkpoint_dir=folders[2],
        seed=seed,
        tell=reports,
    )
    return Staged(ctx, reports)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Give a context below the test's own folder; the same name twice is a resume."""

    def of(
        stage: str,
        inputs: Mapping[str, Path] | None = None,
        outputs: tuple[str, ...] = (),
        seed: int = 0,
        name: str = "",
    ) -> Staged:
        return staged(tmp_path / (name or stage), stage, inputs, outputs, seed)

    return of


@pytest.fixture(scope="session")
def trained_tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the tiny profile once, for all workers; the folder is only to be read.

    Beside what the stage makes there are `metrics.json` and the folder `results`.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    root = base / "trained_tiny"
    root.mkdir(exist_ok=True)
    with (base / "trained_tiny.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "is_whole").exists():
            _train(root)
            (root / "is_whole").touch()
    return root / "out"


def _train(root: Path) -> None:
    """Run the stage as a runner would."""
    from stages import train

    ctx, reports = staged(root, "train", outputs=TRAINED)
    train.run(train.Params(profile="tiny"), ctx)
    reports.written(root / "out" / "metrics.json")
