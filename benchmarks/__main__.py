"""`make bench`: run all benchmarks and print the table of docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import (
    chain,
    data,
    experiment,
    fold,
    hashing,
    light,
    link,
    mathematics,
    memory,
    mirror,
    null,
    resume,
    scale,
    workers,
)
from tests.lab import Lab, lacking, sweep

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 7
Rows = list[tuple[str, str, str]]


def main() -> None:
    """Measure, and print each row as soon as it is there."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("names", nargs="*", help=f"{', '.join(_BENCHES)}; else all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    said = "null: measure dvc and snakemake, too, which takes minutes to install"
    parser.add_argument("--peers", action="store_true", help=said)
    args = parser.parse_args()
    if unknown := set(args.names) - set(_BENCHES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    print(f"| what | measured, {os.cpu_count()} cores | against |")
    print("| --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="pipeline-bench-") as folder:
        for name in args.names or _BENCHES:
            for row in _BENCHES[name](Path(folder), args):
                print("| " + " | ".join(row) + " |", flush=True)


def _afar(bench: Callable[..., Rows]) -> Callable[[Path, argparse.Namespace], Rows]:
    """Give a benchmark that needs a lab of hosts."""

    def act(place: Path, args: argparse.Namespace) -> Rows:
        if missing := lacking():
            lacks = f"lacks {', '.join(missing)}"
            return [("a box behind a line", "not measured", lacks)]
        sweep()
        with Lab(hide=[Path.cwd()]) as lab:
            return bench(place, lab, rounds=args.rounds)

    return act


_BENCHES: dict[str, Callable[[Path, argparse.Namespace], Rows]] = {
    "light": lambda place, args: light.bench(place, rounds=args.rounds),
    "null": lambda place, args: null.bench(
        place, rounds=args.rounds, with_all=args.peers
    ),
    "chain": lambda place, args: chain.bench(place, rounds=args.rounds),
    "workers": lambda place, args: workers.bench(place, rounds=args.rounds),
    "fold": lambda place, args: fold.bench(place, rounds=args.rounds),
    "hashing": lambda place, args: hashing.bench(place, rounds=args.rounds),
    "resume": lambda place, args: resume.bench(place, rounds=args.rounds),
    "scale": lambda place, args: scale.bench(place, rounds=args.rounds),
    "memory": lambda place, _args: memory.bench(place),
    "mathematics": lambda place, args: mathematics.bench(place, rounds=args.rounds),
    "experiment": lambda place, _args: experiment.bench(place),
    "link": _afar(link.bench),
    "data": _afar(data.bench),
    "mirror": _afar(mirror.bench),
}

if __name__ == "__main__":
    main()
