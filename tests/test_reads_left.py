"""What a module stage reads of what others left in the worktree, and what it left."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.laptop import Laptop
from tests.test_reads import executed

STAGES = """
  gives:
    sh: echo given > $OUT/given.txt; echo changed > conf/tracked.txt
    outputs: [given.txt]
  peeks: {run: stages.peeks, after: [gives], outputs: [said.txt]}
  trusts: {run: stages.trusts, after: [gives], outputs: [said.txt]}
  asks: {run: stages.asks, inputs: [gives/given.txt], outputs: [said.txt]}
  retries: {run: stages.retries, after: [gives], outputs: [said.txt], retries: 1}
  imports: {run: stages.imports, after: [retries], outputs: [said.txt]}
"""
MODULES = {
    "peeks": 'text = open("artifacts/gives/given.txt").read()',
    "trusts": 'text = open("conf/tracked.txt").read()',
    "asks": 'text = ctx.input("gives/given.txt").read_text()',
    "retries": (
        "import importlib\n"
        '    text = importlib.import_module("plug" + "ins").VALUE\n'
        '    first = ctx.checkpoint_dir / "first"\n'
        "    if not first.exists():\n"
        "        first.touch()\n"
        '        raise ValueError("the first try fails")'
    ),
    "imports": (
        'import importlib\n    text = importlib.import_module("plug" + "ins").VALUE'
    ),
}
RUN = """\
def run(params, ctx):
    {code}
    with ctx.output("said.txt") as path:
        path.write_text(text)
"""


@pytest.fixture
def left(tmp_path: Path) -> Laptop:
    """A laptop whose home is reached through a link, with these stages."""
    laptop = Laptop(tmp_path)
    (tmp_path / "link").symlink_to(laptop.home)
    laptop.env["HOME"] = str(tmp_path / "link")
    # A bare Python: with all that the tests' own has, each start takes longer.
    bare = str(Path(sys.base_prefix, "bin", "python3"))
    head = f"name: left\nenv: {{python: {bare}}}\nstages:"
    laptop.write("pipeline.yaml", head + STAGES)
    for name, code in MODULES.items():
        laptop.write(f"stages/{name}.py", RUN.format(code=code))
    laptop.write("stages/__init__.py", "")
    laptop.write("conf/tracked.txt", "as it was\n")
    laptop.write("plugins.py", 'VALUE = "1"\n')
    laptop.commit()
    laptop.pipeline("run")
    return laptop


def test_what_nobody_declared_is_never_trusted(left: Laptop) -> None:
    """Two stages read what another left; the one that says so is reused."""
    undeclared = "it read {}, which is not among its inputs"

    found = executed(left)

    assert found == {
        "peeks": undeclared.format("artifacts/gives/given.txt"),
        "trusts": undeclared.format("conf/tracked.txt"),
    }


def test_compiled_code_stands_for_its_source(left: Laptop) -> None:
    """A second try, and a later stage, find what the first try compiled."""
    before = set(executed(left))
    left.write("plugins.py", 'VALUE = "2"\n')

    # `gives` is a command: all of the code counts for it.
    assert set(executed(left)) - before == {"retries", "imports", "gives", "asks"}


def test_an_undeclared_data_set_is_never_trusted(tmp_path: Path) -> None:
    """It lies outside of git, behind a link that every worktree has."""
    laptop = Laptop(tmp_path)
    dogs = tmp_path / "dogs"
    dogs.mkdir()
    (dogs / "one.txt").write_text("1\n")
    os.utime(dogs / "one.txt", (1e9, 1e9))
    laptop.write(
        "pipeline.yaml",
        f"name: dogs\ndata:\n  dogs: {{path: data/dogs, local: {dogs}}}\nstages:\n"
        "  says: {run: stages.says, inputs: ['data:dogs'], outputs: [said.txt]}\n"
        "  hides: {run: stages.hides, outputs: [said.txt]}\n",
    )
    code = 'text = open("data/dogs/one.txt").read()'
    laptop.write("stages/__init__.py", "")
    laptop.write("stages/says.py", RUN.format(code=code))
    laptop.write("stages/hides.py", RUN.format(code=code))
    laptop.commit()
    laptop.pipeline("run")

    assert set(executed(laptop)) == {"hides"}
    (dogs / "one.txt").write_text("2\n")
    assert set(executed(laptop)) == {"hides", "says"}
