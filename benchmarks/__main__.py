"""`make bench`: run all benchmarks and print the table of docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks import chain, light, link, memory
from tests.lab import Lab, lacking, sweep

ROUNDS = 7


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("names", nargs="*", help="chain, light, memory, link; else all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pipeline-bench-") as folder:
        place = Path(folder)
        rows = []
        for name in args.names or ("light", "chain", "memory", "link"):
            rows += _measure(name, place, args.rounds)
    print(f"| what | measured, {os.cpu_count()} cores | against |")
    print("| --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")


def _measure(name: str, place: Path, rounds: int) -> list[tuple[str, str, str]]:
    if name == "light":
        return light.bench(place, rounds=rounds)
    if name == "chain":
        return chain.bench(place, rounds=rounds)
    if name == "memory":
        return memory.bench(place)
    if missing := lacking():
        return [("a box behind a line", "not measured", f"lacks {', '.join(missing)}")]
    sweep()
    with Lab(hide=[Path.cwd()]) as lab:
        return link.bench(place, lab, rounds=rounds)


if __name__ == "__main__":
    main()
