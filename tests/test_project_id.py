"""A project's name on a box is the same from every clone, and stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.snapshots.snapshot import project_id
from tests.repos import Repo, run_git


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit."""
    return Repo.make(tmp_path / "repo")


def test_a_cut_off_history_has_no_name(repo: Repo, tmp_path: Path) -> None:
    """Where it was cut off changes with every clone, so its path names the project."""
    repo.commit({"a": "2\n"})
    run_git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo.path}", "cut")
    cut = Repo(tmp_path / "cut", tmp_path / "cut")

    snapshot = cut.take()

    assert snapshot.shallow == (snapshot.head,)
    assert snapshot.root_commit == ""


def test_a_repository_keeps_its_name(tmp_path: Path) -> None:
    """A first commit, or a new beginning, does not make another project of it."""
    run_git(tmp_path, "init", "-q")
    repo = Repo(tmp_path, tmp_path)
    repo.write("pipeline.yaml")
    nameless = repo.take().root_commit
    repo.commit()

    assert repo.take().root_commit == nameless == ""


def test_clones_are_one_project(repo: Repo, tmp_path: Path) -> None:
    """The first commit is the same in all of them."""
    root = repo.git("rev-parse", "HEAD")
    repo.commit({"a": "2\n"})
    run_git(tmp_path, "clone", "-q", str(repo.path), "clone")
    clone = Repo(tmp_path / "clone", tmp_path / "clone")

    assert repo.take().root_commit == clone.take().root_commit == root


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("vq-hdp-hsmm", "vq-hdp-hsmm-"),
        ("../../etc", "etc-"),
        ("mäßig groß", "m-ig-gro-"),
        ("模型", "project-"),
        ("x" * 90, "x" * 40 + "-"),
    ],
)
def test_a_project_is_named_as_a_folder(name: str, begins: str) -> None:
    """Any name gives a part of a path, and eight letters that tell it apart."""
    given = project_id(name, "c0ffee", "experiments/x", "/home/ada/x")

    assert given.startswith(begins)
    assert len(given) == len(begins) + 8


def test_a_project_is_told_by_history_and_place() -> None:
    """The path of the clone counts only where there is no history to go by."""
    same = {project_id("x", "c0ffee", ".", path) for path in ("/a", "/b")}
    others = {
        project_id("x", "c0ffee", "sub", "/a"),
        project_id("x", "decade", ".", "/a"),
        project_id("x", "", ".", "/a"),
        project_id("x", "", ".", "/b"),
    }

    assert len(same) == 1
    assert len(same | others) == 5
