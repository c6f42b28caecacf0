"""Cut one run short as a cell says, take it up, and hold it against one never cut."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.crash.cells import (
    BOTH,
    CHILD,
    KEEPER,
    KEEPER_RUNNER,
    POWER,
    RUNNER,
    RUNNER_KEEPER,
    STAGES,
    Cell,
)
from tests.crash.power import Disk
from tests.crash.scene import PATIENCE_S, Scene
from tests.laptop import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEEPER_DIES = {KEEPER, RUNNER_KEEPER, KEEPER_RUNNER}
_RUNNER_DIES = {RUNNER, BOTH, RUNNER_KEEPER, KEEPER_RUNNER, POWER}
_FORCED = "--force"


def never_cut(folder: Path) -> dict[str, str]:
    """Give the seals of a run that nothing happened to."""
    scene = Scene(folder)
    scene.pipeline("run")
    return scene.sealed_trees()


def differences(cell: Cell, folder: Path, whole: Mapping[str, str]) -> list[str]:
    """Do what the cell says in `folder`; give how its end differs from `whole`."""
    scene = Scene(folder)
    disk = Disk(scene.home) if cell.victim == POWER else None
    try:
        return _differences(cell, scene, disk, whole)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        return [str(error)]
    finally:
        scene.let_go()
        scene.kill(*(pid for pid, _, _ in scene.processes()))
        if disk:
            scene.wait_until_still()
            disk.remove()


def _differences(
    cell: Cell, scene: Scene, disk: Disk | None, whole: Mapping[str, str]
) -> list[str]:
    if cell.kind == "reused":
        scene.pipeline("run")
        scene.write("README.md", "another snapshot\n")
    arguments = ["run", "--detach"]
    if cell.kind == "reused" and cell.stage != "three":
        arguments += [_FORCED, "three"]  # something must be done, or no run is started
    elif cell.kind == "reused":
        arguments += [_FORCED, "one"]
    started = cut_short(cell, scene, disk, arguments)
    if cell.kind == "again":
        cut_short(cell, scene, disk, ["resume", "--detach"])
    if cell.is_beginning:
        # Whoever started it was told so, or lost its own link; it is started again.
        _, code = started.communicate(timeout=PATIENCE_S), started.returncode
        again = ["resume"] if _is_made(scene) else ["run"]
        if again == ["run"] and not code:
            return ["`run` ended in 0, and there is no run"]
        said = scene.pipeline(*again, code=None)
    else:
        scene.wait_until_still()
        said = scene.pipeline("resume", code=None)
    return list(_held_against(scene, whole, said))


def cut_short(
    cell: Cell, scene: Scene, disk: Disk | None, arguments: list[str]
) -> subprocess.Popen[str]:
    """Start it, wait for the point, and kill the victim there."""
    scene.hold()
    started = scene.spawn(*arguments, env=scene.halting(cell))
    scene.wait_until_halted(cell)
    if not cell.is_beginning:
        said, _ = started.communicate(timeout=PATIENCE_S)
        assert started.returncode == 0, said
    if disk is not None:
        disk.cut()
        scene.kill(*(p for p, _, _ in scene.processes() if p != started.pid))
        if cell.is_beginning:
            started.wait(PATIENCE_S)
        scene.wait_until_still()
        disk.come_back()
        scene.let_go()
        return started
    _kill(cell, scene)
    scene.let_go()
    return started


def _kill(cell: Cell, scene: Scene) -> None:
    runners, keepers, children = scene.runners(), scene.keepers(), scene.children()
    assert runners, "nobody to kill: no runner"
    if cell.victim in _KEEPER_DIES:
        assert keepers, "nobody to kill: no keeper"
        scene.kill(*keepers)
    if cell.victim in (CHILD, BOTH):
        assert children, "nobody to kill: no stage"
        scene.kill(*children)
    if cell.victim == KEEPER_RUNNER:
        scene.go_on()
        wait_until(
            lambda: bool(set(scene.keepers()) - set(keepers)), "a keeper", PATIENCE_S
        )
    if cell.victim in _RUNNER_DIES:
        scene.kill(*runners)
    else:
        scene.go_on()
    if cell.victim in (RUNNER, BOTH, KEEPER_RUNNER):
        # A stage dies with its runner, before anybody takes the run up.
        wait_until(lambda: not scene.children(), "no stage outlives", PATIENCE_S)
    elif cell.victim == RUNNER_KEEPER and children:
        assert scene.children(), "whoever killed the stage, it was not the keeper"


def _is_made(scene: Scene) -> bool:
    """Tell whether the run is there, and known."""
    records = list((scene.repo / ".pipeline" / "runs").glob("*.json"))
    plans = list(scene.home.glob(".pipeline/*/runs/*/plan.json"))
    return bool(records and plans)


def _held_against(scene: Scene, whole: Mapping[str, str], said: str) -> list[str]:
    """Give what is not as after a run that nothing happened to."""
    found = []
    if "done" not in said and "sealed" not in said:
        found.append(f"it did not end well: {said.strip()[-300:]}")
        return found
    scene.wait_until_still()
    trees = scene.sealed_trees()
    found += [
        f"{stage}: not the tree of a run never cut"
        for stage in STAGES
        if trees.get(stage) != whole[stage]
    ]
    if sorted(sealed := scene.seals(scene.code)) != sorted(STAGES):
        found.append(f"sealed: {', '.join(sealed)}")
    if sorted(told := scene.told()) != sorted(STAGES):
        found.append(f"told: {', '.join(told)}")
    if damaged := scene.damaged_store():
        found.append(f"damaged in the store: {', '.join(damaged)}")
    checked = scene.pipeline("verify", code=None)
    if "whole" not in checked:
        found.append(f"verify: {checked.strip()[-300:]}")
    return found
