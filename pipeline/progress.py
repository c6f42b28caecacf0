"""What the events so far add up to, and its picture.

`fold` is total and pure: every view of a run (PROGRESS.txt, the terminal, `status`) is
drawn from the RunState it gives, never from anything remembered on the side.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pipeline import events
from pipeline.clock import parse_stamp, spoken
from pipeline.layout import is_safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable

Status = Literal["waiting", "running", "sealed", "rejected", "failed", "skipped"]

# A line of PROGRESS.txt begins with one of these; plain ASCII, since `watch` and
# `cat` on any box must show it.
_MARKS: dict[Status, str] = {
    "waiting": "[    ]",
    "running": "[ >> ]",
    "sealed": "[done]",
    "rejected": "[GATE]",
    "failed": "[FAIL]",
    "skipped": "[skip]",
}
_BAR = 24


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
    reason: str = ""

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
    exit_code: int | None = None
    reason: str = ""

    @property
    def has_ended(self) -> bool:
        """Tell whether a runner said the end, and none took the run up since."""
        return self.exit_code is not None

    @property
    def word(self) -> str:
        """The state of the run in one word."""
        if self.exit_code is None:
            return "stopping" if self.is_stopping else "running"
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


def fold(story: Iterable[events.Event]) -> RunState:
    """Add up a story."""
    return functools.reduce(advance, story, RunState())


def advance(state: RunState, event: events.Event) -> RunState:
    """Give the state after one more event; events of unknown stages are passed over."""
    what = event.what
    state = replace(state, last_at=event.at)
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
    if isinstance(what, events.RunStopping):
        return replace(state, is_stopping=True)
    if isinstance(what, events.RunEnded):
        stages = {name: _cut_off(stage) for name, stage in state.stages.items()}
        return replace(
            state, stages=stages, exit_code=what.exit_code, reason=what.reason
        )
    stage = state.stages.get(what.stage)
    if stage is None:
        return state
    changed = _advance_stage(stage, event.at, what)
    return replace(state, stages={**state.stages, what.stage: changed})


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
        exit_code=None,
        reason="",
    )


def _advance_stage(stage: StageState, at: str, what: events.Happening) -> StageState:
    if isinstance(what, events.StageStarted):
        fresh = StageState(name=stage.name, needs=stage.needs)
        return replace(fresh, status="running", attempt=what.attempt, started_at=at)
    if isinstance(what, events.StageTicked):
        return _ticked(stage, at, what)
    if isinstance(what, events.StageMeasured):
        return replace(stage, metrics={**stage.metrics, **what.numbers}, silent_s=0.0)
    if isinstance(what, events.StageStalled):
        return replace(stage, silent_s=what.silent_s)
    if isinstance(what, events.AttemptFailed):
        return replace(stage, reason=what.reason)
    if isinstance(what, events.StageSealed):
        return replace(
            stage,
            status="sealed" if what.verdict == "pass" else "rejected",
            attempt=what.attempt,
            commit=what.commit,
            subject=what.subject,
            duration_s=what.duration_s,
            metrics=what.metrics,
            reason="; ".join(what.failures),
        )
    if isinstance(what, events.StageFailed):
        return replace(stage, status="failed", reason=what.reason)
    if isinstance(what, events.StageSkipped):
        return replace(stage, status="skipped", reason=what.because)
    return stage


def _ticked(stage: StageState, at: str, what: events.StageTicked) -> StageState:
    first = stage.first_tick_at or at
    return replace(
        stage,
        first_tick_at=first,
        first_done=stage.first_done if stage.first_tick_at else what.done,
        last_tick_at=at,
        done=what.done,
        total=what.total,
        numbers={**stage.numbers, **what.numbers},
        silent_s=0.0,
    )


def number_text(value: float) -> str:
    """Say a number by four digits, or by all before the point: 0.4123, -10432."""
    # A log-likelihood of -1.043e+04 would seem to stand still.
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"


def numbers_text(numbers: Mapping[str, float], most: int = 4) -> str:
    """Say a few numbers: `loss 0.41, usage 0.98`."""
    some = list(numbers.items())[:most]
    return ", ".join(f"{name} {number_text(value)}" for name, value in some)


def bar(share: float, width: int = _BAR) -> str:
    """Draw a share of 1, in ASCII."""
    full = int(share * width)
    return "#" * full + "." * (width - full)


def render(state: RunState) -> str:
    """Draw PROGRESS.txt."""
    sealed = sum(s.status in ("sealed", "rejected") for s in state.stages.values())
    when = f"started {_short(state.started_at)}, last event {_short(state.last_at)} UTC"
    lines = [
        f"{state.name}  run {state.run}  on {state.host}",
        f"{state.word}, {sealed} of {len(state.stages)} stages sealed; {when}",
        "",
    ]
    width = max((len(name) for name in state.stages), default=0)
    lines += [
        f"{_MARKS[stage.status]} {stage.name:<{width}}  {says(stage)}"
        for stage in state.stages.values()
    ]
    if state.exit_code is not None:
        lines += ["", f"ended with {state.exit_code}: {state.reason}"]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def says(stage: StageState) -> str:
    """Say in one line how a stage stands."""
    if stage.status in ("sealed", "rejected"):
        said = f"{stage.commit[:7]}  {spoken(stage.duration_s):>9}  {stage.subject}"
        return f"{said}  ({stage.reason})" if stage.reason else said
    if stage.status == "running":
        return _running(stage)
    if stage.status == "waiting" and not stage.reason:
        return f"waits for {', '.join(stage.needs)}" if stage.needs else "waits"
    return stage.reason


def _running(stage: StageState) -> str:
    parts = [f"attempt {stage.attempt}"] if stage.attempt > 1 else []
    if stage.total > 0:
        count = f"{number_text(stage.done)}/{number_text(stage.total)}"
        parts.append(f"[{bar(stage.share)}] {count} {100 * stage.share:.0f} %")
    if numbers := {**stage.metrics, **stage.numbers}:
        parts.append(numbers_text(numbers))
    if stage.rate > 0:
        parts.append(f"{stage.rate:.3g}/s")
    if stage.left_s is not None:
        parts.append(f"{spoken(stage.left_s)} left")
    if stage.silent_s > 0:
        parts.append(f"STALLED: no progress for {spoken(stage.silent_s)}")
    return "  ".join(parts) or f"since {_short(stage.started_at)} UTC"


def _short(at: str) -> str:
    return at[11:19] if at else "-"
