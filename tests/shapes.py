"""Repositories of every shape git knows, each with work that is not committed."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from tests.repos import Repo, run_git

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FAILS = '#!/bin/sh\ntouch "$(git rev-parse --show-toplevel)/hook-was-here"\nexit 1\n'


def plain(at: Path) -> Repo:
    """All that may happen to a file."""
    repo = Repo.make(at / "repo")
    names = "kept changed staged both gone unlinked program swapped/file touched"
    repo.commit({name: f"{name}\n" for name in names.split()})
    repo.write("changed", "otherwise\n")
    repo.write("staged", "staged\nnow\n")
    repo.write("both", "staged\n")
    repo.git("add", "staged", "both")
    repo.write("both", "and again\n")
    (repo.path / "gone").unlink()
    repo.git("rm", "-q", "--cached", "unlinked")
    (repo.path / "program").chmod(0o755)
    shutil.rmtree(repo.path / "swapped")
    repo.write("swapped", "a file where a folder was\n")
    (repo.path / "kept").unlink()
    repo.write("kept/inside", "a folder where a file was\n")
    os.utime(repo.path / "touched")
    repo.write("new/deep/file")
    repo.write("new/tool", "#!/bin/sh\n").chmod(0o755)
    repo.write(".gitignore", "*.ignored\n")
    repo.write("data.ignored", "not this\n")
    return repo


def links(at: Path) -> Repo:
    """Links stay links, whatever they point at."""
    repo = Repo.make(at / "repo")
    repo.commit({"folder/file": "x\n", "was-file": "x\n"})
    targets = {"good": "folder/file", "dangling": "/nowhere", "up": ".."}
    for name, target in targets.items():
        (repo.path / name).symlink_to(target)
    repo.git("add", "good")
    (repo.path / "was-file").unlink()
    (repo.path / "was-file").symlink_to("folder")
    shutil.rmtree(repo.path / "folder")
    (repo.path / "folder").symlink_to("/tmp")
    os.mkfifo(repo.path / "a-pipe-is-passed-over")
    return repo


def odd_names(at: Path) -> Repo:
    """Names with every letter that has a meaning somewhere."""
    repo = Repo.make(at / "repo")
    names = ["-n", "--all", "a b", 'quo"te', '"', "tab\t", "line\nbreak", "back\\slash"]
    names += [":(glob)*", "e\u0301", "\u00e9", os.fsdecode(b"latin-\xe9"), "#", "!not"]
    repo.commit({f"old/{name}": "x\n" for name in names})
    for name in names:
        repo.write(f"old/{name}", "changed\n")
        repo.write(f"new/{name}", "x\n")
        repo.write(name, "at the top\n")
    return repo


def unmerged(at: Path) -> Repo:
    """In the middle of a merge, with every kind of conflict."""
    repo = Repo.make(at / "repo")
    repo.commit({"both": "1\n", "theirs-gone": "1\n", "ours-gone": "1\n"})
    repo.git("checkout", "-q", "-b", "other")
    (repo.path / "theirs-gone").unlink()
    repo.commit({"both": "2\n", "ours-gone": "2\n", "added": "2\n"})
    repo.git("checkout", "-q", "main")
    (repo.path / "ours-gone").unlink()
    repo.commit({"both": "3\n", "theirs-gone": "3\n", "added": "3\n"})
    repo.git("merge", "other", check=False)
    assert repo.git("ls-files", "--unmerged")
    (repo.path / "ours-gone").unlink()
    return repo


def intent_to_add(at: Path) -> Repo:
    """Announced to git, and not added; one of them gone again."""
    repo = Repo.make(at / "repo")
    for name in ("announced", "withdrawn"):
        repo.write(name)
        repo.git("add", "--intent-to-add", name)
    (repo.path / "withdrawn").unlink()
    return repo


def empty(at: Path) -> Repo:
    """Not one commit yet, something staged."""
    (at / "repo").mkdir()
    run_git(at / "repo", "init", "-q")
    repo = Repo(at / "repo", at / "repo")
    repo.write("pipeline.yaml", "name: tiny\n")
    repo.write("staged")
    repo.git("add", "staged")
    return repo


def detached(at: Path) -> Repo:
    """No branch, a stash, and a commit that only HEAD knows."""
    repo = Repo.make(at / "repo")
    repo.git("checkout", "-q", "--detach")
    repo.commit({"only-here": "x\n"})
    repo.write("only-here", "stashed\n")
    repo.git("stash", "push", "-q")
    repo.write("only-here", "changed\n")
    return repo


def shallow(at: Path) -> Repo:
    """A clone that has the last commit and no other."""
    origin = Repo.make(at / "origin")
    origin.commit({"a": "2\n"})
    origin.commit({"a": "3\n"})
    run_git(at, "clone", "-q", "--depth=1", f"file://{origin.path}", "repo")
    repo = Repo(at / "repo", at / "repo")
    repo.write("a", "changed\n")
    return repo


def sha256(at: Path) -> Repo:
    """The other hash."""
    repo = Repo.make(at / "repo", "--object-format=sha256")
    repo.write("new")
    return repo


def linked(at: Path) -> Repo:
    """A linked work tree, with settings of its own."""
    home = Repo.make(at / "home")
    home.git("config", "extensions.worktreeConfig", "true")
    home.git("worktree", "add", "-q", "-b", "side", "../repo")
    repo = Repo(at / "repo", at / "repo")
    repo.write("own-ignores", "mine\n")
    ignores = str(repo.path / "own-ignores")
    repo.git("config", "--worktree", "core.excludesFile", ignores)
    repo.write("mine", "ignored in this work tree only\n")
    home.write(".git/info/exclude", "everywhere\n")
    repo.write("everywhere", "ignored\n")
    repo.commit({"only-here": "x\n"})
    repo.write("new")
    return repo


def linked_to_bare(at: Path) -> Repo:
    """A work tree of a bare repository, as some keep all their branches."""
    origin = Repo.make(at / "origin")
    run_git(at, "clone", "-q", "--bare", str(origin.path), "bare.git")
    run_git(at / "bare.git", "worktree", "add", "-q", "../repo", "main")
    repo = Repo(at / "repo", at / "repo")
    repo.write("new")
    return repo


def borrowed(at: Path) -> Repo:
    """A clone whose objects lie in a clone whose objects lie in a third."""
    Repo.make(at / "first").commit({"a": "1\n"})
    run_git(at, "clone", "-q", "--shared", "first", "second")
    Repo(at / "second", at / "second").commit({"b": "1\n"})
    run_git(at, "clone", "-q", "--shared", "second", "repo")
    repo = Repo(at / "repo", at / "repo")
    repo.commit({"c": "1\n"})
    repo.write("b", "changed\n")
    return repo


def below(at: Path) -> Repo:
    """pipeline.yaml in a folder of the repository; all of it travels."""
    repo = Repo.make(at / "repo")
    repo.commit({"experiments/x/pipeline.yaml": "name: x\n", "library.py": "1\n"})
    repo.write("library.py", "changed\n")
    repo.write("experiments/x/new")
    return Repo(repo.path, repo.path / "experiments" / "x")


def sparse(at: Path, *cone: str) -> Repo:
    """Only a part is checked out."""
    repo = Repo.make(at / "repo")
    repo.commit({"in/a": "1\n", "out/b": "2\n", "out/deep/c": "3\n"})
    repo.git("sparse-checkout", "set", *cone, "in")
    assert not (repo.path / "out").exists()
    repo.write("in/a", "changed\n")
    repo.write("out/new", "where nothing is checked out\n")
    return repo


def sparse_index(at: Path) -> Repo:
    """The index itself leaves out what is not checked out."""
    return sparse(at, "--cone", "--sparse-index")


def split_index(at: Path) -> Repo:
    """The index lies in two files."""
    repo = Repo.make(at / "repo")
    repo.commit({f"f{n}": f"{n}\n" for n in range(30)})
    repo.git("update-index", "--split-index")
    repo.git("config", "core.splitIndex", "true")
    repo.write("f1", "changed\n")
    repo.write("f2", "staged\n")
    repo.git("add", "f2")
    assert list((repo.path / ".git").glob("sharedindex.*"))
    return repo


def watched(at: Path) -> Repo:
    """A monitor that says nothing ever changes, an untracked cache, index v4."""
    repo = Repo.make(at / "repo")
    repo.commit({"a": "1\n", "b": "1\n"})
    monitor = repo.write("../monitor", '#!/bin/sh\nprintf "token\\0"\n')
    monitor.chmod(0o755)
    repo.git("config", "core.fsmonitor", str(monitor))
    repo.git("update-index", "--index-version", "4", "--fsmonitor", "--untracked-cache")
    repo.git("status")
    repo.write("a", "changed\n")
    repo.write("new")
    return repo


def filtered(at: Path) -> Repo:
    """Hooks and filters that fail, line ends, encodings: the bytes as they lie."""
    repo = Repo.make(at / "repo")
    for name in ("model.bin", "touched.bin"):
        repo.write(name, b"\0" * 3000)
    repo.write("rows.csv", "a\r\nb\r\n")
    repo.write("wide.txt", "wide\n".encode("utf-16"))
    repo.write("ident.py", "# $Id$\n")
    for path in repo.path.iterdir():
        os.utime(path, (1, 1))  # older than the index: git does not look into it again
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3000\n"
    lie = repo.write(".git/pointer", pointer)
    repo.git("config", "filter.lfs.clean", f"cat >&2; cat {lie}")
    repo.git("config", "filter.lfs.required", "true")
    rules = "*.bin filter=lfs -text\n*.csv text eol=crlf\n*.py ident\n"
    repo.commit({".gitattributes": f"{rules}wide.txt working-tree-encoding=UTF-16\n"})
    (repo.path / "ident.py").unlink()
    repo.git("checkout", "ident.py")
    assert repo.git("cat-file", "-p", ":model.bin").startswith("version")
    assert not repo.git("status", "--short")
    repo.git("config", "filter.lfs.clean", "touch filter-was-here; false")
    for name in ("pre-commit", "reference-transaction", "post-index-change"):
        repo.write(f".git/hooks/{name}", FAILS).chmod(0o755)
    os.utime(repo.path / "touched.bin")
    repo.write("new.bin", b"\1" * 2000)
    return repo


def module(at: Path) -> Repo:
    """A submodule, clean, and one that was never fetched."""
    library = Repo.make(at / "library")
    repo = Repo.make(at / "repo")
    for name in ("vendor/here", "vendor/not-here"):
        repo.git("submodule", "add", "-q", str(library.path), name)
    repo.commit()
    repo.git("submodule", "deinit", "-q", "-f", "vendor/not-here")
    repo.write("new")
    return repo


def hidden(at: Path) -> Repo:
    """Files the user told git not to look at, changed meanwhile."""
    repo = Repo.make(at / "repo")
    repo.commit({"skipped": "one\n", "assumed": "one\n"})
    repo.git("update-index", "--skip-worktree", "skipped")
    repo.git("update-index", "--assume-unchanged", "assumed")
    repo.write("skipped", "two\n")
    repo.write("assumed", "longer\n")
    return repo


def ordered(at: Path) -> Repo:
    """Settings that would change what git says."""
    repo = Repo.make(at / "repo")
    repo.commit({"a": "1\n", "c": "c" * 300})
    for setting in (
        *("status.showUntrackedFiles=no", "core.quotePath=true", "core.abbrev=4"),
        *("status.relativePaths=true", "status.renames=copies", "color.ui=always"),
        *("core.logAllRefUpdates=always", "commit.gpgSign=true", "diff.noprefix=true"),
        *("i18n.commitEncoding=latin1", "core.worktree=..", "status.branch=true"),
    ):
        repo.git("config", *setting.split("=", 1))
    repo.git("mv", "c", "d")
    repo.write("new")
    return repo


SHAPES: list[Callable[[Path], Repo]] = [
    *(plain, links, odd_names, unmerged, intent_to_add, empty, detached, shallow),
    *(sha256, linked, linked_to_bare, borrowed, below, sparse, sparse_index),
    *(split_index, watched, filtered, module, hidden, ordered),
]
