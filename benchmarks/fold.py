"""What a long story costs: reading and adding up 100,000 events, as `status` does."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from benchmarks.measure import Timing
from pipeline import eventlines, events, progress
from pipeline.clock import stamp
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS = 100_000


def bench(_place: Path, *, rounds: int) -> list[tuple[str, str, str]]:
    """Measure a story of few stages that tick, and one of many that hardly do."""
    rows = []
    for count, limit in ((50, "at most 0.5 s"), (5_000, "")):
        log = told(count)
        lines = log.count(b"\n")
        name = f"fold of {lines:,} events, {count:,} stages"
        rows.append((name, str(_timing(log, rounds)), limit))
    return rows


def _timing(log: bytes, rounds: int) -> Timing:
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        state = progress.fold(eventlines.read_events(log))
        seconds.append(time.perf_counter() - begun)
        assert state.has_ended
    return Timing(tuple(seconds))


def told(count: int) -> bytes:
    """Tell 100,000 events of `count` stages, each sealed in the end."""
    clock = FakeClock()
    lines = []
    for what in _story(count):
        event = events.Event(at=stamp(clock.now()), what=what)
        lines.append(eventlines.encode(event).encode() + b"\n")
        clock.sleep(1.0)
    return b"".join(lines)


def _story(count: int) -> Iterator[events.Happening]:
    names = [f"s{n}" for n in range(count)]
    yield events.RunStarted(
        run="20261120-1710-a3f9",
        name="long",
        host="ec2",
        snapshot="9f" * 20,
        stages=tuple(events.StageShape(name=name) for name in names),
    )
    ticks = math.ceil((EVENTS - 2) / count) - 3
    for name in names:
        yield events.StageStarted(stage=name, attempt=1)
        for done in range(ticks):
            numbers = {"loss": 1 / (done + 1)}
            yield events.StageTicked(
                stage=name, done=float(done), total=float(ticks), numbers=numbers
            )
        yield events.StageMeasured(stage=name, numbers={"accuracy": 0.93})
        yield events.StageSealed(
            stage=name,
            attempt=1,
            commit="c0a4d92e11" * 4,
            verdict="pass",
            subject=f"{name}: pass, accuracy 0.93",
            duration_s=float(ticks),
            metrics={"accuracy": 0.93},
        )
    yield events.RunEnded(exit_code=0, reason=f"all {count} stages sealed")
