"""Runs of repositories that are not like the others, and of data outside of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.laptop import Laptop

ONE = "name: x\nstages:\n  a: {sh: cat file.txt > $OUT/a, outputs: [a]}\n"


def shallow(laptop: Laptop) -> None:
    """A clone of the last commit only."""
    laptop.write("file.txt", "old")
    laptop.commit("old")
    laptop.write("file.txt", "here")
    laptop.write("pipeline.yaml", ONE)
    laptop.commit("new")
    origin = laptop.repo.rename(laptop.repo.with_name("origin"))
    argv = ["git", "clone", "-q", "--depth", "1", f"file://{origin}", str(laptop.repo)]
    subprocess.run(argv, env=laptop.env, check=True)


def sha256(laptop: Laptop) -> None:
    """A repository with longer names for its objects."""
    subprocess.run(["rm", "-rf", str(laptop.repo / ".git")], check=True)
    laptop.git("init", "-q", "-b", "main", "--object-format=sha256")
    laptop.write("file.txt", "here")
    laptop.write("pipeline.yaml", ONE)
    laptop.commit()


def unborn(laptop: Laptop) -> None:
    """No commit yet."""
    laptop.write("file.txt", "here")
    laptop.write("pipeline.yaml", ONE)


def dirty(laptop: Laptop) -> None:
    """What was committed is not what lies there."""
    laptop.write("pipeline.yaml", ONE)
    laptop.write("file.txt", "committed")
    laptop.commit()
    laptop.write("file.txt", "here")


def hooked(laptop: Laptop) -> None:
    """Hooks that fail, a filter that fails, and line ends that would be bent."""
    laptop.write("pipeline.yaml", ONE)
    laptop.write("file.txt", "here")
    laptop.commit()
    for name in ("pre-commit", "pre-push", "post-checkout", "reference-transaction"):
        hook = laptop.repo / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    laptop.write(".gitattributes", "* filter=broken text eol=crlf\n")
    laptop.git("config", "filter.broken.clean", "false")
    laptop.git("config", "filter.broken.smudge", "false")
    laptop.git("config", "filter.broken.required", "true")


@pytest.mark.parametrize("make", [shallow, sha256, unborn, dirty, hooked])
def test_a_run_of(laptop: Laptop, make: object) -> None:
    """The code as it lies runs, and its seal comes home."""
    assert callable(make)
    make(laptop)

    laptop.pipeline("run")

    git = ["-c", "core.hooksPath=/dev/null"]
    branch = f"run/{laptop.run_id}"
    assert laptop.git(*git, "cat-file", "blob", f"{branch}:artifacts/a/a") == "here"


def test_data_stays_where_it_is_and_is_read(laptop: Laptop) -> None:
    """A link in the worktree leads to it; nothing of it travels."""
    dogs = laptop.home / "dogs"
    dogs.mkdir()
    (dogs / "rex.csv").write_text("woof\n")
    laptop.write(
        "pipeline.yaml",
        f"name: x\ndata:\n  dogs: {{path: data/dogs, local: {dogs}}}\nstages:\n"
        "  a:\n    inputs: ['data:dogs']\n    outputs: [a]\n"
        "    sh: cat {data:dogs}/rex.csv data/dogs/rex.csv > $OUT/a\n",
    )
    laptop.commit()

    laptop.pipeline("run")

    assert laptop.git("show", f"run/{laptop.run_id}:artifacts/a/a") == "woof\nwoof"


def test_data_that_is_not_there_is_told_before_anything_begins(laptop: Laptop) -> None:
    """No run is left behind."""
    laptop.write(
        "pipeline.yaml",
        "name: x\ndata:\n  dogs: {path: data/dogs, local: /nowhere/dogs}\nstages:\n"
        "  a: {inputs: ['data:dogs'], sh: 'true'}\n",
    )
    laptop.commit()

    said = laptop.pipeline("run", code=6)

    assert "data 'dogs' is not on host 'local': /nowhere/dogs" in said
    assert "no runs yet" in laptop.pipeline("runs")
    assert not list(laptop.home.glob(".pipeline/*/runs/*"))


@pytest.mark.parametrize(("is_dirty", "rule"), [(False, "on"), (True, "{dirty: true}")])
def test_a_branch_is_pushed_only_when_asked(
    laptop: Laptop, tmp_path: Path, is_dirty: bool, rule: str
) -> None:
    """Uncommitted work is published only on a second word."""
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", str(origin)], check=True)
    laptop.git("remote", "add", "origin", str(origin))
    laptop.write("file.txt", "here")
    laptop.write("pipeline.yaml", ONE + f"git: {{push: {rule}}}\n")
    laptop.commit()
    if is_dirty:
        laptop.write("file.txt", "here ")

    laptop.pipeline("run")

    refs = laptop.git("ls-remote", str(origin))
    assert f"refs/heads/run/{laptop.run_id}" in refs


def test_nothing_is_pushed_of_uncommitted_work(laptop: Laptop, tmp_path: Path) -> None:
    """`push: on` means what is committed."""
    origin = tmp_path / "origin.git"
    subprocess.run(["git", "init", "-q", "--bare", str(origin)], check=True)
    laptop.git("remote", "add", "origin", str(origin))
    laptop.write("file.txt", "here")
    laptop.write("pipeline.yaml", ONE + "git: {push: on}\n")

    said = laptop.pipeline("run")

    assert laptop.git("ls-remote", str(origin)) == ""
    assert "uncommitted work" in said


def test_a_branch_that_leaves_no_room_is_refused(laptop: Laptop) -> None:
    """Before anything is shipped: the seals could never come home."""
    laptop.write("file.txt", "here")
    laptop.write("pipeline.yaml", ONE)
    laptop.commit()
    laptop.git("branch", "run")

    said = laptop.pipeline("run", code=2)

    assert "your branch 'run' leaves no room for 'run/" in said
    assert "no runs yet" in laptop.pipeline("runs")


def test_a_torn_record_hides_no_other_run(laptop: Laptop) -> None:
    """What the laptop remembers of one run is nothing to the others."""
    laptop.write("file.txt", "here")
    laptop.write("pipeline.yaml", ONE)
    laptop.commit()
    laptop.pipeline("run")
    run = laptop.run_id
    (laptop.repo / ".pipeline/runs/20200101-0000-abcd.json").write_text("")

    assert run in laptop.pipeline("runs")
    assert "done, 1 of 1" in laptop.pipeline("status")
