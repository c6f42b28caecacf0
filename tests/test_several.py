"""Several runs at once: as one picture, as lines, and as lines of JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.console import Console

from pipeline.progress import RunState, StageState
from pipeline.views.several import several
from pipeline.views.sight import Sight

if TYPE_CHECKING:
    from tests.laptop import Laptop

NOW = "2026-11-20T17:12:08.000000Z"
AT = "2026-11-20T17:10:03.000000Z"
TRAIN = StageState(name="train", status="running", started_at=AT, done=3, total=12)
DONE = StageState(name="numbers", status="sealed", commit="c0ffee1", duration_s=2.0)
RUN = RunState(
    run="20261120-1710-a3f9",
    name="first",
    host="ec2",
    started_at=AT,
    last_at=AT,
    stages={"numbers": DONE, "train": TRAIN},
)
SIGHTS = [
    Sight(
        state=replace(RUN, run="20261120-1709-0001", exit_code=0, reason="all sealed"),
        knowing="ended",
        now=NOW,
    ),
    Sight(state=RUN, knowing="alive", now=NOW, log=["epoch 3\x1b[2J"]),
    Sight(
        state=replace(RUN, run="20261120-1711-0002", stages={}, waiting="waits for b"),
        knowing="alive",
        now=NOW,
    ),
    Sight(
        state=RunState(run="20261120-1712-0003", host="far"),
        knowing="unknown",
        now=NOW,
        note="host 'far': Connection refused",
    ),
]


def drawn(sights: list[Sight], *, width: int, height: int, ascii_only: bool) -> str:
    """Draw as a terminal of that size would."""
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii" if ascii_only else "utf-8")
    console = Console(file=file, width=width, height=height, color_system=None)
    console.print(several(sights, width=width, height=height))
    file.seek(0)
    return file.read()


def test_each_run_has_its_line_and_one_is_drawn_whole() -> None:
    """The first that has not ended; what its box prints orders nobody about."""
    text = drawn(SIGHTS, width=100, height=24, ascii_only=False)
    head, _, below = text.partition("\n\n")

    assert [line.split()[1:3] for line in head.splitlines()] == [
        ["done", "20261120-1709-0001"],
        ["running", "20261120-1710-a3f9"],
        ["waiting", "20261120-1711-0002"],
        ["unknown", "20261120-1712-0003"],
    ]
    assert "1/2  2 min 05 s  train 25 %" in head
    assert head.splitlines()[2].endswith("waits for b")
    assert head.splitlines()[3].endswith("host 'far': Connection refused")
    assert below.startswith("first  20261120-1710-a3f9  on ec2")
    assert "\x1b[2J" not in text


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("width", [20, 40, 80, 132])
@pytest.mark.parametrize("height", [1, 3, 6, 12, 40])
def test_it_fits_into_any_terminal(width: int, height: int, ascii_only: bool) -> None:
    """No line too long, and none too many; live runs are seen before others."""
    text = drawn(SIGHTS, width=width, height=height, ascii_only=ascii_only)
    lines = text.splitlines()

    assert len(lines) <= max(height, 2)
    assert max(map(cell_len, lines)) <= width
    assert ascii_only <= text.isascii()


def test_all_that_go_on_are_watched_to_their_ends(laptop: Laptop) -> None:
    """Each line says of which run it is; the code is that of the first that failed."""
    text = "name: x\nstages:\n  a:\n    sh: |\n      {}\n"
    free = "while test ! -e ~/free; do sleep 0.05; done"
    runs = []
    for last in ("true", "exit 7"):
        laptop.write("pipeline.yaml", text.format(f"{free}; {last}"))
        laptop.commit()
        runs.append(laptop.pipeline("run", "--detach").split()[1])
    lines = laptop.spawn("attach", "--all")
    objects = laptop.spawn("attach", "--all", "--json")
    assert lines.stdout is not None
    assert f"{runs[0][-4:]} is run {runs[0]} on local\n" == lines.stdout.readline()
    (laptop.home / "free").touch()

    said, _ = lines.communicate(timeout=40)
    told, _ = objects.communicate(timeout=40)

    assert (lines.returncode, objects.returncode) == (4, 4), said
    for run, end in zip(runs, ("done", "failed"), strict=True):
        assert f"{run}  local  {end}\n" in said
        assert f"\n{run[-4:]} " in said
    ends = {
        one["run"]: one["exit_code"]
        for one in map(json.loads, told.splitlines())
        if one["kind"] == "run_ended"
    }
    assert ends == {runs[0]: 0, runs[1]: 4}
    assert laptop.pipeline("attach", "--all").startswith("no run goes on")
