"""Seals on real git: what a commit holds, and whose branch is moved."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import pytest

from pipeline.errors import HostError
from pipeline.git import Git
from pipeline.ledger import Ledger, StageFiles, read_seals
from pipeline.objects import Objects
from tests.repos import Repo, run_git
from tests.strategies import TRAIN_SEAL as SEAL

AT = 1_795_194_603


@dataclass(frozen=True, slots=True)
class Book:
    """A ledger on a bare repository, and a folder from which stages are sealed."""

    git: Git
    ledger: Ledger
    home: Path
    snapshot: str

    def seal(self, stage: str, made: dict[str, bytes], *, run: str = SEAL.run) -> str:
        """Seal these files as a stage's artifacts."""
        seal = replace(SEAL, stage=stage, run=run)
        return self.ledger.seal(seal, self.put(stage, made), at=AT)

    def put(self, stage: str, made: dict[str, bytes]) -> StageFiles:
        """Write the files of a stage."""
        folder = self.home / stage
        for name, data in made.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return StageFiles(
            results_folder=folder,
            results=[],
            artifacts_folder=folder,
            artifacts=list(made),
        )

    def held(self, commit: str) -> dict[str, tuple[str, bytes]]:
        """Give what a commit holds: path -> mode and bytes."""
        found = {}
        for line in self.git.out("ls-tree", "-r", "-z", commit).split(b"\0")[:-1]:
            head, _, name = line.partition(b"\t")
            mode, _, oid = head.decode().split()
            found[os.fsdecode(name)] = (mode, self.git.out("cat-file", "blob", oid))
        return found

    def tree(self, commit: str) -> str:
        """Name the tree of a commit."""
        return self.git.text("rev-parse", f"{commit}^{{tree}}")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """The user's repository, which a snapshot is taken of."""
    repo = Repo.make(tmp_path / "user")
    repo.commit({"experiments/x/pipeline.yaml": "name: x\n", "train.py": "pass\n"})
    return repo


def opened(repo: Repo, name: str, prefix: str = ".") -> Iterator[Book]:
    """Open a ledger on a bare copy of the user's repository."""
    code = repo.path.parent / f"{name}.git"
    run_git(repo.path, "clone", "-q", "--bare", ".", str(code))
    git = Git(code)
    draft = repo.path.parent / f"{name}.draft"
    objects = Objects(git, draft, hash_name="sha1")
    snapshot = git.resolve("refs/heads/main")
    ledger = Ledger(
        git,
        objects,
        branch="run/r",
        snapshot=snapshot,
        prefix=PurePosixPath(prefix),
    )
    yield Book(git, ledger, repo.path.parent / name, snapshot)
    objects.close()


@pytest.fixture
def book(repo: Repo) -> Iterator[Book]:
    """A ledger."""
    yield from opened(repo, "book")


@pytest.fixture
def twin(repo: Repo) -> Iterator[Book]:
    """Another box with the same snapshot."""
    yield from opened(repo, "twin")


def test_a_seal_is_a_commit_with_its_trailers(book: Book) -> None:
    """Git itself reads them, and so do we."""
    commit = book.seal("train", {"model.pt": b"\0\1"})

    form = "--format=%s|%(trailers:key=Stage,valueonly)"
    at = int(book.git.text("log", "-1", "--format=%ct", "run/r"))
    sealed = replace(SEAL, commit=commit, at=at)
    assert book.git.text("log", "-1", form, "run/r").strip() == f"{SEAL.subject}|train"
    assert read_seals(book.git, "run/r", book.snapshot) == [sealed]
    assert book.ledger.seals() == {"train": sealed}
    assert book.git.text("rev-parse", f"{commit}^") == book.snapshot


def test_a_seal_adds_its_files_and_changes_none(book: Book) -> None:
    """What the snapshot holds is there, to the byte."""
    before = book.held(book.snapshot)

    after = book.held(book.seal("train", {"model.pt": b"\0\1", "a/b/c": b"c"}))

    added = {name: held for name, held in after.items() if name not in before}
    assert {name: after[name] for name in before} == before
    assert added.pop("artifacts/.gitattributes")[0] == "100644"
    assert added == {
        "artifacts/train/model.pt": ("100644", b"\0\1"),
        "artifacts/train/a/b/c": ("100644", b"c"),
    }


def test_the_same_outputs_give_the_same_tree(book: Book, twin: Book) -> None:
    """Whatever run, host, time and order of stages they come from."""
    made = {"b": b"2", "a/a": b"1"}
    book.seal("one", {"x": b"x"})
    first = book.seal("two", made)
    twin.seal("two", dict(reversed(made.items())), run="r2")

    assert book.tree(first) == book.tree(book.ledger.tip)
    assert book.tree(first) == twin.tree(twin.seal("one", {"x": b"x"}))


def test_sealing_a_stage_again_replaces_its_files(book: Book) -> None:
    """What an earlier seal held and this one does not is gone from the tree."""
    book.seal("train", {"old": b"1", "kept": b"1"})

    held = book.held(book.seal("train", {"kept": b"2"}))

    assert [name for name in held if "train/" in name] == ["artifacts/train/kept"]


NAMES = (
    *("a b", "-n", "--all", 'quo"te', '"', "tab\t", "line\nbreak", "cr\r", "\r\n"),
    *("back\\slash", "*", ":(glob)x", "#", "é", os.fsdecode(b"latin-\xe9"), "..."),
)


def test_any_name_may_be_sealed(book: Book) -> None:
    """Every letter that has a meaning somewhere, in a file's name and a folder's."""
    made = {name: os.fsencode(name) for name in NAMES}
    made |= {f"deep/{name} /{name}": b"x" for name in NAMES}

    held = book.held(book.seal("train", made))

    found = {
        name.removeprefix("artifacts/train/"): data
        for name, (_, data) in held.items()
        if name.startswith("artifacts/train/")
    }
    assert found == made


def test_a_program_stays_one(book: Book) -> None:
    """The one bit of a mode that git knows."""
    files = book.put("export", {"run.sh": b"#!/bin/sh\n", "data": b"1"})
    (book.home / "export/run.sh").chmod(0o755)

    held = book.held(book.ledger.seal(replace(SEAL, stage="export"), files, at=AT))

    assert held["artifacts/export/run.sh"][0] == "100755"
    assert held["artifacts/export/data"][0] == "100644"


def test_a_pipeline_below_the_top_seals_below_it(repo: Repo) -> None:
    """Experiments lie beside each other in one repository."""
    for book in opened(repo, "deep", "experiments/x"):
        held = book.held(book.seal("train", {"m": b"1"}))

        assert held["experiments/x/artifacts/train/m"] == ("100644", b"1")
        assert held["experiments/x/pipeline.yaml"][1] == b"name: x\n"


def test_a_folder_that_is_not_there_is_refused(repo: Repo) -> None:
    """A seal below nothing would make a folder the user never had."""
    with pytest.raises(HostError, match="the snapshot has no folder experiments/y"):
        next(opened(repo, "gone", "experiments/y"))


def test_rules_of_the_user_do_not_touch_a_sealed_file(repo: Repo) -> None:
    """LFS, line ends, keywords: what comes out of a clone is what was sealed."""
    rules = "* filter=lfs diff=lfs merge=lfs text eol=crlf ident\n"
    repo.commit({".gitattributes": rules})
    data = b"line\nline\r\n$Id$\n"
    for book in opened(repo, "lfs"):
        commit = book.seal("train", {"figure.svg": data})

        clone = repo.path.parent / "clone"
        filters = ("-c", "filter.lfs.smudge=false", "-c", "filter.lfs.required=true")
        folder = str(book.git.folder)
        run_git(repo.path, "clone", "-q", "--no-checkout", folder, str(clone))
        names = ("artifacts/.gitattributes", "artifacts/train/figure.svg")
        run_git(clone, *filters, "checkout", "-q", commit, "--", *names)
        assert (clone / names[1]).read_bytes() == data


def test_a_branch_that_somebody_moved_is_not_moved(book: Book) -> None:
    """Compare and swap: the seal is refused, and what is there stays."""
    tree = book.tree(book.snapshot)
    stranger = book.git.text("commit-tree", tree, "-p", book.snapshot, "-m", "mine")
    book.git.out("update-ref", "refs/heads/run/r", stranger)

    with pytest.raises(HostError, match="git update-ref ended in"):
        book.seal("train", {"m": b"1"})

    assert book.git.resolve("refs/heads/run/r") == stranger
    assert read_seals(book.git, "run/r", book.snapshot) == []


def test_a_cut_before_the_branch_moves_seals_nothing(book: Book) -> None:
    """The objects are written, the fact is not there; doing it again makes it."""

    def cut() -> None:
        raise KeyboardInterrupt

    files = book.put("train", {"m": b"1"})
    with pytest.raises(KeyboardInterrupt):
        book.ledger.seal(SEAL, files, at=AT, before_move=cut)

    assert book.ledger.seals() == {}
    assert "artifacts/train/m" not in book.held(book.seal("other", {"x": b"1"}))
    assert "artifacts/train/m" in book.held(book.seal("train", {"m": b"1"}))
    assert list(book.ledger.seals()) == ["other", "train"]


def test_commits_that_are_no_seals_are_passed_over(book: Book) -> None:
    """The closing commit is one; a user's own on that branch would be another."""
    first = book.seal("one", {"a": b"1"})
    (book.home / "events.jsonl").write_text("{}\n")
    book.ledger.close_run(
        "pipeline: done\n\nRun: r\n",
        {"events.jsonl": book.home / "events.jsonl"},
        at=AT,
    )

    assert [s.commit for s in read_seals(book.git, "run/r", book.snapshot)] == [first]
    assert book.held(book.ledger.tip)["results/events.jsonl"][1] == b"{}\n"
