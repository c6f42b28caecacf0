"""Every mistake of the originals, put back in, fails the test that is about it."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

import pytest

from tests.models.fault import Fault, broken
from tests.models.listed import PAGE, listed, page

ROOT = Path(__file__).resolve().parents[2]


FAULTS = [fault for faults in listed().values() for fault in faults]


class Trial:
    """A copy of the mathematics, and a process that runs its tests one at a time."""

    def __init__(self, root: Path) -> None:
        """Copy the mathematics and its tests into `root`, and nothing else."""
        leave_out = shutil.ignore_patterns("__pycache__")
        for name in ("models", "tests/models"):
            shutil.copytree(ROOT / name, root / name, ignore=leave_out)
        shutil.copy(ROOT / "pyproject.toml", root)
        # Compiled once; a file with a mistake in it has another hash, and is compiled.
        compileall.compile_dir(
            root, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH
        )
        self._root = root
        self._process = subprocess.Popen(
            [sys.executable, "-B", "-m", "tests.models.trial"],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def of(self, fault: Fault) -> dict[str, Any]:
        """Put the mistake in, run its test, and take the mistake out again."""
        path = self._root / "models" / fault.file
        text = path.read_text()
        path.write_text(broken(text, fault))
        try:
            return self.run(f"tests/models/{fault.test}")
        finally:
            path.write_text(text)

    def run(self, test: str) -> dict[str, Any]:
        """Run one test; give how it ended, and what was said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{test}\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def close(self) -> None:
        """Let the process end."""
        self._process.communicate()


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """One copy for all mistakes."""
    one = Trial(tmp_path_factory.mktemp("trial"))
    yield one
    one.close()


def test_the_page_of_mistakes_is_not_stale() -> None:
    """Mended by `make docs`."""
    assert PAGE.read_text() == page()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.says)
def test_a_mistake_is_noticed(fault: Fault, trial: Trial) -> None:
    """The test runs, and fails, once the mistake is in."""
    ended = trial.of(fault)

    # 1 is "tests ran and some failed"; a file that cannot be imported ends in 2 or 4.
    assert ended["code"] == 1, ended["text"][-2000:]
    assert "error" not in ended["text"].splitlines()[-1], ended["text"][-2000:]
