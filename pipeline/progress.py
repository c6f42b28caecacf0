"""What the events so far add up to.

`fold` is total and pure: every view of a run (PROGRESS.txt, the terminal, `status`) is
drawn from the RunState it gives, never from anything remembered on the side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Literal

from pipeline import events, tally
from pipeline.clock import parse_stamp, spoken
from pipeline.frozen import dataclass
from pipeline.layout import is_safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable

Status = Literal["waiting", "running", "sealed", "rejected", "failed", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageState:
    """How one stage stands."""

    name: str
    needs: tuple[str, ...] = ()
    status: Status = "waiting"
    attempt: int = 0
    started_at: str = ""
    first_tick_at: str = ""
    first_done: float = 0.0
    last_tick_at: str = ""
    done: float = 0.0
    total: float = 0.0
    numbers: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    silent_s: float = 0.0
    commit: str = ""
    subject: str = ""
    duration_s: float = 0.0
    reuses: str = ""
    kept_back: tuple[str, ...] = ()
    reason: str = ""

    @property
    def took(self) -> str:
        """How long a sealed stage took, unless an older seal was reused."""
        return "reused" if self.reuses else spoken(self.duration_s)

    @property
    def share(self) -> float:
        """How much is done, from 0 to 1; 0 when not known."""
        # A tick may be NaN, and NaN passes through min and max.
        share = self.done / self.total if self.total > 0 else 0.0
        return min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0

    @property
    def rate(self) -> float:
        """Ticks per second since the first tick of this attempt; 0 when not known."""
        if not self.first_tick_at or self.done <= self.first_done:
            return 0.0
        span = span_s(self.first_tick_at, self.last_tick_at)
        return (self.done - self.first_done) / span if span > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds to go at that rate; None when not known."""
        left = (self.total - self.done) / self.rate if self.rate > 0 else math.nan
        return max(left, 0.0) if self.total > 0 and math.isfinite(left) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How the whole run stands. `exit_code` is None until a runner said the end."""

    run: str = ""
    name: str = ""
    host: str = ""
    snapshot: str = ""
    is_dirty: bool = False
    stages: Mapping[str, StageState] = field(default_factory=dict)
    started_at: str = ""
    last_at: str = ""
    resumed: int = 0
    is_stopping: bool = False
    waiting: str = ""
    published: str = ""
    unreported: str = ""
    environment: str = ""
    data: str = ""
    exit_code: int | None = None
    reason: str = ""

    @property
    def has_ended(self) -> bool:
        """Tell whether a runner said the end, and none took the run up since."""
        return self.exit_code is not None

    @property
    def closed(self) -> int:
        """How many stages have a seal, whatever their gates said."""
        return sum(one.status in ("sealed", "rejected") for one in self.stages.values())

    @property
    def share(self) -> float:
        """How much of all stages is done, from 0 to 1."""
        running = (s.share for s in self.stages.values() if s.status == "running")
        done = self.closed + sum(running)
        return done / len(self.stages) if self.stages else 0.0

    @property
    def aside(self) -> str:
        """What goes on besides the stages: what is waited for, built or hashed."""
        return self.waiting or self.environment or self.data

    @property
    def word(self) -> str:
        """The state of the run in one word."""
        if self.exit_code is None:
            if self.is_stopping:
                return "stopping"
            return "waiting" if self.waiting else "running"
        return {0: "done", 3: "gate failed", 130: "stopped"}.get(
            self.exit_code, "failed"
        )


def span_s(begin: str, end: str) -> float:
    """Give the seconds between two stamps; 0 when one of them is none."""
    try:
        return (parse_stamp(end) - parse_stamp(begin)).total_seconds()
    except ValueError:
        return 0.0


def elapsed_s(begin: str, end: str) -> float:
    """Give the seconds between two stamps, never less than none: clocks differ."""
    return max(span_s(begin, end), 0.0) if begin and end else 0.0


def fold(story: Iterable[events.Event], state: RunState | None = None) -> RunState:
    """Add up a story, or what of it came after `state`."""
    return _Sum(state or RunState()).after(story)


def advance(state: RunState, event: events.Event) -> RunState:
    """Give the state after one more event; events of unknown stages are passed over."""
    return _Sum(state).after([event])


class _Sum:
    """A state while it is added up: a frozen one per event would cost too much.

    The fields of a stage that something was told of are a dict, until all is asked for.
    """

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._last_at = state.last_at
        self._open: dict[str, dict[str, Any]] = {}

    def after(self, story: Iterable[events.Event]) -> RunState:
        for event in story:
            self._add(event)
        return self._total()

    def _add(self, event: events.Event) -> None:
        self._last_at = event.at
        what = event.what
        change = tally.CHANGES.get(type(what))
        if change is None:
            self._state = _advance_run(self._total(), event)
            self._open = {}
        elif (said := self._said(what.stage)) is not None:  # type: ignore[union-attr]
            change(said, event.at, what)

    def _said(self, name: str) -> dict[str, Any] | None:
        if name not in self._open and (stage := self._state.stages.get(name)):
            said = {field: getattr(stage, field) for field in StageState.__slots__}
            self._open[name] = said
        return self._open.get(name)

    def _total(self) -> RunState:
        changed = {name: StageState(**said) for name, said in self._open.items()}
        stages = {**self._state.stages, **changed} if changed else self._state.stages
        return replace(self._state, stages=stages, last_at=self._last_at)


def _advance_run(state: RunState, event: events.Event) -> RunState:
    what = event.what
    if isinstance(what, events.RunStarted):
        # Names become paths: those of a box that lies are left out.
        named = [s for s in what.stages if is_safe_name(s.name)]
        shapes = {s.name: StageState(name=s.name, needs=s.needs) for s in named}
        return replace(
            state,
            run=what.run,
            name=what.name,
            host=what.host,
            snapshot=what.snapshot,
            is_dirty=what.is_dirty,
            stages=shapes,
            started_at=event.at,
        )
    if isinstance(what, events.RunResumed):
        return _resumed(state)
    if isinstance(what, events.RunWaiting):
        return replace(state, waiting="" if what.is_over else what.because)
    if isinstance(what, events.EnvironmentToldOf):
        return replace(state, environment="" if what.is_ready else what.said)
    if isinstance(what, events.DataToldOf):
        return replace(state, data="" if what.is_ready else what.said)
    if isinstance(what, events.BranchPushed):
        said = f"pushed to {what.to}" if what.is_done else f"not pushed: {what.said}"
        return replace(state, published=said)
    if isinstance(what, events.RunStopping):
        return replace(state, is_stopping=True)
    if isinstance(what, events.NoReport):
        return replace(state, unreported=what.because)
    if isinstance(what, events.RunEnded):
        stages = {name: _cut_off(stage) for name, stage in state.stages.items()}
        return replace(
            state,
            stages=stages,
            waiting="",
            data="",
            exit_code=what.exit_code,
            reason=what.reason,
        )
    return state


def _cut_off(stage: StageState) -> StageState:
    """What was running when the run ended was cut, and begins again if it goes on."""
    if stage.status != "running":
        return stage
    return replace(stage, status="waiting", reason="was cut off")


def _resumed(state: RunState) -> RunState:
    """Whatever was not sealed waits again."""
    stages = {
        name: stage
        if stage.status in ("sealed", "rejected")
        else StageState(name=name, needs=stage.needs, attempt=stage.attempt)
        for name, stage in state.stages.items()
    }
    return replace(
        state,
        stages=stages,
        resumed=state.resumed + 1,
        is_stopping=False,
        unreported="",
        waiting="",
        data="",
        exit_code=None,
        reason="",
    )
