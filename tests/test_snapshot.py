"""A snapshot is a commit of the work tree, HEAD itself when nothing is dirty."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.snapshots import borrow
from tests.repos import Repo, run_git, trace

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit."""
    return Repo.make(tmp_path / "repo")


def test_a_clean_tree_is_its_head(repo: Repo) -> None:
    """Nothing is made when nothing is new; the run's name is kept all the same."""
    head = repo.git("rev-parse", "HEAD")

    snapshot = repo.take(run="r7")

    assert (snapshot.commit, snapshot.head) == (head, head)
    assert not snapshot.is_dirty
    assert (snapshot.files, snapshot.new_bytes, snapshot.notes) == (1, 0, ())
    assert (
        run_git(repo.scratch, "rev-parse", "refs/heads/ship/r7").decode().strip()
        == head
    )


def test_a_dirty_tree_is_a_commit_on_head(repo: Repo) -> None:
    """It says what it is and who made it, and the run's name is kept on it."""
    head = repo.git("rev-parse", "HEAD")
    repo.write("new", "12345")

    snapshot = repo.take(run="r7")

    show = ("log", "--format=%H|%P|%an|%ae|%s", "ship/r7")
    said = run_git(repo.scratch, *show).decode().splitlines()[0]
    subject = f"snapshot of {head[:8]} with uncommitted work"
    assert said == f"{snapshot.commit}|{head}|pipeline|pipeline@localhost|{subject}"
    assert snapshot.is_dirty
    assert (snapshot.files, snapshot.new_bytes) == (2, 5)


def test_the_first_commit_of_an_empty_repository_has_no_parent(tmp_path: Path) -> None:
    """Work may begin before the first commit."""
    run_git(tmp_path, "init", "-q")
    repo = Repo(tmp_path, tmp_path)
    repo.write("pipeline.yaml")

    snapshot = repo.take()

    assert (snapshot.head, snapshot.root_commit) == ("", "")
    said = run_git(repo.scratch, "log", "--format=%P|%s", snapshot.commit)
    assert said == b"|snapshot of uncommitted work\n"


@pytest.mark.parametrize(
    "turn",
    [
        lambda repo: os.utime(repo.path / "pipeline.yaml"),
        lambda repo: (
            repo.write("a"),
            repo.git("add", "a"),
            (repo.path / "a").unlink(),
        ),
        lambda repo: repo.git("rm", "-q", "--cached", "pipeline.yaml"),
        lambda repo: repo.write("results/r1/metrics.json"),
        lambda repo: repo.write("artifacts/r1/model.pt"),
    ],
    ids=["touched", "added-then-gone", "unlinked", "results", "artifacts"],
)
def test_what_ends_as_it_was_is_clean(repo: Repo, turn: object) -> None:
    """The tree is compared, not the way to it; our own folders are no news."""
    assert callable(turn)
    turn(repo)

    assert not repo.take().is_dirty


def test_notes_tell_what_a_person_should_know(repo: Repo, tmp_path: Path) -> None:
    """Submodules travel as commits, and a merge may be under way."""
    library = Repo.make(tmp_path / "library")
    repo.git("submodule", "add", "-q", str(library.path), "vendor")
    repo.commit({"a": "1\n"})
    repo.git("checkout", "-q", "-b", "other")
    repo.commit({"a": "2\n"})
    repo.git("checkout", "-q", "main")
    repo.commit({"a": "3\n"})
    repo.git("merge", "other", check=False)

    assert repo.take().notes == (
        "in the middle of a merge, sent as it lies: 'a'",
        "submodule 'vendor' travels as its commit only; its files do not",
    )


def test_our_folders_never_travel(repo: Repo) -> None:
    """Even when they lost the .gitignore they are made with."""
    below = Repo(repo.path, repo.path / "x" / "y")
    below.write("x/y/pipeline.yaml")
    for name in ("results/r1/a", "artifacts/r1/b", ".pipeline/c"):
        below.write(f"x/y/{name}")
    below.write("x/results/mine")

    held = below.held(below.take())

    assert set(held) == {"pipeline.yaml", "x/y/pipeline.yaml", "x/results/mine"}


def test_a_folder_below_is_told_by_its_path(repo: Repo) -> None:
    """The snapshot is of the whole; prefix says where pipeline.yaml lies in it."""
    repo.commit({"a b/ü/pipeline.yaml": "name: x\n"})

    assert repo.take().prefix == "."
    assert Repo(repo.path, repo.path / "a b" / "ü").take().prefix == "a b/ü"


def test_settings_of_the_user_say_what_to_ignore(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His own global ignore file stands, though the settings of runs are hermetic."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ignores").write_text("*.swp\n")
    (tmp_path / ".gitconfig").write_text("[core]\n\texcludesFile = ~/ignores\n")
    repo.write("a.swp")

    assert not repo.take().is_dirty


def test_inside_a_hook_it_is_the_same(repo: Repo, tmp_path: Path) -> None:
    """Git sets GIT_DIR and GIT_INDEX_FILE in hooks; no call of ours follows them."""
    other = Repo.make(tmp_path / "other")
    other.commit({"other": "x\n"})
    hook = {"GIT_DIR": f"{other.path}/.git", "GIT_INDEX_FILE": f"{other.path}/none"}
    before = trace(other.path)

    said, _ = taking(repo, "r1", hook).communicate()

    assert said.strip() == repo.git("rev-parse", "HEAD")
    assert trace(other.path) == before


def test_two_at_once_do_not_mix(repo: Repo) -> None:
    """Runs started in one folder at one moment wait for each other."""
    repo.write("new")

    turns = [taking(repo, f"r{n}") for n in range(4)]
    commits = [turn.communicate()[0].strip() for turn in turns]

    kept = ("for-each-ref", "--format=%(objectname) %(tree)", "refs/heads/ship")
    pairs = [
        line.split() for line in run_git(repo.scratch, *kept).decode().splitlines()
    ]
    assert [commit for commit, _ in pairs] == commits
    assert len({tree for _, tree in pairs}) == 1


def taking(
    repo: Repo, run: str, more: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start a process that takes a snapshot and says its commit."""
    code = (
        "import sys; from pathlib import Path; from pipeline.schema import ShipRules;"
        "from pipeline.snapshots.snapshot import take;"
        "root, scratch = map(Path, sys.argv[2:]);"
        "print(take(root, ShipRules(), run=sys.argv[1], scratch=scratch).commit)"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, run, str(repo.root), str(repo.scratch)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **(more or {})},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_run_may_take_its_snapshot_again(repo: Repo) -> None:
    """Whatever its name was kept on before, with and without work on top."""
    repo.write("new", "1")
    first = repo.take(run="r1")
    repo.write("new", "2")
    second = repo.take(run="r1")
    head = repo.commit()
    third = repo.take(run="r1")

    kept = run_git(repo.scratch, "rev-parse", "ship/r1").decode().strip()
    assert repo.held(second)["new"] == ("100644", b"2")
    assert (
        run_git(repo.scratch, "rev-parse", f"{second.commit}^").decode().strip()
        == first.head
    )
    assert (third.commit, kept) == (head, head)


def test_what_a_killed_snapshot_left_is_swept(repo: Repo) -> None:
    """Half a pack may be large."""
    repo.write("new")
    repo.take()
    left = repo.scratch / "objects" / "pack" / "tmp_pack_x"
    left.write_text("half a pack")

    repo.take()

    assert not left.exists()


def test_the_number_of_files_costs_no_more_commands(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five programs for the whole of it, four when nothing is new."""
    calls = tmp_path / "calls"
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    real = subprocess.check_output(["which", "git"], text=True).strip()
    git.write_text(f'#!/bin/sh\necho "$*" >> {calls}\nexec {real} "$@"\n')
    git.chmod(0o755)
    repo.commit({f"f{n}": "1\n" for n in range(50)})
    repo.take()  # the first one also looks for the beginning of history
    monkeypatch.setenv("PATH", str(git.parent), prepend=":")

    repo.take()
    clean = len(calls.read_text().splitlines())
    for n in range(50):
        repo.write(f"f{n}", "changed\n")
        repo.write(f"new{n}")
    repo.take()

    assert (clean, len(calls.read_text().splitlines()) - clean) == (4, 5)


def test_settings_with_odd_paths_are_found(tmp_path: Path) -> None:
    """The folder of the repository may be called anything, but for line breaks."""
    repo = Repo.make(tmp_path / 'a "b" \\n #c; %d')
    repo.write("new")
    repo.git("config", "core.excludesFile", str(repo.write(".git/more", "new\n")))

    assert not repo.take().is_dirty
    assert borrow.find(repo.root).top == repo.path


def test_folders_may_be_said_from_here(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A root of "." is as good as its whole path."""
    repo.write("new")
    monkeypatch.chdir(repo.root)
    here = Repo(repo.path, Path())

    snapshot = here.take()

    assert set(repo.held(snapshot)) == {"pipeline.yaml", "new"}
    assert here.pack(snapshot)
