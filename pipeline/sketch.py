"""PROGRESS.txt: how a run stands, in plain ASCII for `cat` and `watch` on any box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.clock import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.progress import RunState, StageState, Status

# How a line begins.
_MARKS: dict[Status, str] = {
    "waiting": "[    ]",
    "running": "[ >> ]",
    "sealed": "[done]",
    "rejected": "[GATE]",
    "failed": "[FAIL]",
    "skipped": "[skip]",
}


def render(state: RunState) -> str:
    """Draw PROGRESS.txt."""
    when = f"started {_short(state.started_at)}, last event {_short(state.last_at)} UTC"
    lines = [
        f"{state.name}  run {state.run}  on {state.host}",
        f"{state.word}, {state.closed} of {len(state.stages)} stages sealed; {when}",
        *([state.aside] if state.aside else []),
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
        said = f"{stage.commit[:7]}  {stage.took:>9}  {stage.subject}"
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


def bar(share: float, width: int = 24) -> str:
    """Draw a share of 1, in ASCII."""
    full = int(share * width)
    return "#" * full + "." * (width - full)


def number_text(value: float) -> str:
    """Say a number by four digits, or by all before the point: 0.4123, -10432."""
    # A log-likelihood of -1.043e+04 would seem to stand still.
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e12 else f"{value:.4g}"


def numbers_text(numbers: Mapping[str, float], most: int = 4) -> str:
    """Say a few numbers: `loss 0.41, usage 0.98`."""
    return ", ".join(f"{n} {number_text(v)}" for n, v in [*numbers.items()][:most])
