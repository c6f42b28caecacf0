"""The cells of the table: which victim, at which point, of which stage and attempt."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.deaths import BEGIN_POINTS, REUSE_POINTS, RUN_POINTS, STAGE_POINTS

STAGES = ("one", "two", "three")
# Where the stage itself waits to be killed: before, amid and after what it does.
CHILD_POINTS = ("first", "half", "written")

RUNNER = "runner"
CHILD = "child"
BOTH = "runner+child"
KEEPER = "keeper"
RUNNER_KEEPER = "runner+keeper"
KEEPER_RUNNER = "keeper, then runner"  # when another keeper has taken its place
POWER = "power cut"
VICTIMS = (RUNNER, CHILD, BOTH, KEEPER, RUNNER_KEEPER, KEEPER_RUNNER, POWER)
_ALIVE = VICTIMS
_ALONE = (RUNNER, KEEPER, RUNNER_KEEPER, POWER)
_SECOND = (RUNNER, CHILD, RUNNER_KEEPER)
_BEGINNING = (RUNNER, POWER)  # of the process that makes the run


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One way to cut a run short. `kind` says what the run does at that point.

    executed   the stage is executed; attempt 2 comes after a first try that failed
    again      as `executed`, and the run that was taken up is cut there once more
    reused     an older run holds what the stage would make
    run        a point that belongs to no stage
    """

    kind: str
    stage: str
    point: str
    victim: str
    attempt: int = 1

    @property
    def name(self) -> str:
        """What it is called."""
        head = f"{self.kind}-{self.stage or 'run'}.{self.attempt}"
        return f"{head}-{self.point}-{self.victim}".replace(", ", "-").replace(" ", "-")

    @property
    def is_beginning(self) -> bool:
        """Tell whether it is cut before there is a runner."""
        return self.kind == "run" and self.point in BEGIN_POINTS


def points_of(stage: str) -> list[str]:
    """Give the points that an executed stage passes, in their order."""
    found = []
    for point in STAGE_POINTS:
        if point != "storing" or stage == "two":  # only its files are large
            found.append(point)
        if point == "started":
            found += CHILD_POINTS
    return found


def victims_at(point: str) -> tuple[str, ...]:
    """Give whom there is to kill at a point of an executed stage."""
    return _ALIVE if point in (*CHILD_POINTS, "started") else _ALONE


def all_cells() -> list[Cell]:
    """Give every cell; none of them kills what is not there."""
    cells = []
    for stage in STAGES:
        for point in points_of(stage):
            for victim in victims_at(point):
                for attempt in (1, 2) if victim in _SECOND else (1,):
                    cell = Cell(
                        kind="executed",
                        stage=stage,
                        point=point,
                        victim=victim,
                        attempt=attempt,
                    )
                    cells.append(cell)
            if point in ("sealed", "told"):
                continue  # it is done then, and does not come by here again
            cells += [
                Cell(kind="again", stage=stage, point=point, victim=victim)
                for victim in (RUNNER, POWER)
            ]
        cells += [
            Cell(kind="reused", stage=stage, point=point, victim=victim)
            for point in REUSE_POINTS
            for victim in _ALONE
        ]
    for point in BEGIN_POINTS:
        cells += [
            Cell(kind="run", stage="", point=point, victim=victim)
            for victim in _BEGINNING
        ]
    for point in RUN_POINTS:
        cells += [
            Cell(kind="run", stage="", point=point, victim=victim) for victim in _ALONE
        ]
    return cells


def sample() -> list[Cell]:
    """Give each point once; victims, stages and attempts take turns."""
    rows: dict[tuple[str, str], list[Cell]] = {}
    for cell in all_cells():
        if cell.kind != "again" or cell.point in ("half", "sealing"):
            rows.setdefault((cell.kind, cell.point), []).append(cell)
    return [cells[(7 * turn) % len(cells)] for turn, cells in enumerate(rows.values())]
