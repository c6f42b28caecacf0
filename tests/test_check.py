"""`pipeline check`: one good line, or every mistake, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline import cli
from tests.laptop import Laptop

WRONG = "name: x\nhosts: {ec2: {ssh: box}}\nstage: {}\nstages: {a: {sh: x}}\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder, to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_right_is_counted(chain: Laptop) -> None:
    """So that a stage that was left out is missed."""
    assert chain.pipeline("check") == (
        "pipeline.yaml: 3 stages, 2 inputs, 3 outputs, 1 gate; no mistake found\n"
    )


def test_a_script_is_told_every_mistake(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its place, and what stands elsewhere with its origin."""
    (here / "pipeline.yaml").write_text(WRONG)

    assert cli.main(["check", "--json", "--set", "b.n=1"]) == 2

    assert json.loads(capsys.readouterr().out) == {
        "file": str(here / "pipeline.yaml"),
        "mistakes": [
            {
                "line": 3,
                "column": 1,
                "origin": None,
                "sentence": "unknown key 'stage'",
                "hint": "did you mean 'stages'?",
            },
            {
                "line": None,
                "column": None,
                "origin": "--set 'b.n=1'",
                "sentence": "there is no stage 'b'",
                "hint": None,
            },
        ],
    }


def test_a_script_is_told_that_all_is_well(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the counts, and what is worth a look."""
    (here / "pipeline.yaml").write_text("name: x\nstages: {a: {run: far.away}}\n")

    assert cli.main(["check", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["mistakes"] == []
    assert told["stages"] == 1
    assert [note.split(":")[0] for note in told["notes"]] == ["stage 'a'"]


def test_a_mistake_without_a_place_is_told_as_one(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script need not know two shapes."""
    (here / "pipeline.yaml").write_text(WRONG.replace("stage: {}\n", ""))

    assert cli.main(["check", "--json", "--host", "ec3"]) == 2

    assert json.loads(capsys.readouterr().out)["mistakes"] == [
        {
            "line": None,
            "column": None,
            "origin": None,
            "sentence": "no host is called 'ec3'",
            "hint": "known are: local, ec2",
        }
    ]


def test_a_run_on_a_host_needs_a_path_for_its_data(laptop: Laptop) -> None:
    """Told with its place, before anything is shipped."""
    laptop.write("pipeline.yaml", WRONG.replace("stage: {}", "data: {d: {path: d}}"))

    told = laptop.pipeline("check", "--host", "ec2", code=2)

    assert told.startswith("pipeline.yaml:3:8: data 'd' has no path for host 'ec2'\n")
    assert "no mistake found" in laptop.pipeline("check")
