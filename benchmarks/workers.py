"""50 independent stages with two workers, against bash with a commit for each."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from benchmarks.chain import BASH, STAGES
from benchmarks.measure import Timing, in_turns, paired_ratio
from pipeline.progress import span_s
from tests.laptop import Laptop

if TYPE_CHECKING:
    from pathlib import Path


def wide_text(count: int) -> str:
    """Declare `count` stages, none of which needs another."""
    lines = [f"  s{at}: {{sh: 'true'}}" for at in range(count)]
    return "\n".join(["name: wide", "stages:", *lines]) + "\n"


def bench(place: Path, *, rounds: int) -> list[tuple[str, str, str]]:
    """Measure the whole command, and the runner by its own story."""
    laptop = Laptop(place / "wide")
    laptop.write("pipeline.yaml", wide_text(STAGES))
    laptop.commit()
    spans: list[float] = []

    def run() -> None:
        laptop.pipeline("run", "--jobs", "2", "--force")
        story = laptop.events()
        spans.append(span_s(str(story[0]["at"]), str(story[-1]["at"])))

    def loop() -> None:
        subprocess.run(
            ["bash", "-e", "-c", BASH], cwd=place, env=laptop.env, check=True
        )

    run()
    spans.clear()
    found = in_turns({"run": run, "bash": loop}, rounds=rounds)
    whole, bash, walk = found["run"], found["bash"], Timing(tuple(spans))
    ratio, inner = paired_ratio(whole, bash), paired_ratio(walk, bash)
    name = f"{STAGES} independent stages, 2 workers, `pipeline run --jobs 2` whole"
    return [
        (name, str(whole), f"{ratio:.2f} x bash (at most 1.5)"),
        ("the same, first to last event", str(walk), f"{inner:.2f} x bash"),
        ("bash loop with git commit", str(bash), "1"),
    ]
