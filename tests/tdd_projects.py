"""Small real projects, with tests of every kind that there is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

SETTINGS = '[tool.pytest.ini_options]\naddopts = ["-x", "-n", "2"]\n'

CODE = '''\
"""What is tested."""

LIMIT = 3


def add(a, b):
    """Add."""
    total = a + b
    return total


def steps(n):
    yield from range(n)


class Area:
    def __init__(self, side):
        self.side = side

    @property
    def size(self):
        return self.side**2
'''

GOOD = """\
import pytest
from hypothesis import given, strategies

from lib.code import LIMIT, Area, add, steps


def test_it_adds():
    assert add(1, 2) == 3


@given(strategies.integers())
def test_it_adds_nothing(n):
    assert add(n, 0) == n


@pytest.mark.parametrize("side", [1, 2])
def test_an_area(side):
    assert Area(side).size == side * side


def test_steps_come_in_order():
    assert list(steps(3)) == [0, 1, 2]


def test_vacuous():
    assert LIMIT == 3


def test_vacuous_too():
    with pytest.raises(Exception):
        add(1, "2")


def test_left_out():
    pytest.skip("not today")


@pytest.mark.xfail(reason="one day")
def test_expected_to_fail():
    assert add(1, 1) == 3


def test_wrong():
    print("begin" + "x" * 3_000_000 + "end")
    assert add(1, 1) == 3
"""

HARM = """\
import os
import signal
import subprocess
import time

from lib.code import add


def test_exits():
    os._exit(3)


def test_crashes():
    os.kill(os.getpid(), signal.SIGSEGV)


def test_hangs():
    time.sleep(1000)


def test_leaves_a_process():
    subprocess.Popen(["sleep", "98765.4"], start_new_session=True)
    assert add(1, 1) == 2


def test_forks_and_goes_on():
    if child := os.fork():
        os.waitpid(child, 0)
    assert add(1, 1) == 2


def test_litters():
    open("litter", "w").close()
    assert add(1, 1) == 2
"""

ZOO = {
    "pyproject.toml": SETTINGS,
    "lib/__init__.py": "",
    "lib/code.py": CODE,
    "lib/early.py": "def build():\n    return [1]\n\n\nTABLE = build()\n",
    "tests/test_good.py": GOOD,
    "tests/test_harm.py": HARM,
    "tests/test_early.py": (
        "from lib.early import TABLE\n\n\ndef test_table():\n    assert TABLE == [1]\n"
    ),
    "tests/test_broken.py": "import nowhere\n",
    "tests/test_gone.py": "import os\n\nos._exit(7)\n",
}

SMALL = {
    "lib/__init__.py": "",
    "lib/code.py": CODE,
    "tests/test_code.py": (
        "from lib.code import add\n\n\n"
        "def test_adds():\n    assert add(1, 2) == 3\n\n\n"
        "def test_adds_more():\n    assert add(1, 3) == 4\n"
    ),
}


def lay(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write a project below `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root
