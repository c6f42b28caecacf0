"""A chain of 50 stages in which nothing changed, against peers over the same chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import peers
from benchmarks.measure import in_turns, paired_ratio
from tests.laptop import Laptop

if TYPE_CHECKING:
    from pathlib import Path

STAGES = 50
SAID = "sealed already"


def files_text(count: int) -> str:
    """Declare `count` stages, each of which reads the file of the one before."""
    lines = ["name: files", "stages:"]
    for at in range(count):
        inputs = f"inputs: [s{at - 1}/out], " if at else ""
        sh = f"echo {at} > $OUT/out"
        lines.append(f'  s{at}: {{sh: "{sh}", {inputs}outputs: [out]}}')
    return "\n".join(lines) + "\n"


def bench(
    place: Path, *, rounds: int, with_all: bool = False
) -> list[tuple[str, str, str]]:
    """Measure the whole commands in turns; `with_all` has the slow peers, too."""
    laptop = Laptop(place / "null")
    laptop.write("pipeline.yaml", files_text(STAGES))
    laptop.commit()
    laptop.pipeline("run")

    def run() -> None:
        said = laptop.pipeline("run")
        assert SAID in said, said

    asked = [peers.DOIT, *((peers.DVC, peers.SNAKEMAKE) if with_all else ())]
    acts: dict[str, peers.Act] = {"pipeline run": run}
    for peer in asked:
        named = f"{peer.name} {peer.version}"
        acts[named] = peers.prepared(peer, place, STAGES)
    run()
    found = in_turns(acts, rounds=rounds)
    ours, doit = list(found.values())[:2]
    ratio = f"{paired_ratio(ours, doit):.2f} x doit (at most 2, and 0.15 s)"
    rows = [(f"{STAGES} stages, nothing changed, `pipeline run`", str(ours), ratio)]
    for name, timing in list(found.items())[1:]:
        rows.append((f"the same, {name}", str(timing), ""))
    if not with_all:
        rows.append(("the same, dvc and snakemake", "not asked for: --peers", ""))
    return rows
