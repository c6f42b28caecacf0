"""Where everything lies: the names of design, as paths.

With `attempt`, the only file that knows how folders are called. Nothing here touches
the disk.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.attempt import AttemptPaths
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from pathlib import Path, PurePosixPath

PIPELINE_FILE = "pipeline.yaml"
PLAN = "plan.json"
STOP = "stop"  # a wish in control/
EVENTS = "events.jsonl"
PROGRESS = "PROGRESS.txt"
HEARTBEAT = "HEARTBEAT.txt"
LOG = "stage.log"
ENVIRONMENT = "environment.json"
FREEZE = "requirements.freeze.txt"
REPORT = "FINAL_REPORT.md"
REPORT_PAGE = "FINAL_REPORT.html"
BOX_HOME = ".pipeline"  # below the home of whoever the box knows us as
SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
RUN_ID = re.compile(r"\d{8}-\d{4}-[0-9a-f]{4}")


def is_safe_name(name: str) -> bool:
    """Tell whether `name` may become a part of a path: names from a box may not lie."""
    return SAFE_NAME.fullmatch(name) is not None and ".." not in name


def base_of(prefix: str) -> str:
    """Give what paths of a repository begin with where `prefix` has pipeline.yaml."""
    return "" if prefix == "." else f"{prefix}/"


@dataclass(frozen=True, slots=True)
class BoxPaths:
    """`~/.pipeline/<project>` on the box."""

    root: Path

    @property
    def code(self) -> Path:
        """The bare repository that receives snapshots and holds run branches."""
        return self.root / "code.git"

    @property
    def runner(self) -> Path:
        """The folder of runner.pyz files, each named by its hash."""
        return self.root / "runner"

    @property
    def store(self) -> Path:
        """Big artifacts by content."""
        return self.root / "store"

    @property
    def envs(self) -> Path:
        """One environment for each thing that one was made of."""
        return self.root / "envs"

    @property
    def cache(self) -> Path:
        """What only saves looking again."""
        return self.root / "cache"

    @property
    def runs(self) -> Path:
        """One folder per run."""
        return self.root / "runs"

    @property
    def gpus(self) -> Path:
        """Locks of this box's GPUs, shared by all projects of one user."""
        return self.root.parent / "gpus"

    def run(self, run: str) -> Path:
        """The folder of one run."""
        return self.runs / run


@dataclass(frozen=True, slots=True)
class RunPaths:
    """A run's folder on the box. `prefix`: where pipeline.yaml lies in the tree."""

    root: Path
    prefix: PurePosixPath

    @property
    def box(self) -> BoxPaths:
        """The project's folder this run lies in."""
        return BoxPaths(self.root.parent.parent)

    @property
    def plan(self) -> Path:
        """The resolved pipeline; its presence means the run was begun whole."""
        return self.root / PLAN

    @property
    def runner_lock(self) -> Path:
        """Held means a runner lives."""
        return self.root / "runner.lock"

    @property
    def runner_log(self) -> Path:
        """What the runner itself said, should it die of a bug."""
        return self.root / "runner.log"

    @property
    def environment(self) -> Path:
        """The name of the environment that the stages run in, if we built it."""
        return self.root / "environment"

    @property
    def program(self) -> Path:
        """The name of the runner.pyz that began the run, and goes on with it."""
        return self.root / "program"

    @property
    def control(self) -> Path:
        """Wishes of the laptop, one file each."""
        return self.root / "control"

    @property
    def raw(self) -> Path:
        """What children really printed; never leaves the box."""
        return self.root / "raw"

    @property
    def tree(self) -> Path:
        """The detached worktree of the snapshot."""
        return self.root / "tree"

    @property
    def base(self) -> Path:
        """Where pipeline.yaml lies in the worktree: the home of stages."""
        return self.tree / self.prefix

    @property
    def results(self) -> Path:
        """Small, for people."""
        return self.base / "results"

    @property
    def artifacts(self) -> Path:
        """For machines."""
        return self.base / "artifacts"

    @property
    def checkpoints(self) -> Path:
        """What outlives attempts."""
        return self.root / "checkpoints"

    @property
    def attempts(self) -> Path:
        """Drafts, one folder per try."""
        return self.root / "attempts"

    def attempt(self, stage: str, number: int) -> AttemptPaths:
        """The folder of one try of a stage."""
        return AttemptPaths(self.attempts / f"{stage}.{number}")

    def raw_log(self, stage: str, number: int) -> Path:
        """What the stage's processes printed in one try."""
        return self.raw / f"{stage}.{number}"


@dataclass(frozen=True, slots=True)
class ResultPaths:
    """A run's results folder: on the box, as the laptop's mirror, or behind a link."""

    root: Path

    @property
    def events(self) -> Path:
        """The story."""
        return self.root / EVENTS

    @property
    def progress(self) -> Path:
        """The picture of the story."""
        return self.root / PROGRESS

    @property
    def heartbeat(self) -> Path:
        """The breath."""
        return self.root / HEARTBEAT

    @property
    def environment(self) -> Path:
        """What the stages ran in."""
        return self.root / ENVIRONMENT

    @property
    def freeze(self) -> Path:
        """Its packages, as pip lists them."""
        return self.root / FREEZE

    @property
    def report(self) -> Path:
        """What the run was, once it has ended."""
        return self.root / REPORT

    @property
    def report_page(self) -> Path:
        """The same as a page, with all figures in it."""
        return self.root / REPORT_PAGE

    def stage(self, name: str) -> Path:
        """The folder of one stage."""
        return self.root / name

    def log(self, name: str) -> Path:
        """The published log of one stage."""
        return self.root / name / LOG

    def metrics(self, name: str) -> Path:
        """The numbers of one stage."""
        return self.root / name / "metrics.json"

    def manifest(self, name: str) -> Path:
        """The files of one stage, with size and sha256."""
        return self.root / name / "manifest.json"


@dataclass(frozen=True, slots=True)
class LaptopPaths:
    """What lies beside the pipeline.yaml on the laptop."""

    root: Path

    @property
    def pipeline_file(self) -> Path:
        """The declaration."""
        return self.root / PIPELINE_FILE

    @property
    def results(self) -> Path:
        """Mirrors, one folder per run, and `latest`."""
        return self.root / "results"

    @property
    def artifacts(self) -> Path:
        """What was pulled, one folder per run."""
        return self.root / "artifacts"

    @property
    def memory(self) -> Path:
        """What the laptop must remember."""
        return self.root / ".pipeline"

    @property
    def runs(self) -> Path:
        """Which run is on which host, one file each."""
        return self.memory / "runs"

    @property
    def scratch(self) -> Path:
        """The git folder snapshots are made in, so that the user's stays as it is."""
        return self.memory / "snapshots.git"

    @property
    def recollection(self) -> Path:
        """What pipeline.yaml came to when it was last read."""
        return self.memory / "recollection.json"

    @property
    def imports(self) -> Path:
        """What the modules of the repository import, by the names of their objects."""
        return self.memory / "imports.json"

    def mirror(self, run: str) -> ResultPaths:
        """The laptop's copy of a run's results."""
        return ResultPaths(self.results / run)
