"""What cannot be proved is refused, in one message that says what to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import HostError, SpecError
from pipeline.fence import MARK
from pipeline.tdd.bench import Bench, bench
from pipeline.tdd.claim import claimed
from pipeline.tdd.proof import prove, run
from tests.tdd_projects import SMALL, lay


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project with two tests that are as they should be."""
    return lay(tmp_path / "small", SMALL)


@pytest.fixture
def place() -> Iterator[Bench]:
    """A bench with one core."""
    with bench(cores=1) as opened:
        yield opened


REFUSED = {
    "no tests": ([], ["lib"], "no tests are named"),
    "no target": (["tests"], [], "no target is named: the code that the tests test"),
    "a test that is not there": (["test"], ["lib"], "tests 'test' is not there"),
    "a target that is not there": (["tests"], ["li"], "target 'li' is not there"),
    "a module": (["tests"], ["lib.code"], "target 'lib.code' is not there"),
    "a test outside": (
        ["../other.py"],
        ["lib"],
        "tests '../other.py' lies outside of the repository",
    ),
    "a place": (["/etc"], ["lib"], "tests '/etc' lies outside of the repository"),
    "a link outside": (
        ["tests"],
        ["out.py"],
        "target 'out.py' leads outside of the repository, to /etc/hostname",
    ),
    "a target that is a test": (
        ["tests"],
        ["tests/test_code.py"],
        "target 'tests/test_code.py' is one of the tests",
    ),
    "no Python": (["tests"], ["odd/bad.py"], "odd/bad.py:1: is not Python: "),
    "a binary": (["tests"], ["odd/binary.py"], "odd/binary.py"),
    "another encoding": (["tests"], ["odd/latin.py"], "odd/latin.py"),
    "compiled code": (
        ["tests"],
        ["odd/fast.so"],
        "target 'odd/fast.so' holds compiled code, which cannot be emptied",
    ),
    "an empty folder": (
        ["tests"],
        ["odd/none"],
        "target 'odd/none' holds no Python, which cannot be emptied",
    ),
    "nothing to empty": (
        ["tests"],
        ["odd/constants.py"],
        "target odd/constants.py has no function to empty",
    ),
}
ODD: dict[str, str | bytes] = {
    "odd/bad.py": "def f(:\n",
    "odd/binary.py": b"x = 1\x00\xff",
    "odd/latin.py": b"def f():\n    return '\xf6'\n",
    "odd/fast.so": b"\x7fELF",
    "odd/none/readme.md": "",
    "odd/constants.py": "X = 1\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_proved_is_refused(small: Path, place: Bench, name: str) -> None:
    """In one message, before any test is started."""
    tests, target, wanted = REFUSED[name]
    lay(small, ODD)
    (small / "out.py").symlink_to("/etc/hostname")

    with pytest.raises(SpecError) as refused:
        prove(claimed(small, tests, target, also=()), place)

    assert refused.value.message.startswith(wanted)
    assert not (place.place / "green").exists()


@pytest.mark.parametrize(
    ("tests", "text", "wanted"),
    [
        ("tests/test_code.py", "x = 1\n", "tests 'tests/test_code.py': pytest finds"),
        ("tests/test_code.py::test_no", None, "tests 'tests/test_code.py::test_no'"),
        ("tests/conftest.py", "import nowhere\n", "pytest cannot begin"),
    ],
    ids=["a file without tests", "a node that is not there", "a broken conftest"],
)
def test_tests_that_are_none_are_refused(
    small: Path, place: Bench, tests: str, text: str | None, wanted: str
) -> None:
    """Green that is green of nothing proves nothing."""
    if text is not None:
        lay(small, {tests: text})

    with pytest.raises(SpecError) as refused:
        run(claimed(small, [tests], ["lib"], also=()), place)

    assert refused.value.message.startswith(wanted)


def test_a_python_without_pytest_is_told_what_to_install(
    small: Path, tmp_path: Path
) -> None:
    """By the command to type."""
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)

    with bench(python=str(bare)) as place, pytest.raises(HostError) as refused:
        run(claimed(small, ["tests"], also=()), place)

    assert refused.value.hint == f"{bare} -m pip install pytest"


def test_code_that_comes_from_elsewhere_is_refused(
    small: Path, monkeypatch: pytest.MonkeyPatch, place: Bench
) -> None:
    """Emptied in the copy, it would be whole where the tests find it."""
    far = f"import sys\n\nsys.path.insert(0, {str(small)!r})\n"
    lay(small, {"tests/conftest.py": far})

    with pytest.raises(SpecError) as refused:
        run(claimed(small, ["tests"], ["lib"], also=()), place)

    assert "import lib/__init__.py from the worktree" in refused.value.message


def test_what_a_killed_one_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    """Its copy and its processes; that of one who is at work stays."""
    left = tmp_path / "tdd-left"
    lay(left, {"bench.lock": "", "green/x": ""})
    orphan = subprocess.Popen(["sleep", "1000"], env={MARK: str(left)})

    with bench(root=tmp_path) as first, bench(root=tmp_path) as second:
        assert not left.exists()
        assert first.place.is_dir()
        assert second.place.is_dir()

    assert orphan.wait(10) < 0
    assert list(tmp_path.iterdir()) == []
