"""How the small commands grow with the pipeline: 10, 100, 1,000 and 5,000 stages.

The pipeline is a chain of fans: one stage, eight that read its file, one that reads
theirs, and so on. It is run once for real, and then asked for with nothing changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measure import Timing, in_turns
from benchmarks.null import SAID
from tests.laptop import Laptop

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = (10, 100, 1_000, 5_000)
LIMIT_S = 3.0
_FAN = 8
_RUN_PATIENCE_S = 1800.0


def fans_text(count: int) -> str:
    """Declare `count` stages: heads, fans and tails, in a chain."""
    lines = ["name: fans", "jobs: 2", "stages:"]
    for at in range(count):
        needs = ", ".join(f"s{need}/out" for need in _needs(at))
        inputs = f"inputs: [{needs}], " if needs else ""
        lines.append(f"  s{at}: {{sh: echo {at} > $OUT/out, {inputs}outputs: [out]}}")
    return "\n".join(lines) + "\n"


def _needs(at: int) -> list[int]:
    head, place = at - at % (_FAN + 2), at % (_FAN + 2)
    if place == 0:
        return [at - 1] if at else []
    if place <= _FAN:
        return [head]
    return list(range(head + 1, head + 1 + _FAN))


def bench(
    place: Path, *, rounds: int, counts: tuple[int, ...] = COUNTS
) -> list[tuple[str, str, str]]:
    """Measure check, plan and a null run, each as a whole command."""
    rows = []
    found: dict[str, list[float]] = {}
    for count in counts:
        for name, timing in _measured(place, count, rounds).items():
            found.setdefault(name, []).append(timing.median)
            limit = f"at most {LIMIT_S:g} s" if count == max(counts) else ""
            rows.append((f"{name}, {count:,} stages", str(timing), limit))
    for name, medians in found.items():
        share = (medians[-1] - medians[0]) / (medians[-2] - medians[0])
        stages = (counts[-1] - counts[0]) / (counts[-2] - counts[0])
        said = f"{share:.1f} x the growth, {stages:.1f} x the stages"
        rows.append((f"{name}, {counts[-2]:,} to {counts[-1]:,} stages", said, ""))
    return rows


def _measured(place: Path, count: int, rounds: int) -> dict[str, Timing]:
    laptop = Laptop(place / f"scale{count}")
    laptop.write("pipeline.yaml", fans_text(count))
    laptop.commit()
    laptop.pipeline("run", timeout_s=_RUN_PATIENCE_S)

    def call(*argv: str, says: str) -> None:
        said = laptop.pipeline(*argv)
        assert says in said, said[-2000:]

    return in_turns(
        {
            "pipeline check": lambda: call("check", says=f"{count} stages"),
            "pipeline plan": lambda: call("plan", says="reuse"),
            "`pipeline run`, nothing changed": lambda: call("run", says=SAID),
        },
        rounds=rounds,
    )
