"""Run the whole fault table and print it: `python -m tests.wire -n 2 [WORD...]`.

A word picks the cells whose names have it. Ends in 1 when what came of a cell is not
what must come of it.
"""

from __future__ import annotations

import argparse
import functools
import os
import queue
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import Lab, lacking, sweep
from tests.wire.cells import PHASES, TABLE, Cell, all_cells
from tests.wire.ordeal import Outcome, outcome, undisturbed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_CHECKOUT = Path(__file__).parent.parent.parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cells that were asked for, print what came out, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.wire", description=__doc__)
    parser.add_argument("-n", type=int, default=os.cpu_count() or 1, metavar="WORKERS")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args(argv)
    if missing := lacking():
        parser.error(f"a lab needs {', '.join(missing)}")
    cells = [c for c in all_cells() if all(word in c.name for word in args.words)]
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="wire-"))
    try:
        found = _run(cells, folder, args.n)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(table(found)))
    bad = {name: one.wrong for name, one in found.items() if one.wrong}
    took = time.monotonic() - began
    print(f"\n{len(cells)} cells in {took:.0f} s: {len(bad)} ended in another way")
    for name, wrong in bad.items():
        print(f"- `{name}`: {'; '.join(wrong)}")
    return 1 if bad else 0


def _run(cells: list[Cell], folder: Path, workers: int) -> dict[str, Outcome]:
    """Run the cells, each worker in a lab of its own."""
    sweep()
    labs: queue.Queue[Lab] = queue.Queue()
    made = [Lab(hide=[_CHECKOUT]) for _ in range(workers)]
    try:
        whole = undisturbed(folder / "whole", made[0])
        for lab in made:
            labs.put(lab)
        act = functools.partial(_one, folder=folder, labs=labs, whole=whole)
        found = {}
        with ThreadPoolExecutor(workers) as pool:
            for number, (cell, one) in enumerate(
                zip(cells, pool.map(act, cells), strict=True), 1
            ):
                found[cell.name] = one
                said = "; ".join(one.wrong) or f"ok {one.code}"
                print(f"{number}/{len(cells)} {cell.name}: {said}", file=sys.stderr)
        return found
    finally:
        for lab in made:
            lab.close()


def _one(
    cell: Cell, *, folder: Path, labs: queue.Queue[Lab], whole: Mapping[str, str]
) -> Outcome:
    lab = labs.get()
    place = folder / cell.name
    try:
        return outcome(cell, place, lab, whole)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        labs.put(lab)


def table(found: Mapping[str, Outcome]) -> Iterable[str]:
    """Write the table's lines: a row for a fault, a column for a phase."""
    yield f"| fault | {' | '.join(PHASES)} |"
    yield "|---" * (len(PHASES) + 1) + "|"
    for fault in TABLE:
        names = {c.phase: c.name for c in all_cells() if c.fault == fault}
        row = [found.get(names.get(phase, "")) for phase in PHASES]
        if any(row):
            yield f"| {fault} | {' | '.join(map(_shown, row))} |"


def _shown(one: Outcome | None) -> str:
    if one is None:
        return ""
    if one.wrong or one.code is None:
        return "**no**"
    return "ok" if one.code < 0 else f"ok {one.code}"  # who is killed has no code


if __name__ == "__main__":
    sys.exit(main())
