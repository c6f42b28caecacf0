"""What a Python has is asked once, and is noticed when it changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.clock import SystemClock
from pipeline.environments import packages
from pipeline.environments.packages import Installed
from tests.fakes import put_program
from tests.wheels import make_wheel

LONG_AGO = (1_600_000_000, 1_600_000_000)
FINDER = "MAPPING: dict[str, str] = {mapping!r}\nNAMESPACES: dict = {{}}\n"


class Venv:
    """A venv without a pip, and a count of how often its Python was started."""

    def __init__(self, root: Path) -> None:
        """Make it; `starts` grows by a line at each start of `python`."""
        self.root = root / "venv"
        subprocess.run(
            [sys.executable, "-m", "venv", "--without-pip", self.root], check=True
        )
        (self.site,) = self.root.glob("lib/python3*/site-packages")
        self.cache = root / "cache"
        self.starts = root / "starts"
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(root)}
        text = f'#!/bin/sh\necho x >> {self.starts}\nexec {self.real} "$@"\n'
        self.python = put_program(root / "bin", "python", text)

    @property
    def real(self) -> str:
        """The venv's own Python."""
        return str(self.root / "bin" / "python")

    def look(self) -> Installed:
        """Say what it has."""
        return packages.look(
            str(self.python),
            cache=self.cache,
            environment=self.environment,
            clock=SystemClock(),
        )

    def pip(self, *words: str) -> None:
        """Let pip change it."""
        argv = [sys.executable, "-m", "pip", "--python", self.real, "-q", *words]
        subprocess.run(argv, check=True, capture_output=True)

    def settle(self) -> None:
        """Let all that is there have been there for years."""
        config = self.root / "pyvenv.cfg"
        for path in (self.site, self.python, config, *self.site.glob("*.pth")):
            os.utime(path, LONG_AGO)

    def note(self, folder: str, **texts: str) -> Path:
        """Write an installer's notes by hand."""
        note = self.site / folder
        note.mkdir()
        for name, text in texts.items():
            (note / name.replace("_json", ".json")).write_text(text)
        return note

    @property
    def count(self) -> int:
        """How often its Python was started."""
        return len(self.starts.read_text()) // 2


@pytest.fixture
def venv(tmp_path: Path) -> Venv:
    """A venv of its own."""
    return Venv(tmp_path)


def test_a_second_look_starts_no_process(venv: Venv) -> None:
    """A few stats tell that nothing changed."""
    venv.settle()
    first = venv.look()

    second = venv.look()

    assert second == first
    assert venv.count == 1
    assert first.probed.version.startswith("3.")


def test_what_changed_a_moment_ago_is_not_relied_on(venv: Venv) -> None:
    """A file system's clock is coarse: a second change may look like the first."""
    venv.settle()
    os.utime(venv.site)
    venv.look()
    venv.look()

    assert venv.count == 2


def test_pip_s_changes_are_noticed(venv: Venv, tmp_path: Path) -> None:
    """Install, upgrade and uninstall each give another answer."""
    wheels = tmp_path / "wheels"
    one, two = (make_wheel(wheels, "small", version) for version in ("1.0", "2.0"))
    seen = []
    for words in (
        ("install", "--no-index", str(one)),
        ("install", "--no-index", str(two)),
        ("uninstall", "-y", "small"),
    ):
        venv.settle()
        venv.look()
        venv.pip(*words)
        seen.append(venv.look().packages)

    assert seen == [{"small": "1.0"}, {"small": "2.0"}, {}]


def test_other_code_under_the_same_version_is_noticed(
    venv: Venv, tmp_path: Path
) -> None:
    """`pip install .` of one's own library keeps its version for years."""
    contents = []
    for text in ("A = 1\n", "A = 2\n"):
        wheel = make_wheel(tmp_path / "wheels", "mine", files={"mine.py": text})
        venv.pip("install", "--no-index", "--force-reinstall", str(wheel))
        contents.append(venv.look().contents["mine"])

    assert contents[0] != contents[1]


@pytest.mark.parametrize("how", ["pth", "finder", "direct_url", "egg-link", "path"])
def test_sources_that_may_be_edited_count_by_their_looks(
    venv: Venv, tmp_path: Path, how: str
) -> None:
    """However a folder became importable; a file that is no source changes nothing."""
    folder = tmp_path / "lib" / "mylib"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("A = 1\n")
    direct = {"url": folder.parent.as_uri(), "dir_info": {"editable": True}}
    if how == "pth":
        (venv.site / "mine.pth").write_text(f"{folder.parent}\n")
    elif how == "finder":
        text = FINDER.format(mapping={"mylib": str(folder)})
        (venv.site / "__editable___mylib_1_0_finder.py").write_text(text)
    elif how == "direct_url":
        venv.note("mylib-1.0.dist-info", direct_url_json=json.dumps(direct))
    elif how == "egg-link":
        (venv.site / "mylib.egg-link").write_text(f"{folder.parent}\n.\n")
    else:
        venv.environment["PYTHONPATH"] = f"{folder.parent}:relative:"
    venv.settle()
    before = venv.look().source_digests()

    (folder / "notes.txt").write_text("nothing to do with it")
    same = venv.look().source_digests()
    (folder / "more.py").write_text("B = 1\n")
    after = venv.look().source_digests()

    assert len(before) == 1
    assert same == before
    assert after.keys() == before.keys()
    assert after != before


def test_sources_are_told_by_module(venv: Venv, tmp_path: Path) -> None:
    """So that one can be named that changed, and one left out that is never read."""
    code = tmp_path / "code"
    for name in ("one/__init__.py", "two.py", "three/deep/x.so", "four/notes.txt"):
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_text("")
    venv.environment["PYTHONPATH"] = str(code)

    assert sorted(venv.look().source_digests()) == ["one", "three", "two"]


def test_other_trees_in_a_source_folder_are_left_out(
    venv: Venv, tmp_path: Path
) -> None:
    """A venv or a cache inside a checkout is none of its sources."""
    checkout = tmp_path / "checkout"
    for name in (".venv/x.py", "env/lib/y.py", "__pycache__/z.py"):
        (checkout / name).parent.mkdir(parents=True)
    (checkout / "env" / "pyvenv.cfg").touch()
    venv.environment["PYTHONPATH"] = str(checkout)
    before = venv.look().source_digests()

    for name in (".venv/x.py", "env/lib/y.py", "__pycache__/z.py"):
        (checkout / name).write_text("A = 1\n")

    assert venv.look().source_digests() == before


def test_notes_that_are_torn_hide_no_other_package(venv: Venv) -> None:
    """Binary, empty and half-removed notes are read as far as they go."""
    venv.note("good_one-1.0.dist-info", METADATA="Name: Good.One\nVersion: 1.0\n")
    venv.note("empty-2.0.dist-info")
    venv.note("~alf-3.0.dist-info", METADATA="Name: half\nVersion: 3.0\n")
    venv.note("binary-4.0.dist-info").joinpath("METADATA").write_bytes(b"\xff\x00\n")
    (venv.site / "old-5.0-py3.11.egg-info").write_text("Name: old\nVersion: 5.0\n")
    venv.note("list-6.0.dist-info", direct_url_json="[1]")

    assert venv.look().packages == {
        "good-one": "1.0",
        "empty": "2.0",
        "binary": "4.0",
        "old": "5.0",
        "list": "6.0",
    }


def test_no_access_is_told_with_an_origin(venv: Venv) -> None:
    """A token in an address stays where it is."""
    url = "https://ada:s3cret@example.org/lib.git"
    direct = {"url": url, "vcs_info": {"vcs": "git", "commit_id": "abc1"}}
    venv.note("lib-1.0.dist-info", direct_url_json=json.dumps(direct))

    (lib,) = venv.look().distributions

    assert lib.origin == "https://example.org/lib.git@abc1"


def test_a_torn_answer_is_asked_for_again(venv: Venv) -> None:
    """What is kept only saves time."""
    venv.settle()
    first = venv.look()
    (kept,) = venv.cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:-40])

    assert venv.look() == first
    assert venv.count == 2


def test_a_python_that_chatters_is_understood(venv: Venv) -> None:
    """What is printed at each start is no part of the answer."""
    (venv.site / "loud.pth").write_text("import sys; print('{} loud', end='')\n")

    assert venv.look().packages == {}
