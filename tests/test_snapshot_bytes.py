"""The bytes and modes of a file are those that lie there, and no attribute is asked."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.repos import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit."""
    return Repo.make(tmp_path / "repo")


def test_a_change_as_young_as_the_index_is_seen(repo: Repo) -> None:
    """Same size and time as when git last looked: the copy of the index is as old."""
    repo.git("config", "core.trustCTime", "false")
    an_hour_ago = (time.time() - 3600,) * 2
    path = repo.write("racy", "1")
    os.utime(path, an_hour_ago)
    repo.git("add", "racy")
    repo.write("racy", "x")
    os.utime(path, an_hour_ago)
    os.utime(repo.path / ".git" / "index", an_hour_ago)

    assert repo.held(repo.take())["racy"] == ("100644", b"x")


def test_a_file_as_long_as_its_pointer_travels_as_it_lies(repo: Repo) -> None:
    """Size alone cannot tell some small files from the pointers LFS keeps for them."""
    lie = b"version https://git-lfs.github.com/spec/v1\n" + b"." * 86
    small = repo.write("small.bin", b"S" * len(lie))
    os.utime(small, (1, 1))  # older than the index: git does not look into it again
    repo.write(".git/pointer", lie)
    repo.git("config", "filter.lfs.clean", f"cat {repo.path}/.git/pointer")
    repo.commit({".gitattributes": "*.bin filter=lfs\n"})

    snapshot = repo.take()

    assert repo.held(snapshot)["small.bin"] == ("100644", small.read_bytes())
    which = "sent as it lies, not as git keeps it (LFS, line ends, ...): 'small.bin'"
    assert snapshot.notes == (which,)


def test_a_pointer_without_its_content_is_told(repo: Repo) -> None:
    """A pointer that was never replaced is all there is, and is clean."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:"
    repo.write("big.bin", f"{pointer}{'0' * 64}\nsize 3000\n")
    repo.commit({".gitattributes": "*.bin filter=lfs\n"})

    snapshot = repo.take()

    assert not snapshot.is_dirty
    told = "but an LFS pointer here, its content is not sent: 'big.bin'"
    assert snapshot.notes == (told,)


def test_modes_that_a_file_system_makes_up_are_passed_over(repo: Repo) -> None:
    """Where core.fileMode is off, every file may look like a program."""
    repo.git("config", "core.fileMode", "false")
    (repo.path / "pipeline.yaml").chmod(0o755)
    repo.write("new").chmod(0o755)

    modes = {name: mode for name, (mode, _) in repo.held(repo.take()).items()}

    assert modes == {"pipeline.yaml": "100644", "new": "100644"}
