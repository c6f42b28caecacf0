"""What may run when. Pure: a graph of stages, and what is known of some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.schema import Stage

# How a stage came out: its seal says pass or fail, or there is no seal.
Outcome = Literal["pass", "gate", "failed", "skipped", "stopped"]


def order(stages: Iterable[Stage]) -> tuple[Stage, ...]:
    """Put stages so that each comes after what it needs; otherwise as written."""
    left = {stage.name: stage for stage in stages}
    ordered: list[Stage] = []
    while left:
        free = [s for s in left.values() if not any(n in left for n in s.needs)]
        if not free:
            message = f"a cycle among {', '.join(left)}"
            raise AssertionError(message)  # spec refuses cycles before anyone runs
        ordered.append(free[0])
        del left[free[0].name]
    return tuple(ordered)


def ready(
    stages: Iterable[Stage], outcomes: Mapping[str, Outcome], running: Iterable[str]
) -> list[Stage]:
    """Give the stages that could start now, in order."""
    busy = set(running)
    return [
        stage
        for stage in stages
        if stage.name not in outcomes
        and stage.name not in busy
        and all(outcomes.get(need) == "pass" for need in stage.needs)
    ]


def hopeless(
    stages: Iterable[Stage], outcomes: Mapping[str, Outcome]
) -> dict[str, str]:
    """Give the stages that can never start, each with what stands in its way."""
    lost: dict[str, str] = {}
    for stage in stages:
        if stage.name in outcomes:
            continue
        for need in stage.needs:
            if outcomes.get(need, "pass") != "pass" or need in lost:
                lost[stage.name] = need
                break
    return lost
