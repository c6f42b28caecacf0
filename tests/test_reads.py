"""What a module stage reads beside its imports: seen while it runs, and held to after.

One pipeline has a stage for each way to read something. For each way the thing behind
it is changed, and the plan must say that this stage, and no other, is executed.
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import pytest

from tests.laptop import Laptop

HEAD = """\
import importlib
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path


def keep(ctx, what):
    with ctx.output("said.txt") as path:
        path.write_text(repr(what))


def look(name):
    with open(name) as file:
        return file.read()


def tell(told, name):
    told.put(look(name))


def run(params, ctx):
"""
# The name of a stage: what its `run` does, and what is changed for it to change.
WAYS: dict[str, tuple[str, str]] = {
    "opens": (
        """
        keep(ctx, open("conf/opens.txt").read())
        """,
        "conf/opens.txt",
    ),
    "by_module": (
        """
        root = Path(__file__).parent.parent
        keep(ctx, (root / "conf/by_module.txt").read_bytes())
        """,
        "conf/by_module.txt",
    ),
    "low_level": (
        """
        keep(ctx, os.read(os.open("conf/low_level.txt", os.O_RDONLY), 99))
        """,
        "conf/low_level.txt",
    ),
    "read_write": (
        """
        keep(ctx, open("conf/read_write.txt", "r+").read())
        """,
        "conf/read_write.txt",
    ),
    "a_thread": (
        """
        told = []
        act = lambda: told.append(look("conf/a_thread.txt"))
        thread = threading.Thread(target=act)
        thread.start()
        thread.join()
        keep(ctx, told)
        """,
        "conf/a_thread.txt",
    ),
    "a_fork": (
        """
        from_it, into = os.pipe()
        if not os.fork():
            os.write(into, look("conf/a_fork.txt").encode())
            os._exit(0)
        os.wait()
        keep(ctx, os.read(from_it, 99))
        """,
        "conf/a_fork.txt",
    ),
    "a_pool": (
        """
        with multiprocessing.get_context("fork").Pool(1) as pool:
            keep(ctx, pool.map(look, ["conf/a_pool.txt"]))
        """,
        "conf/a_pool.txt",
    ),
    "a_spawned_process": (
        """
        context = multiprocessing.get_context("spawn")
        told = context.SimpleQueue()
        one = context.Process(
            target=tell, args=(told, str(Path("conf/a_spawned_process.txt").absolute()))
        )
        one.start()
        keep(ctx, told.get())
        one.join()
        """,
        "conf/a_spawned_process.txt",
    ),
    "a_program": (
        """
        argv = ["cat", "conf/a_program.txt"]
        keep(ctx, subprocess.run(argv, capture_output=True).stdout)
        """,
        "conf/a_program.txt",
    ),
    "a_shell": (
        """
        keep(ctx, os.popen("cat conf/a_shell.txt").read())
        """,
        "conf/a_shell.txt",
    ),
    "computed": (
        """
        name = "plug" + "ins.fast"
        keep(ctx, importlib.import_module(name).VALUE)
        """,
        "plugins/fast.py",
    ),
    "data_base": (
        """
        there = sqlite3.connect("conf/data_base.txt")
        keep(ctx, Path("conf/data_base.txt").stat().st_size)
        there.close()
        """,
        "conf/data_base.txt",
    ),
    "lists": (
        """
        keep(ctx, sorted(os.listdir("many")))
        """,
        "many/new.txt",
    ),
    "globs": (
        """
        keep(ctx, sorted(map(str, Path("globbed").rglob("*.txt"))))
        """,
        "globbed/deep/new.txt",
    ),
    "walks": (
        """
        keep(ctx, sorted(name for _, _, names in os.walk("walked") for name in names))
        """,
        "walked/deep/new.txt",
    ),
    "through_a_link": (
        """
        keep(ctx, look("link.txt"))
        """,
        "conf/through_a_link.txt",
    ),
    "through_a_folder": (
        """
        keep(ctx, look("linked/through_a_folder.txt"))
        """,
        "conf/through_a_folder.txt",
    ),
    "absent_tried": (
        """
        try:
            keep(ctx, look("absent/tried.txt"))
        except OSError:
            keep(ctx, "none")
        """,
        "absent/tried.txt",
    ),
    "absent_asked": (
        """
        one = Path("absent/asked.txt")
        keep(ctx, one.read_text() if one.exists() else "none")
        """,
        "absent/asked.txt",
    ),
    "absent_by_path": (
        """
        keep(ctx, os.path.isfile("absent/by_path.txt"))
        """,
        "absent/by_path.txt",
    ),
    "absent_access": (
        """
        keep(ctx, os.access("absent/access.txt", os.R_OK))
        """,
        "absent/access.txt",
    ),
    "absent_folder": (
        """
        keep(ctx, Path("nowhere").is_dir())
        """,
        "nowhere/one.txt",
    ),
    "absent_module": (
        """
        try:
            keep(ctx, importlib.import_module("local" + "_settings").VALUE)
        except ImportError:
            keep(ctx, "none")
        """,
        "local_settings.py",
    ),
    "below_a_folder": (
        """
        conf = os.open("conf", os.O_RDONLY)
        keep(ctx, os.read(os.open("below_a_folder.txt", os.O_RDONLY, dir_fd=conf), 99))
        """,
        "conf/below_a_folder.txt",
    ),
    "lists_an_open_folder": (
        """
        keep(ctx, sorted(os.listdir(os.open("opened", os.O_RDONLY))))
        """,
        "opened/new.txt",
    ),
    "walks_by_descriptors": (
        """
        keep(ctx, sorted(name for _, _, all, _ in os.fwalk("by_fd") for name in all))
        """,
        "by_fd/deep/new.txt",
    ),
    "by_address": (
        """
        there = sqlite3.connect("file:conf/by_address.txt?mode=ro", uri=True)
        try:
            keep(ctx, there.execute("select 1 from sqlite_master").fetchall())
        except sqlite3.Error as error:
            keep(ctx, str(error))
        """,
        "conf/by_address.txt",
    ),
    "before_an_import": (
        """
        sys.path.insert(0, "vendor")
        import colorsys
        keep(ctx, hasattr(colorsys, "VALUE"))
        """,
        "vendor/colorsys.py",
    ),
    "a_package_for_a_module": (
        """
        keep(ctx, importlib.import_module("plugins" + ".slow").VALUE)
        """,
        "plugins/slow/__init__.py",
    ),
    "elsewhere": (
        """
        os.chdir("conf")
        keep(ctx, look("elsewhere.txt"))
        """,
        "conf/elsewhere.txt",
    ),
}
# Programs are beyond the hook: any change of the code counts for these.
COARSE = frozenset({"a_program", "a_shell", "a_spawned_process"})


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Laptop:
    """A run in which each way to read was gone."""
    laptop = _laptop(tmp_path_factory.mktemp("reads"), WAYS)
    laptop.pipeline("run", "--jobs", "2")
    return laptop


def _laptop(root: Path, ways: dict[str, tuple[str, str]]) -> Laptop:
    laptop = Laptop(root)
    # A bare Python: with all that the tests' own has, each start takes longer.
    bare = str(Path(sys.base_prefix, "bin", "python3"))
    text = f"name: reads\nenv: {{python: {bare}}}\nstages:\n"
    for name, (code, _) in ways.items():
        text += f"  {name}: {{run: stages.{name}, outputs: [said.txt]}}\n"
        body = textwrap.indent(textwrap.dedent(code), "    ")
        laptop.write(f"stages/{name}.py", HEAD + body)
        laptop.write(f"conf/{name}.txt", "1\n")
    laptop.write("pipeline.yaml", text)
    laptop.write("stages/__init__.py", "")
    laptop.write("plugins/__init__.py", "")
    laptop.write("plugins/fast.py", "VALUE = 1\n")
    laptop.write("plugins/slow.py", "VALUE = 1\n")
    for folder in ("many", "globbed/deep", "walked/deep", "opened", "by_fd/deep"):
        laptop.write(f"{folder}/one.txt", "one\n")
    laptop.write("absent/one.txt", "nobody reads it\n")
    laptop.write("vendor/one.txt", "nobody reads it\n")
    (laptop.repo / "link.txt").symlink_to("conf/through_a_link.txt")
    (laptop.repo / "linked").symlink_to("conf")
    laptop.commit()
    return laptop


def executed(laptop: Laptop) -> dict[str, str]:
    """Give the stages that the plan would not reuse, and why."""
    told = json.loads(laptop.pipeline("plan", "--json"))
    return {
        one["stage"]: one["because"] for one in told["stages"] if one["kind"] != "reuse"
    }


def change(laptop: Laptop, name: str) -> None:
    """Change a file of the repository, or make it."""
    path = laptop.repo / name
    if path.suffix == ".py":
        laptop.write(name, "VALUE = 2\n")
    else:
        laptop.write(name, (path.read_text() if path.exists() else "") + "2\n")


@pytest.mark.parametrize("way", WAYS)
def test_a_stage_is_executed_when_what_it_read_changed(
    sealed: Laptop, way: str
) -> None:
    """This stage, and of the others only those that may have read anything."""
    change(sealed, WAYS[way][1])
    try:
        found = executed(sealed)
    finally:
        sealed.git("checkout", "--", ".")
        sealed.git("clean", "-qfd")

    assert set(found) - COARSE == {way} - COARSE
    assert set(found) >= {way}


def test_nothing_is_executed_when_nothing_of_it_changed(sealed: Laptop) -> None:
    """An unrelated document, and a file of a folder of which no stage read a name."""
    sealed.write("README.md", "changed\n")
    try:
        assert executed(sealed) == {}
        sealed.write("unrelated.txt", "new\n")
        assert set(executed(sealed)) == COARSE
    finally:
        sealed.git("clean", "-qfd")


def test_a_run_gives_what_computing_it_anew_would(tmp_path: Path) -> None:
    """With everything changed after a first run: the outputs are not old ones."""
    laptop = _laptop(tmp_path, WAYS)
    laptop.pipeline("run", "--jobs", "2")
    for _, name in WAYS.values():
        change(laptop, name)

    laptop.pipeline("run", "--jobs", "2")
    made = said(laptop)
    laptop.pipeline("run", "--jobs", "2", "--force")

    assert made == said(laptop)


def said(laptop: Laptop) -> dict[str, str]:
    """Give what each stage wrote in the newest run."""
    home = laptop.run_folder() / "tree" / "artifacts"
    return {path.parent.name: path.read_text() for path in home.glob("*/said.txt")}
