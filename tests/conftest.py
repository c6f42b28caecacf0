"""What every test has: a laptop of its own, and a home that is nobody's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.afar import Remote
from tests.laptop import Laptop

pytest_plugins = ["tests.fixtures_lab"]

# Before anybody imports torch: many tests run side by side on few cores, where threads
# wait for each other, and some sums have other bits on another count of threads.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


@pytest.fixture(autouse=True, scope="session")
def no_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the tests themselves a home in which nothing can be kept."""
    os.environ["HOME"] = str(tmp_path_factory.mktemp("guard") / "file" / "home")
    (Path(os.environ["HOME"]).parent).write_text("a file, so no home can lie below it")


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    """An empty repository on a laptop of its own."""
    return Laptop(tmp_path)


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A laptop with a pipeline of three stages, to be sent to a box."""
    laptop = Remote(tmp_path)
    laptop.with_chain()
    return laptop


@pytest.fixture
def chain(laptop: Laptop) -> Laptop:
    """A laptop with a pipeline of three stages."""
    return laptop.with_chain()
