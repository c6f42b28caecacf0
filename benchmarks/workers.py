"""50 independent stages with two workers, against bash with a commit for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.chain import STAGES, beside_bash

if TYPE_CHECKING:
    from pathlib import Path


def wide_text(count: int) -> str:
    """Declare `count` stages, none of which needs another."""
    lines = [f"  s{at}: {{sh: 'true'}}" for at in range(count)]
    return "\n".join(["name: wide", "stages:", *lines]) + "\n"


def bench(place: Path, *, rounds: int) -> list[tuple[str, str, str]]:
    """Measure the whole command, and the runner by its own story."""
    name = f"{STAGES} independent stages, 2 workers, `pipeline run --jobs 2` whole"
    return beside_bash(place, wide_text(STAGES), name, "--jobs", "2", rounds=rounds)
