"""This machine as a box whose one run is written by hand, seen from a laptop."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from pipeline import codec, memory
from pipeline.clock import SystemClock
from pipeline.eventlines import encode
from pipeline.events import Event, Happening
from pipeline.layout import LaptopPaths, ResultPaths
from pipeline.memory import RunRecord
from pipeline.schema import Host, Pipeline, Resolved
from remote.far import Far
from remote.links.here import Here
from remote.watching.session import Session

AT = "2026-11-20T17:10:03.000000Z"
RECORD = RunRecord(
    run="20261120-1710-a3f9",
    name="x",
    project="x-1",
    branch="run/20261120-1710-a3f9",
    snapshot="9f",
    prefix=".",
    started_at=AT,
)
PLAN = Resolved(
    run=RECORD.run,
    project=RECORD.project,
    host="box",
    snapshot=RECORD.snapshot,
    branch=RECORD.branch,
    pipeline=Pipeline(name=RECORD.name, stages=()),
)


class ByHand:
    """A run in one home, and a laptop's repository in another folder."""

    def __init__(self, root: Path) -> None:
        """Make a run of which nothing was told yet, and put the runner there."""
        home = root / "home"
        self.run = home / ".pipeline" / RECORD.project / "runs" / RECORD.run
        self.there = ResultPaths(self.run / "tree" / "results")
        self.there.root.mkdir(parents=True)
        self.artifacts = self.run / "tree" / "artifacts"
        (self.run / "plan.json").write_text(codec.dumps(PLAN))
        self.record = replace(RECORD, host=Host(name="box", ssh="nowhere"))
        self.far = Far(Here(name="box", home=home), RECORD.project, None)
        self.far.upload()
        self.paths = LaptopPaths(root / "repo")
        subprocess.run(["git", "init", "-q", str(self.paths.root)], check=True)
        memory.remember_run(self.paths, self.record)
        self.here = self.paths.mirror(RECORD.run)

    def tell(self, *told: Happening) -> None:
        """Tell events."""
        with self.there.events.open("a") as file:
            file.writelines(encode(Event(AT, what)) + "\n" for what in told)

    def print(self, text: str) -> None:
        """Print as the stage `train`."""
        log = self.there.log("train")
        log.parent.mkdir(exist_ok=True)
        with log.open("a") as file:
            file.write(text)

    def watch(self) -> Session:
        """Begin another watch of the run from the one folder."""
        return Session(self.far, self.record, self.paths, SystemClock())

    def same(self) -> bool:
        """Tell whether the copy holds what was told and printed."""
        names = ("events.jsonl", "train/stage.log")
        return all(
            (self.here.root / name).exists()
            and (self.here.root / name).read_bytes()
            == (self.there.root / name).read_bytes()
            for name in names
        )
