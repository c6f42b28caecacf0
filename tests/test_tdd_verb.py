"""`pipeline tdd`: red, green, refactor by hand, each with its evidence or a reason."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline import cli
from tests.tdd_projects import CODE, lay

ROOT = Path(cli.__file__).resolve().parents[1]
TEST = "from lib.code import add\n\n\ndef test_adds():\n    assert add(1, 2) == 3\n"
PIPELINE = """\
name: sums
stages:
  tdd_gate:
    sh: "true"
    params: {tests: [tests], target: [lib], timeout_s: 20}
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a test, and no code yet."""
    lay(tmp_path, {"tests/test_sums.py": TEST, "pipeline.yaml": PIPELINE})
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_code(work: Path) -> None:
    """Write what the test asks for."""
    lay(work, {"lib/__init__.py": "", "lib/code.py": CODE})


def read(work: Path, phase: str, name: str = "sums") -> str:
    """Read the evidence of a phase."""
    return (work / f"artifacts/tdd_{name}_{phase}.txt").read_text()


def test_the_cycle_leaves_three_proofs(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Red before the code is there, green with it, and the same after a change."""
    codes = [cli.main(["tdd", "red"])]
    write_code(work)
    codes += [cli.main(["tdd", "green"])]
    lay(work, {"lib/code.py": CODE.replace("total = a + b", "total = b + a")})
    codes += [cli.main(["tdd", "refactor"])]

    assert codes == [0, 0, 0]
    assert "ModuleNotFoundError: No module named 'lib'" in read(work, "red")
    assert "PASS     tests/test_sums.py::test_adds\n" in read(work, "green")
    assert read(work, "refactor").startswith("TDD refactor")
    said = capsys.readouterr().out.splitlines()[:2]
    assert said[0] == "wrote artifacts/tdd_sums_red.txt: 1 of 1 fail"
    assert said[1].endswith("git add --force artifacts/tdd_sums_red.txt")


def test_red_that_passes_is_no_red(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named, nothing is written, and the code is that of a gate."""
    write_code(work)

    assert cli.main(["tdd", "red", "--tests", "tests/test_sums.py"]) == 3

    assert capsys.readouterr().err == (
        "this is not red: 0 of 1 fail\n"
        "  passes already: tests/test_sums.py::test_adds\n"
        "  artifacts/tdd_sums_red.txt was not written\n"
    )
    assert not (work / "artifacts").exists()


def test_red_is_proved_of_code_that_is_there(work: Path) -> None:
    """Its functions are emptied in the copy, and stay as they are here."""
    write_code(work)

    code = cli.main(["tdd", "red", "--target", "lib/code.py", "--name", "late"])

    assert code == 0
    assert "RED      tests/test_sums.py::test_adds\n" in read(work, "red", "late")
    assert (work / "lib/code.py").read_text() == CODE


def test_green_that_fails_says_all_there_is_to_mend(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole words of the test go to stdout; what was written before stays."""
    lay(work, {"artifacts/tdd_sums_green.txt": "as it was"})
    lay(work, {"lib/code.py": CODE.replace("a + b", "a - b")})

    assert cli.main(["tdd", "green"]) == 3

    said = capsys.readouterr()
    assert "E       assert -1 == 3" in said.out
    assert "fails: tests/test_sums.py::test_adds: assert -1 == 3" in said.err
    assert read(work, "green") == "as it was"


def test_a_refactoring_keeps_its_tests(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that is gone and one that is new are named."""
    write_code(work)
    green = "PASS     tests/test_sums.py::test_gone\n"
    lay(work, {"artifacts/tdd_sums_green.txt": green})

    assert cli.main(["tdd", "refactor"]) == 3

    said = capsys.readouterr().err
    assert "  is gone: tests/test_sums.py::test_gone\n" in said
    assert "  is new: tests/test_sums.py::test_adds\n" in said


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["refactor"], "there is no tdd_sums_green.txt to compare with"),
        (["green", "--tests", "nothing.py"], "tests 'nothing.py' is not there"),
        (["green", "--tests", "/etc/hosts"], "lies outside of the repository"),
        (["green", "--name", "a/b"], "'a/b' cannot be part of a file's name"),
        (["blue"], "blue"),
    ],
    ids=["no green", "no file", "outside", "a bad name", "no phase"],
)
def test_wrong_use_is_refused(
    work: Path, capsys: pytest.CaptureFixture[str], words: list[str], wanted: str
) -> None:
    """Before anything is run, with 2."""
    assert cli.main(["tdd", *words]) == 2

    assert wanted in capsys.readouterr().err


def test_it_needs_no_pipeline(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are as they were typed, from the folder that one is in."""
    write_code(work)
    (work / "pipeline.yaml").unlink()

    assert cli.main(["tdd", "green", "--tests", "tests/test_sums.py::test_adds"]) == 0

    assert "1 of 1 passed" in read(work, "green")


def test_one_who_is_ended_leaves_nothing_behind(work: Path, tmp_path: Path) -> None:
    """No process, no copy: a TERM ends it as an exception would."""
    began = tmp_path / "began"
    hangs = f"import pathlib, time\n\ndef test_it():\n    pathlib.Path({str(began)!r})"
    lay(work, {"tests/test_sums.py": f"{hangs}.touch()\n    time.sleep(1000)\n"})
    (work / "scratch").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "tdd", "green"],
        env={**os.environ, "TMPDIR": str(work / "scratch"), "PYTHONPATH": str(ROOT)},
    )
    while not began.exists():
        assert process.poll() is None
        time.sleep(0.02)

    process.terminate()

    assert process.wait(30) == 143
    assert list((work / "scratch").iterdir()) == []
