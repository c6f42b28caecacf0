"""Run the whole crash table and print it: `python -m tests.crash -n 2 [WORD...]`.

A word picks the cells whose names have it. Ends in 1 when a cell did not end like a run
never cut.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.crash.cells import VICTIMS, Cell, all_cells, points_of
from tests.crash.cut import differences, never_cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_HEADS = {
    "executed": "A stage is executed; as its first try, and after one that failed",
    "again": "A stage is executed, and the run is cut at that point twice",
    "reused": "A stage is reused from an older run",
    "run": "No stage has begun, or none is left",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cells that were asked for, print what came out, and say how it went."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("-n", type=int, default=os.cpu_count() or 1, metavar="WORKERS")
    parser.add_argument("words", nargs="*")
    args = parser.parse_args(argv)
    cells = [c for c in all_cells() if all(word in c.name for word in args.words)]
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    try:
        found = _run(cells, folder, args.n)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(table(cells, found)))
    bad = [name for name, differs in found.items() if differs]
    took = time.monotonic() - began
    print(f"\n{len(cells)} cells in {took:.0f} s: {len(bad)} ended in another way")
    for name in bad:
        print(f"- `{name}`: {'; '.join(found[name])}")
    return 1 if bad else 0


def _run(cells: list[Cell], folder: Path, workers: int) -> dict[str, list[str]]:
    whole = never_cut(folder / "whole")
    found = {}
    act = functools.partial(_one, folder=folder, whole=whole)
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        for number, (cell, differs) in enumerate(
            zip(cells, pool.map(act, cells), strict=True), 1
        ):
            found[cell.name] = differs
            said = "; ".join(differs) or "ok"
            print(f"{number}/{len(cells)} {cell.name}: {said}", file=sys.stderr)
    return found


def _one(cell: Cell, *, folder: Path, whole: Mapping[str, str]) -> list[str]:
    place = folder / cell.name
    try:
        return differences(cell, place, whole)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def table(cells: Iterable[Cell], found: Mapping[str, list[str]]) -> Iterable[str]:
    """Write the table's lines: points, victims, and how many cells ended well."""
    rows: dict[str, dict[str, dict[str, list[bool]]]] = {}
    order = points_of("two")  # it passes all there are
    for cell in sorted(
        cells,
        key=lambda c: order.index(c.point) if c.kind in ("executed", "again") else 0,
    ):
        row = rows.setdefault(cell.kind, {}).setdefault(cell.point, {})
        row.setdefault(cell.victim, []).append(not found[cell.name])
    for kind, points in rows.items():
        victims = [v for v in VICTIMS if any(v in row for row in points.values())]
        yield f"\n### {_HEADS[kind]}\n"
        yield f"| point | {' | '.join(victims)} |"
        yield "|---" * (len(victims) + 1) + "|"
        for point, row in points.items():
            shown = [_shown(row.get(victim, [])) for victim in victims]
            yield f"| `{point}` | {' | '.join(shown)} |"


def _shown(ended_well: list[bool]) -> str:
    if not ended_well:
        return ""
    return (
        f"{'ok' if all(ended_well) else '**no**'} {sum(ended_well)}/{len(ended_well)}"
    )


if __name__ == "__main__":
    sys.exit(main())
