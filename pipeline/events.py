"""The story of a run: one line of JSON per thing that happened.

Append-only, whole lines, one writer. A reader may meet a torn last line (a power cut,
or a read in the middle of a write) and leaves it for later.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, ClassVar

from pipeline import codec
from pipeline.errors import IntegrityError
from pipeline.frozen import dataclass
from pipeline.gate import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT_FORMAT = 1
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
    """Another runner took the run up again."""

    kind: ClassVar[str] = "run_resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentToldOf:
    """The stages' environment is being built, or is there: `said` in one line."""

    kind: ClassVar[str] = "environment"
    said: str
    is_ready: bool = False


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
    """The stage is done: its commit exists. Told after the fact, never before."""

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
class RunEnded:
    """The runner is done; nothing more comes unless the run is resumed."""

    kind: ClassVar[str] = "run_ended"
    exit_code: int
    reason: str


Happening = (
    RunStarted
    | RunResumed
    | EnvironmentToldOf
    | StageStarted
    | StageTicked
    | StageMeasured
    | StageStalled
    | AttemptFailed
    | StageSealed
    | StageFailed
    | StageSkipped
    | RunStopping
    | RunEnded
)
_KINDS: dict[str, type[Happening]] = {
    kind.kind: kind
    for kind in (
        *(RunStarted, RunResumed, EnvironmentToldOf, StageStarted, StageTicked),
        StageMeasured,
        *(StageStalled, AttemptFailed, StageSealed, StageFailed, StageSkipped),
        *(RunStopping, RunEnded),
    )
}
_SPOKEN = {kind: f"event {name}" for name, kind in _KINDS.items()}
_JSON = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, and when."""

    at: str
    what: Happening


def encode(event: Event) -> str:
    """Write an event as one line, without its newline."""
    body = codec.encode(_finite(event.what))
    head = {"v": EVENT_FORMAT, "at": event.at, "kind": event.what.kind}
    return codec.escaped(
        json.dumps(
            {**head, **body},  # type: ignore[dict-item]  # a dataclass gives an object
            ensure_ascii=False,
            separators=(",", ":"),
            allow_nan=False,
        )
    )


def _finite(what: Happening) -> Happening:
    """Leave out numbers that are not finite: JSON has no word for them."""
    changed: dict[str, Any] = {}
    for name in ("numbers", "metrics"):
        numbers: Mapping[str, float] = getattr(what, name, {})
        if not all(map(math.isfinite, numbers.values())):
            changed[name] = {k: v for k, v in numbers.items() if math.isfinite(v)}
    for name in ("done", "total", "duration_s", "silent_s"):
        if not math.isfinite(getattr(what, name, 0.0)):
            changed[name] = 0.0
    return dataclasses.replace(what, **changed) if changed else what


def decode(line: str | bytes) -> Event | None:
    """Read one line; None for a kind this version does not know."""
    try:
        raw = _parsed(line)
    except (ValueError, RecursionError) as error:
        message = f"a line of events.jsonl is not JSON: {str(line)[:60]!r}"
        raise IntegrityError(message) from error
    if not isinstance(raw, dict) or not isinstance(raw.get("at"), str):
        message = f"a line of events.jsonl is not an event: {str(line)[:60]!r}"
        raise IntegrityError(message)
    named = raw.get("kind")
    if not isinstance(named, str) or (kind := _KINDS.get(named)) is None:
        return None
    what: Happening = codec.decode(kind, raw, what=_SPOKEN[kind])
    return Event(raw["at"], what)


def _parsed(line: str | bytes) -> Any:
    """Parse a line, and quickly where it is as we write it: logs grow long."""
    try:
        text = line if isinstance(line, str) else line.decode()
        raw, end = _JSON.raw_decode(text)
        if end == len(text):
            return raw
    except ValueError:
        pass  # what it is, or is not, is said by the whole parser
    return json.loads(line)


def read_events(log: bytes) -> Iterator[Event]:
    """Yield the events of the whole lines of `log`.

    A torn last line is left for the next read. A line torn by a power cut got its
    newline from the writer that came after; it is nobody's event, and passed over.
    """
    whole, _, _torn = log.rpartition(b"\n")
    for line in whole.splitlines():
        try:
            event = decode(line)
        except IntegrityError:
            continue
        if event is not None:
            yield event
