"""Whatever shape a repository has, a snapshot holds what lies there: by four claims."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repos import Repo, run_git, trace, tree
from tests.shapes import SHAPES


@pytest.fixture(params=SHAPES, ids=lambda shape: shape.__name__)
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Repo:
    """Make a repository of each shape, with nobody's name in the settings."""
    shape: Callable[[Path], Repo] = request.param
    return shape(tmp_path)


def test_a_snapshot_holds_what_lies_there(repo: Repo) -> None:
    """Bytes, modes and names are those of the work tree, and of no other file."""
    expected = repo.lying()

    snapshot = repo.take()

    assert repo.held(snapshot) == expected
    assert snapshot.files == len(expected)
    assert snapshot.is_dirty


def test_a_snapshot_touches_nothing(repo: Repo, tmp_path: Path) -> None:
    """Not a byte, a mode or a time differs, in .git and in the work tree."""
    before = trace(tmp_path)

    repo.take()

    # Our own folder is new, and that alone moves the time of the folder it lies in.
    ours = {str(repo.root.relative_to(tmp_path))}
    if repo.git("config", "--get", "index.sparse", check=False) == "true":
        # Whenever git expands a sparse index it marks the trees it saw as in use.
        ours |= {name for name in before if "/.git/objects/" in name}
    after = trace(tmp_path)
    assert after.keys() == before.keys()
    assert {n: t for n, t in after.items() if t != before[n] and n not in ours} == {}


def test_a_box_can_make_it_whole(repo: Repo, tmp_path: Path) -> None:
    """The pack holds all that an empty repository needs."""
    snapshot = repo.take()
    box = tmp_path / "box.git"
    shape = f"--object-format={snapshot.object_format}"
    run_git(tmp_path, "init", "-q", "--bare", shape, str(box))
    (box / "shallow").write_text("".join(f"{line}\n" for line in snapshot.shallow))

    packed = repo.pack(snapshot)

    run_git(box, "index-pack", "--stdin", "--fix-thin", stdin=packed)
    run_git(box, "update-ref", "refs/heads/ship/r1", snapshot.commit)
    run_git(box, "fsck", "--connectivity-only")
    assert tree(box, snapshot.commit) == repo.lying()


def test_taking_it_again_gives_the_same_tree(repo: Repo) -> None:
    """What the first snapshot left behind does not show in the second."""
    first = repo.take(run="r1")

    second = repo.take(run="r2")

    assert repo.held(second) == repo.held(first)
    assert second.root_commit == first.root_commit
