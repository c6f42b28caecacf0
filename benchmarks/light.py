"""How soon the small commands answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.measure import in_turns
from tests.laptop import Laptop

COMMAND = ("-m", "pipeline")


def bench(place: Path, *, rounds: int) -> list[tuple[str, str, str]]:
    """Measure `--help` and `status`, against a Python that does nothing."""
    laptop = Laptop(place / "light").with_chain()
    laptop.pipeline("run")

    def call(*argv: str) -> None:
        subprocess.run(
            [sys.executable, *argv],
            cwd=laptop.repo,
            env=laptop.env,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    found = in_turns(
        {
            "python -c pass": lambda: call("-c", "pass"),
            "pipeline --help (at most 0.10 s)": lambda: call(*COMMAND, "--help"),
            "pipeline status (at most 0.15 s)": lambda: call(*COMMAND, "status"),
        },
        rounds=rounds,
    )
    bare = found["python -c pass"].median
    return [(n, str(t), f"{t.median / bare:.1f} x python") for n, t in found.items()]
