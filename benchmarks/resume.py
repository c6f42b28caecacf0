"""Taking up a run of 1,000 seals: from the runner's first word to what it does next.

The run is made once, and its last stage left out by a wish to stop; what is measured is
a runner that takes it up, finds 1,000 stages sealed, and runs the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measure import Timing, wall
from pipeline.progress import span_s
from tests.laptop import Laptop

if TYPE_CHECKING:
    from pathlib import Path

SEALS = 1_000
TEXT = """\
name: long
jobs: 2
stages:
  last: {{sh: 'test -e {flag}', after: [{all}]}}
"""
_PATIENCE_S = 600.0


def bench(place: Path, *, rounds: int) -> list[tuple[str, str, str]]:
    """Resume again and again a run whose last stage fails; the rest is sealed."""
    laptop = Laptop(place / "resume")
    names = [f"s{at}" for at in range(SEALS)]
    lines = [f"  {n}: {{sh: 'echo {n} > $OUT/out', outputs: [out]}}\n" for n in names]
    text = TEXT.format(flag=place / "flag", all=", ".join(names))
    laptop.write("pipeline.yaml", text + "".join(lines))
    laptop.commit()
    laptop.pipeline("run", code=4, timeout_s=_PATIENCE_S)
    commands, taken = [], []
    for _ in range(rounds):
        known = len(laptop.events())
        commands.append(wall(lambda: laptop.pipeline("resume", code=4)))
        taken.append(_taking_up(laptop.events()[known:]))
    return [
        (
            f"taking up {SEALS:,} seals, from the runner's first word to a stage",
            str(Timing(tuple(taken))),
            "at most 0.5 s",
        ),
        ("`pipeline resume` whole, one stage run", str(Timing(tuple(commands))), ""),
    ]


def _taking_up(story: list[dict[str, object]]) -> float:
    """Give the seconds from `run_resumed` to the next stage that starts."""
    at = {str(event["kind"]): str(event["at"]) for event in reversed(story)}
    return span_s(at["run_resumed"], at["stage_started"])
