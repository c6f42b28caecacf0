"""A pack completes a box: an empty one, or one that has something already."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pipeline.errors import HostError
from pipeline.snapshots.snapshot import pack
from tests.repos import Repo, run_git, tree


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with some weight to it."""
    repo = Repo.make(tmp_path / "repo")
    repo.write("weights", os.urandom(200_000))
    repo.commit({f"f{n}": f"{n}\n" * 100 for n in range(50)})
    return repo


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """An empty repository on a box."""
    run_git(tmp_path, "init", "-q", "--bare", "box.git")
    return tmp_path / "box.git"


def take_in(box: Path, packed: bytes, commit: str) -> None:
    """Complete a pack in the box and see that nothing is missing."""
    run_git(box, "index-pack", "--stdin", "--fix-thin", stdin=packed)
    run_git(box, "update-ref", f"refs/heads/ship/{commit[:8]}", commit)
    run_git(box, "fsck", "--connectivity-only")


def test_the_second_pack_is_small(repo: Repo, box: Path) -> None:
    """A box that holds an older snapshot is sent the difference to it."""
    repo.write("new", "1\n")
    first = repo.take(run="r1")
    take_in(box, repo.pack(first), first.commit)
    repo.write("f7", f"{7}\n" * 99 + "changed\n")

    second = repo.take(run="r2")
    packed = repo.pack(second, first.commit)

    assert len(packed) < 2_000
    take_in(box, packed, second.commit)
    assert tree(box, second.commit) == repo.lying()


def test_what_is_there_is_sent_as_nothing(repo: Repo, box: Path) -> None:
    """A pack of no objects is a good pack."""
    snapshot = repo.take()
    take_in(box, repo.pack(snapshot), snapshot.commit)

    packed = repo.pack(snapshot, snapshot.commit)

    assert packed[:12] == b"PACK\0\0\0\2\0\0\0\0"
    take_in(box, packed, snapshot.commit)


@pytest.mark.parametrize(
    "name", ["0" * 40, "f" * 64, "--all", "HEAD", "refs/heads/ship/r1", "", "x\n--all"]
)
def test_what_a_box_makes_up_is_passed_over(repo: Repo, box: Path, name: str) -> None:
    """Only commits that are known here count; a blob or a word from a box does not."""
    snapshot = repo.take()
    blob = repo.git("rev-parse", "HEAD:f1")

    packed = repo.pack(snapshot, name, blob)

    take_in(box, packed, snapshot.commit)


def test_a_shallow_clone_ships_what_it_has(
    repo: Repo, box: Path, tmp_path: Path
) -> None:
    """The box is told where history ends, and then lacks nothing."""
    run_git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo.path}", "cut")
    cut = Repo(tmp_path / "cut", tmp_path / "cut")
    cut.write("new")
    first = cut.take(run="r1")
    (box / "shallow").write_text("".join(f"{line}\n" for line in first.shallow))
    take_in(box, cut.pack(first), first.commit)
    run_git(cut.path, "fetch", "-q", "--unshallow")
    cut.write("newer")

    second = cut.take(run="r2")
    packed = cut.pack(second, first.commit)

    assert second.shallow == ()
    assert len(packed) < 2_000
    take_in(box, packed, second.commit)


def test_a_pack_that_fails_is_an_error(repo: Repo) -> None:
    """Never a pack that looks whole and is not."""
    snapshot = repo.take()
    shutil.rmtree(repo.path / ".git" / "objects")
    (repo.path / ".git" / "objects").mkdir()

    with pytest.raises(HostError, match="git pack-objects ended in 128"):
        repo.pack(snapshot)


def test_a_pack_may_be_left_halfway(repo: Repo) -> None:
    """Whoever stops reading leaves no command behind."""
    snapshot = repo.take()
    pieces = pack(snapshot, scratch=repo.scratch, have=())

    assert next(pieces)
    del pieces
