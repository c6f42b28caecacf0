"""The story of a run: one line of JSON per thing that happened.

Append-only, whole lines, one writer. A reader may meet a torn last line (a power cut,
or a read in the middle of a write) and leaves it for later.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pipeline import codec, files
from pipeline.clock import Clock, stamp
from pipeline.errors import IntegrityError
from pipeline.gate import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENT_FORMAT = 1
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT


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
        *(RunStarted, RunResumed, StageStarted, StageTicked, StageMeasured),
        *(StageStalled, AttemptFailed, StageSealed, StageFailed, StageSkipped),
        *(RunStopping, RunEnded),
    )
}


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
        raw = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"a line of events.jsonl is not JSON: {str(line)[:60]!r}"
        raise IntegrityError(message) from error
    if not isinstance(raw, dict) or not isinstance(raw.get("at"), str):
        message = f"a line of events.jsonl is not an event: {str(line)[:60]!r}"
        raise IntegrityError(message)
    kind = _KINDS.get(str(raw.get("kind")))
    if kind is None:
        return None
    what: Happening = codec.decode(kind, raw, what=f"event {kind.kind}")
    return Event(at=raw["at"], what=what)


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


class EventLog:
    """The one writer of events.jsonl; its lines are whole, whoever calls."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open for appending; a torn last line gets its newline."""
        self._clock = clock
        self._turn = threading.Lock()
        self._path = path
        self._handle = os.open(path, _FLAGS, 0o644)
        size = os.fstat(self._handle).st_size
        if size and os.pread(self._handle, 1, size - 1) != b"\n":
            os.write(self._handle, b"\n")

    def append(self, what: Happening | Event, *, durable: bool = False) -> Event:
        """Tell it; with `durable`, it survives a power cut once this returns.

        What comes as an Event has its time already. A line that does not fit on the
        disk leaves no half of it.
        """
        with self._turn:
            event = what if isinstance(what, Event) else self.dated(what)
            line = encode(event).encode() + b"\n"
            size = os.fstat(self._handle).st_size
            try:
                while line:
                    line = line[os.write(self._handle, line) :]
            except OSError:
                os.ftruncate(self._handle, size)
                raise
            if durable:
                os.fsync(self._handle)
        return event

    def heal(self) -> bool:
        """Put the log back in its place if somebody removed it; tell whether so."""
        with self._turn:
            ours = os.fstat(self._handle)
            try:
                there = self._path.stat()
            except FileNotFoundError:
                there = None
            if there and (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                return False
            self._path.parent.mkdir(parents=True, exist_ok=True)
            files.replace_bytes(self._path, os.pread(self._handle, ours.st_size, 0))
            os.close(self._handle)
            self._handle = os.open(self._path, _FLAGS, 0o644)
            return True

    def dated(self, what: Happening) -> Event:
        """Make the event of what happens now."""
        return Event(at=stamp(self._clock.now()), what=what)

    def close(self) -> None:
        """Close it."""
        os.close(self._handle)
