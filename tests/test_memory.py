"""What the laptop must remember, and how a run is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from pipeline import memory
from pipeline.errors import IntegrityError, SpecError
from pipeline.layout import RUN_ID, LaptopPaths
from pipeline.memory import HostRecord, RunRecord
from tests.strategies import values

RUNS = ("20261119-0900-00ff", "20261120-1710-a3f9", "20261120-1710-b000")
RECORD = RunRecord(
    run=RUNS[1],
    name="vq",
    project="vq-1",
    branch=f"run/{RUNS[1]}",
    snapshot="9f",
    prefix=".",
    started_at="2026-11-20T17:10:59Z",
)
STARTED = ("2026-11-19T09:00:00Z", "2026-11-20T17:10:59Z", "2026-11-20T17:10:07Z")


@pytest.fixture
def paths(tmp_path: Path) -> LaptopPaths:
    """A laptop that remembers three runs."""
    paths = LaptopPaths(tmp_path)
    for run, at in zip(RUNS, STARTED, strict=True):
        memory.remember_run(paths, replace(RECORD, run=run, started_at=at))
    return paths


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(record=values(RunRecord))
def test_a_run_is_remembered_whole(tmp_path: Path, record: RunRecord) -> None:
    """Whatever pipeline.yaml says by then."""
    paths = LaptopPaths(tmp_path)
    named = replace(record, run=RUNS[0])

    memory.remember_run(paths, named)

    assert memory.read_run(paths, RUNS[0]) == named


def test_git_never_picks_it_up(paths: LaptopPaths) -> None:
    """The folder carries a `.gitignore` of its own."""
    assert (paths.memory / ".gitignore").read_text() == "*\n"


NAMED = {
    "in full": (RUNS[0], RUNS[0]),
    "by its last part": ("a3f9", RUNS[1]),
    "by its day": ("20261119", RUNS[0]),
    "the latest, by when it was started": ("", RUNS[1]),
    "the latest, by that name": ("latest", RUNS[1]),
}


@pytest.mark.parametrize(("wanted", "run"), NAMED.values(), ids=NAMED)
def test_a_run_is_found(paths: LaptopPaths, wanted: str, run: str) -> None:
    """Each row: what was typed, and the run it means."""
    assert memory.find_run(paths, wanted).run == run


REFUSED = {
    "unknown": ("nope", "no run is called 'nope'\n  see them all with: pipeline runs"),
    "several": (
        "1710",
        f"'1710' may be any of: {RUNS[1]}, {RUNS[2]}\n  name more of it",
    ),
    "a path": ("../x", "no run is called '../x'\n  see them all with: pipeline runs"),
}


@pytest.mark.parametrize(("wanted", "message"), REFUSED.values(), ids=REFUSED)
def test_a_name_that_is_no_runs_is_refused(
    paths: LaptopPaths, wanted: str, message: str
) -> None:
    """Each row: what was typed, and what is said of it."""
    with pytest.raises(SpecError) as caught:
        memory.find_run(paths, wanted)

    assert str(caught.value) == message


def test_without_runs_the_first_one_is_explained(tmp_path: Path) -> None:
    """What next is a command to type."""
    with pytest.raises(SpecError, match="no run is known in") as caught:
        memory.find_run(LaptopPaths(tmp_path), "")

    assert caught.value.hint.startswith("start one with: pipeline run\n")


def test_foreign_files_are_no_runs(paths: LaptopPaths) -> None:
    """A draft, a backup, a note of somebody's."""
    for name in (".20261120-1710-a3f9.json.7.draft", "notes.json", f"{RUNS[0]}.json~"):
        (paths.runs / name).write_text("?")

    assert memory.run_names(paths) == list(RUNS)


def test_a_record_that_is_damaged_is_named(paths: LaptopPaths) -> None:
    """The message says which file."""
    (paths.runs / f"{RUNS[0]}.json").write_text("{")

    with pytest.raises(IntegrityError, match=f"{RUNS[0]}.json is not JSON"):
        memory.find_run(paths, RUNS[0])


def test_a_forgotten_run_is_gone(paths: LaptopPaths) -> None:
    """And forgetting it again is no error."""
    for _ in range(2):
        memory.forget_run(paths, RUNS[1])

    assert memory.run_names(paths) == [RUNS[0], RUNS[2]]


def test_a_new_run_has_a_name_of_its_own() -> None:
    """Told by its minute, and by four letters more when others share that."""
    moment = datetime(2026, 11, 20, 17, 10, tzinfo=timezone.utc)
    taken: set[str] = set()
    for _ in range(200):
        taken.add(memory.new_run_id(moment, taken))

    assert len(taken) == 200
    assert all(RUN_ID.fullmatch(name) for name in taken)


def test_what_a_host_has_is_only_a_hint(paths: LaptopPaths) -> None:
    """What cannot be read is as good as nothing: the host is asked instead."""
    memory.remember_host(paths, "ec2", HostRecord(snapshot="9f"))
    known = memory.read_host(paths, "ec2")
    (paths.memory / "hosts" / "ec2.json").write_text("{")

    assert known == HostRecord(snapshot="9f")
    assert memory.read_host(paths, "ec2") == HostRecord()
    assert memory.read_host(paths, "other") == HostRecord()
