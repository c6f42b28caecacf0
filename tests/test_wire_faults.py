"""Whatever befalls the link, and whenever: nothing sealed is lost, all comes home."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import Lab
from tests.laptop import wait_until
from tests.wire import ordeal, truth
from tests.wire.cells import PHASES, TABLE, Cell, all_cells, sample
from tests.wire.faults import FAULTS
from tests.wire.phases import running
from tests.wire.scene import Scene

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


@pytest.fixture(scope="session")
def whole(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What comes of the run of the fault table when nothing happens to it."""
    return ordeal.undisturbed(tmp_path_factory.mktemp("wire"), lab)


@pytest.mark.parametrize("cell", [pytest.param(c, id=c.name) for c in sample()])
def test_a_run_under_fire_ends_like_any_other(
    cell: Cell, lab: Lab, tmp_path: Path, whole: dict[str, str]
) -> None:
    """A sample of the table; `make faults` runs all of it."""
    assert ordeal.outcome(cell, tmp_path / "wire", lab, whole).wrong == ()


def test_the_table_has_each_fault_and_each_phase() -> None:
    """No row without its fault, and each phase is met by many."""
    assert set(TABLE) == set(FAULTS)
    assert {cell.phase for cell in all_cells()} == set(PHASES)
    assert {cell.fault for cell in sample()} <= set(FAULTS)


def test_what_is_no_prefix_is_found(lab: Lab, tmp_path: Path) -> None:
    """The eyes of the table see a copy that is ahead, torn, or another one."""
    with ordeal.staged(tmp_path / "wire", lab) as scene:
        running(scene)
        wait_until((scene.results / "one" / "metrics.json").exists, "numbers at home")
        assert list(truth.not_a_prefix(scene)) == []

        spoil(scene)

        assert sorted(truth.not_a_prefix(scene)) == [
            "events.jsonl is no prefix of the box's",
            "one/metrics.json is torn: 1 of 3 bytes",
            "two/more.txt is ahead of the box",
        ]
        assert f"a draft: {scene.run_id}/one/.table.XYZ" in truth.drafts(scene)


def spoil(scene: Scene) -> None:
    """Do to a mirror what must never be done to it."""
    with (scene.results / "events.jsonl").open("r+b") as file:
        file.write(b"?")
    (scene.results / "one" / "metrics.json").write_bytes(b"{")
    (scene.results / "two" / "more.txt").write_bytes(b"?")
    (scene.results / "one" / ".table.XYZ").write_bytes(b"?")
