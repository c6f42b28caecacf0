"""The story of a run: one line of JSON per thing that happened.

Append-only, whole lines, one writer; `eventlines` has how a line is written and read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar

from pipeline.frozen import dataclass
from pipeline.gate import Verdict

# How the reason of an end says that it is none: the machine was shut down.
GOES_ON = "; it goes on by itself when the machine is back"
MOST_REASON = 4000  # letters of why something failed; all of it is in a log


@dataclass(frozen=True, slots=True, kw_only=True)
class StageShape:
    """A stage as the story tells it: its name and what it waits for."""

    name: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A runner took up the run for the first time."""

    kind: ClassVar[str] = "run_started"
    run: str
    name: str
    host: str
    snapshot: str
    stages: tuple[StageShape, ...]
    is_dirty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    """Another runner took the run up again; `because` where no person asked for it."""

    kind: ClassVar[str] = "run_resumed"
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWaiting:
    """The run stands behind others on its box; told again when that changes."""

    kind: ClassVar[str] = "run_waiting"
    because: str
    behind: tuple[str, ...] = ()
    is_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentToldOf:
    """The stages' environment is being built, or is there: `said` in one line."""

    kind: ClassVar[str] = "environment"
    said: str
    is_ready: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataToldOf:
    """A data set is being hashed, or is known: `said` in one line."""

    kind: ClassVar[str] = "data"
    said: str
    is_ready: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWaiting:
    """The stage could start, but for what another run holds."""

    kind: ClassVar[str] = "stage_waiting"
    stage: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    """An attempt of a stage began."""

    kind: ClassVar[str] = "stage_started"
    stage: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTicked:
    """A stage said how far it is."""

    kind: ClassVar[str] = "stage_ticked"
    stage: str
    done: float
    total: float
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageMeasured:
    """A stage reported metrics."""

    kind: ClassVar[str] = "stage_measured"
    stage: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStalled:
    """A stage breathes, but has shown no progress for a while."""

    kind: ClassVar[str] = "stage_stalled"
    stage: str
    silent_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """One try went wrong; `again` says whether another follows."""

    kind: ClassVar[str] = "attempt_failed"
    stage: str
    attempt: int
    reason: str
    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSealed:
    """The stage is done: its commit exists. Told after the fact, never before.

    kept_back: files in which a secret stands, and which are not in the commit for that.
    """

    kind: ClassVar[str] = "stage_sealed"
    stage: str
    attempt: int
    commit: str
    verdict: Verdict
    subject: str
    duration_s: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    reuses: str = ""
    kept_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFailed:
    """The stage failed for good in this run of the runner."""

    kind: ClassVar[str] = "stage_failed"
    stage: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSkipped:
    """The stage will not run, because of another."""

    kind: ClassVar[str] = "stage_skipped"
    stage: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStopping:
    """Somebody wished the run to stop."""

    kind: ClassVar[str] = "run_stopping"
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchPushed:
    """The box published the run's branch, or could not, and why."""

    kind: ClassVar[str] = "branch_pushed"
    to: str
    commit: str
    is_done: bool
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReport:
    """The run ends without a report, and why; nothing else hangs on that."""

    kind: ClassVar[str] = "no_report"
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The runner is done; nothing more comes unless the run is resumed."""

    kind: ClassVar[str] = "run_ended"
    exit_code: int
    reason: str


Happening = (
    RunStarted
    | RunResumed
    | RunWaiting
    | EnvironmentToldOf
    | DataToldOf
    | StageWaiting
    | StageStarted
    | StageTicked
    | StageMeasured
    | StageStalled
    | AttemptFailed
    | StageSealed
    | StageFailed
    | StageSkipped
    | RunStopping
    | BranchPushed
    | NoReport
    | RunEnded
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and when."""

    at: str
    what: Happening
