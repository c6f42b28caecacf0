"""How a run comes to a phase, and stays there until it is let go.

The last command of the scene is in it then. Nothing is guessed: a stage waits for a
file, a runner has stopped itself at a named point, or so many bytes of what a slow
cable brings have come.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.laptop import wait_until
from tests.wire import cells
from tests.wire.scene import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.scene import Scene

SLOW_MBIT = 8.0
_SOME = 150_000  # bytes of which the rest is still to come
RUN = ("run", "--host", "gpu")


def ship(scene: Scene) -> None:
    """The pack of the snapshot is on its way to the box."""
    scene.box.shape(rate_mbit=SLOW_MBIT)
    scene.spawn(*RUN)
    _wait(lambda: _shipped(scene) > _SOME, "some of the pack")


def _shipped(scene: Scene) -> int:
    return sum(path.stat().st_size for path in scene.drafts_of_packs())


def launch(scene: Scene) -> None:
    """The run is made, and there is no runner yet."""
    _halted(scene, ":made")


def environment(scene: Scene) -> None:
    """A slow command of env.setup is at work, and the watcher knows of it."""
    _held(scene, "environment")
    _wait(lambda: b"building" in _story(scene), "the story at home")


def running(scene: Scene) -> None:
    """A stage prints, and what it prints has come home."""
    _held(scene, "two")
    _wait(lambda: _printed(scene, "two") > 0, "the log at home")


def seal(scene: Scene) -> None:
    """The commit of a seal is written, and the branch not moved yet."""
    _halted(scene, "two:sealing")


def mirror(scene: Scene) -> None:
    """A table is on its way home; the next stage waits."""
    _slowly(scene, "one", then="two")
    _wait(lambda: _on_the_way(scene.results), "some of the table")


def fetch(scene: Scene) -> None:
    """A seal is on its way home; the next stage waits."""
    _slowly(scene, "two", then="three")
    _wait(lambda: _read_by(scene, "git") > _SOME, "some of a seal")


def pull(scene: Scene) -> None:
    """The run is over, and a large artifact is on its way home."""
    scene.pipeline(*RUN)
    scene.box.shape(rate_mbit=SLOW_MBIT)
    scene.spawn("pull", "three")
    _wait(lambda: _on_the_way(scene.artifacts), "some of the artifact")


PHASES: dict[str, Callable[[Scene], None]] = {
    cells.SHIP: ship,
    cells.LAUNCH: launch,
    cells.ENVIRONMENT: environment,
    cells.RUNNING: running,
    cells.SEAL: seal,
    cells.MIRROR: mirror,
    cells.FETCH: fetch,
    cells.PULL: pull,
}


def _held(scene: Scene, place: str) -> None:
    scene.hold(place)
    scene.spawn(*RUN)
    scene.wait_until_held(place)


def _halted(scene: Scene, point: str) -> None:
    scene.halt(point)
    scene.spawn(*RUN)
    _wait(lambda: bool(scene.halted()), point)


def _slowly(scene: Scene, place: str, *, then: str) -> None:
    """Let a stage make what is large when the cable has become slow."""
    scene.hold(then)
    _held(scene, place)
    _wait(lambda: _printed(scene, place) > 0, "the log at home")
    scene.box.shape(rate_mbit=SLOW_MBIT)
    scene.let_go(place)


def _story(scene: Scene) -> bytes:
    try:
        return (scene.results / "events.jsonl").read_bytes()
    except ValueError:
        return b""  # no run is known yet


def _printed(scene: Scene, stage: str) -> int:
    try:
        return (scene.results / stage / "stage.log").stat().st_size
    except (FileNotFoundError, ValueError):
        return 0


def _on_the_way(folder: Path) -> bool:
    """Tell whether some of a large file is there, under whatever name."""
    sizes = (path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return any(size > _SOME for size in sizes)


def _read_by(scene: Scene, program: str) -> int:
    """Count what processes of ours of that name have read so far."""
    most = 0
    for pid, text in scene.here().items():
        if program in text.partition(" ")[0]:
            try:
                said = Path("/proc", str(pid), "io").read_text()
            except OSError:
                continue
            most = max(most, int(said.split()[1]))
    return most


def _wait(holds: Callable[[], bool], what: str) -> None:
    def does() -> bool:
        try:
            return holds()
        except FileNotFoundError:  # it was renamed under our eyes
            return False

    wait_until(does, what, PATIENCE_S)
