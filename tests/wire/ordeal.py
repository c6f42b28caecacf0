"""Put one run through what a cell says, and hold what comes of it against the truth."""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.command import CommandFailed
from tests.smalldisk import small_disk
from tests.wire import truth
from tests.wire.cells import DONE, PULL, RUNNING, SHIP, Cell
from tests.wire.faults import FAULTS, Fault
from tests.wire.phases import PHASES, RUN
from tests.wire.scene import PATIENCE_S, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from subprocess import Popen

    from tests.lab import Lab

_DISK_MB = 64
_NONE = Fault(strikes=lambda _: None)
_SEEN_S = 1.5  # until a watcher that met a fault has connected again
_PULL = ("pull",)


def undisturbed(folder: Path, lab: Lab) -> dict[str, str]:
    """Give what a run seals that nothing happened to, and what is pulled of it."""
    with staged(folder, lab) as scene:
        scene.pipeline(*RUN)
        scene.pipeline(*_PULL)
        return {**scene.trees(), **truth.digests(scene)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a cell: how the command ended, and what was not as it should be."""

    wrong: tuple[str, ...]
    code: int | None = None


def outcome(cell: Cell, folder: Path, lab: Lab, whole: Mapping[str, str]) -> Outcome:
    """Do what the cell says; the first that went wrong comes first."""
    fault = FAULTS[cell.fault]
    try:
        with staged(folder, lab, fault) as scene:
            return _outcome(cell, fault, scene, whole)
    except (
        AssertionError,
        CommandFailed,
        TimeoutError,
        subprocess.TimeoutExpired,
    ) as error:
        return Outcome(wrong=(f"{type(error).__name__}: {error}",))


@contextlib.contextmanager
def staged(folder: Path, lab: Lab, fault: Fault = _NONE) -> Iterator[Scene]:
    """Lend a laptop and a box that are fit for a fault."""
    with contextlib.ExitStack() as opened:
        if fault.on_small_disk:
            folder = opened.enter_context(small_disk(folder, size_mb=_DISK_MB))
        name = f"wire{lab.made}"
        box = lab.host(name, shaped=True, disk_mb=fault.disk_mb)
        opened.enter_context(box)
        scene = Scene(folder, lab, box)
        opened.callback(scene.close)
        fault.earlier(scene)
        yield scene


def _outcome(
    cell: Cell, fault: Fault, scene: Scene, whole: Mapping[str, str]
) -> Outcome:
    _come_to(cell, fault, scene)
    before = scene.sealed()
    wrong = [f"at the fault: {one}" for one in truth.not_a_prefix(scene)]
    said = _ridden_out(cell, fault, scene)
    wrong += [f"after it: {one}" for one in truth.not_a_prefix(scene)]
    code = scene.command.returncode
    wrong += _said_wrongly(cell, code, said)
    if code != DONE:
        wrong += _taken_up(cell, scene)
    # What ended well may have left things behind, and said so.
    scene.pipeline("attach")
    scene.pipeline(*_PULL)
    wrong += truth.not_at_home(scene, whole)
    wrong += truth.sealed_wrongly(scene, before)
    wrong += truth.left_behind(scene)
    return Outcome(wrong=tuple(wrong), code=code)


def _come_to(cell: Cell, fault: Fault, scene: Scene) -> None:
    """Have the command in its phase, and the fault there."""
    if fault.is_lack and cell.phase == SHIP:
        fault.strikes(scene)
        scene.spawn(*RUN)
    else:
        PHASES[cell.phase](scene)
        fault.strikes(scene)


def _ridden_out(cell: Cell, fault: Fault, scene: Scene) -> str:
    """Let the fault last and pass; give what the command said until its end."""
    # Nobody holds the run up while nobody sees it; but what is seen to be running when
    # the fault comes is running still when it has passed.
    runs_on = cell.phase == RUNNING and fault.lasts_s > 0
    if not runs_on and (fault.lasts_s or fault.by_hand):
        scene.let_go()
    time.sleep(fault.lasts_s)
    said = _ended(scene.command) if fault.by_hand else ""
    fault.passes(scene)
    scene.box.shape()
    if runs_on:
        time.sleep(_SEEN_S)
    scene.let_go()
    return said or _ended(scene.command)


def _ended(command: Popen[str]) -> str:
    try:
        said, _ = command.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        command.kill()
        raise
    return said


def _said_wrongly(cell: Cell, code: int, said: str) -> Iterator[str]:
    if code not in cell.end:
        wanted = " or ".join(map(str, sorted(cell.end)))
        yield f"ended in {code}, not {wanted}: {said.strip()[-600:]}"
        return
    if "Traceback" in said or "a bug of ours" in said:
        yield f"a traceback: {said.strip()[-600:]}"
    for phrase in cell.end[code]:
        if phrase not in said:
            yield f"does not say {phrase!r}: {said.strip()[-600:]}"


def _taken_up(cell: Cell, scene: Scene) -> Iterator[str]:
    """Do what a person would: go on with the run, or start it if it never began."""
    again = scene.spawn(*_again(cell, scene))
    said = _ended(again)
    if again.returncode != DONE:
        yield f"taken up, it ended in {again.returncode}: {said.strip()[-600:]}"


def _again(cell: Cell, scene: Scene) -> tuple[str, ...]:
    if cell.phase == PULL:
        return _PULL
    # The box takes in what was under way when the laptop went; a person is no faster.
    scene.wait_until_begun()
    return ("resume",) if scene.is_begun else RUN
