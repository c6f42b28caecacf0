"""Whatever is killed, and whenever: taking the run up again ends like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash import cut
from tests.crash.cells import POWER, Cell, sample
from tests.crash.power import Disk
from tests.crash.scene import Scene
from tests.laptop import Laptop

STAGES = ["one", "two", "three"]
LARGE = 5000


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the seals of the crash table hold when nothing happens."""
    return cut.never_cut(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def never_cut(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the seals of a run hold that nothing happened to."""
    twin = Laptop(tmp_path_factory.mktemp("twin")).with_chain()
    twin.pipeline("run")
    return twin.trees()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("cell", [pytest.param(c, id=c.name) for c in sample()])
def test_a_run_cut_short_ends_like_any_other(
    cell: Cell, tmp_path: Path, whole: dict[str, str]
) -> None:
    """A sample of the table, each point once; `make crash` runs all of it."""
    assert cut.differences(cell, tmp_path, whole) == []


def test_a_run_killed_again_and_again_ends_like_any_other(
    chain: Laptop, never_cut: dict[str, str]
) -> None:
    """Every stage dies at another point, on the way through one run."""
    deaths = ["one:sealing", "one:sealed", "two:published", "three:started"]
    first, *others = deaths
    chain.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": first})
    chain.wait_for_runner(lives=False)
    for death in others:
        chain.pipeline("resume", "--detach", env={"PIPELINE_DIE_AT": death})
        chain.wait_for_runner(lives=False)

    chain.pipeline("resume")

    assert chain.seals() == STAGES
    assert chain.trees() == never_cut


def test_a_sealed_file_that_was_lost_is_put_back(
    chain: Laptop, never_cut: dict[str, str]
) -> None:
    """The commit is the fact: what lies in it is restored before it is read."""
    chain.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "two:started"})
    chain.wait_for_runner(lives=False)
    made = chain.run_folder() / "tree" / "artifacts" / "one" / "one.txt"
    made.write_text("???\n")

    chain.pipeline("resume")

    assert made.read_text() == "one\n"
    assert chain.trees() == never_cut


def test_a_large_file_that_was_lost_is_named(laptop: Laptop) -> None:
    """It comes back from the store; lost there too, it is said, nothing built on it."""
    text = (
        "name: x\ngit: {max_file: 1kB}\nstages:\n"
        f"  a: {{sh: head -c {LARGE} /dev/zero > $OUT/big, outputs: [big]}}\n"
        "  b: {sh: 'wc -c {a/big} > $OUT/size', outputs: [size]}\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    laptop.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "b:started"})
    laptop.wait_for_runner(lives=False)
    big = laptop.run_folder() / "tree/artifacts/a/big"
    big.unlink()
    laptop.pipeline("resume", "--detach", env={"PIPELINE_DIE_AT": "b:started"})
    laptop.wait_for_runner(lives=False)
    assert big.stat().st_size == LARGE
    big.unlink()
    for path in laptop.home.glob(".pipeline/*/store/[0-9a-f]*"):
        path.unlink()

    said = laptop.pipeline("resume", code=7)

    assert "stage 'a' is sealed, but its artifacts are not whole: big" in said
    assert laptop.seals() == ["a"]


def test_a_torn_story_is_taken_up(chain: Laptop) -> None:
    """A half line gets its newline, and is nobody's event."""
    chain.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "two:started"})
    chain.wait_for_runner(lives=False)
    events = chain.run_folder() / "tree/results/events.jsonl"
    with events.open("ab") as file:
        file.write(b'{"v":1,"at":"2026-11-20T00:00:0')

    chain.pipeline("resume")

    assert chain.seals() == STAGES
    assert "done, 3 of 3" in (chain.results / "PROGRESS.txt").read_text()


@pytest.mark.timeout(240)
def test_an_environment_survives_a_power_cut(tmp_path: Path) -> None:
    """What was built is on the disk before it gets its name: nobody uses half of it."""
    scene = Scene(tmp_path)
    text = (scene.repo / "pipeline.yaml").read_text()
    head, _, rest = text.partition("env: ")
    setup = "env: {setup: ['echo built >> $HOME/built']}"
    scene.write("pipeline.yaml", head + setup + rest[rest.index("\n") :])
    disk = Disk(scene.home)
    try:
        cell = Cell(kind="run", stage="", point="prepared", victim=POWER)
        cut.cut_short(cell, scene, disk, ["run", "--detach"])
        scene.pipeline("resume")
        assert scene.told() == STAGES
        assert (scene.home / "built").read_text() == "built\n"
    finally:
        scene.kill(*(pid for pid, _, _ in scene.processes()))
        scene.wait_until_still()
        disk.remove()
