"""Data sets are told apart by what is in them, and read no more often than needed."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipeline import datasets
from pipeline.clock import SystemClock
from pipeline.schema import Data

CLOCK = SystemClock()


class Later(SystemClock):
    """A clock that is an hour ahead: to it, no file is young."""

    def now(self) -> datetime:
        """Tell the time."""
        return datetime.now(tz=timezone.utc) + timedelta(hours=1)


DOGS = Data(name="dogs", path="data/dogs")


@pytest.fixture
def dogs(tmp_path: Path) -> Path:
    """A data set of two files."""
    home = tmp_path / "dogs"
    (home / "deep").mkdir(parents=True)
    (home / "a").write_text("woof")
    (home / "deep" / "b").write_text("wau")
    return home


def look(home: Path, data: Data = DOGS) -> dict[str, str]:
    """Look at a data set, with a memory beside it and no file too young for that."""
    return datasets.look_at(data, home, home.parent / "cache", Later())


def sha256(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_data_set_is_its_files_by_content(dogs: Path) -> None:
    """By their places in it; a single file is a data set too."""
    assert look(dogs) == {"a": sha256("woof"), "deep/b": sha256("wau")}
    assert look(dogs / "a") == {".": sha256("woof")}


def test_a_touch_changes_nothing(dogs: Path) -> None:
    """It is read again, and is what it was."""
    before = look(dogs)
    os.utime(dogs / "a", (1, 1))

    assert look(dogs) == before


@pytest.mark.parametrize("clock", [CLOCK, Later()])
def test_a_change_in_disguise_is_seen(dogs: Path, clock: SystemClock) -> None:
    """Of the same size, its modification time put back: the change time tells."""
    cache = dogs.parent / "cache"
    datasets.look_at(DOGS, dogs, cache, clock)
    status = (dogs / "a").stat()
    (dogs / "a").write_text("meow")
    os.utime(dogs / "a", ns=(status.st_atime_ns, status.st_mtime_ns))

    assert datasets.look_at(DOGS, dogs, cache, clock)["a"] == sha256("meow")


def test_another_file_in_the_place_of_one_is_seen(dogs: Path) -> None:
    """Moved there with all its times: its inode is another."""
    look(dogs)
    status = (dogs / "a").stat()
    (dogs.parent / "other").write_text("meow")
    os.utime(dogs.parent / "other", ns=(status.st_atime_ns, status.st_mtime_ns))
    (dogs.parent / "other").replace(dogs / "a")

    assert look(dogs)["a"] == sha256("meow")


def test_what_did_not_change_is_not_read_again(dogs: Path) -> None:
    """It is remembered: what cannot be read any more is known all the same."""
    before = look(dogs)
    kept = datasets.kept_at(dogs.parent / "cache", dogs)
    rows = kept.read_text().replace(sha256("woof"), "f" * 64)
    kept.write_text(rows)

    assert look(dogs) == {**before, "a": "f" * 64}


@pytest.mark.parametrize(
    "torn", [b"", b"{", b"[]", b"null", b'{"a": 1}', b'{"a": [1]}', b"\xff"]
)
def test_a_memory_that_is_torn_is_as_good_as_none(dogs: Path, torn: bytes) -> None:
    """It only saves time."""
    before = look(dogs)
    datasets.kept_at(dogs.parent / "cache", dogs).write_bytes(torn)

    assert look(dogs) == before


def test_a_young_file_is_not_trusted_by_its_times(dogs: Path) -> None:
    """It could change again within the same tick of the clock."""
    cache = dogs.parent / "cache"
    datasets.look_at(DOGS, dogs, cache, CLOCK)

    kept = datasets.kept_at(cache, dogs)
    assert not kept.exists() or sha256("woof") not in kept.read_text()


def test_names_and_links_are_taken_as_they_are(dogs: Path) -> None:
    """A link counts as what it leads to; in circles and nowhere is left out."""
    (dogs / "line\nbreak ü").write_text("x")
    (dogs / os.fsdecode(b"latin-\xe9")).write_text("y")
    (dogs / "link").symlink_to("a")
    (dogs / "around").symlink_to(".")
    (dogs / "nowhere").symlink_to("/nowhere/at/all")
    os.mkfifo(dogs / "pipe")

    found = look(dogs)

    assert found["link"] == sha256("woof")
    assert found["line\nbreak ü"] == sha256("x")
    assert found[os.fsdecode(b"latin-\xe9")] == sha256("y")
    assert "nowhere" not in found
    assert "pipe" not in found
    assert look(dogs) == found


def test_folders_seen_once_more_and_empty_ones_count(dogs: Path) -> None:
    """A class of pictures that is a link to another may lead elsewhere, or be gone."""
    for name in ("one", "two"):
        (dogs / name).mkdir()
        (dogs / name / "x").write_text(name)
    found = []
    for target in ("one", "two", "."):
        (dogs / "zero").symlink_to(target)
        found.append(look(dogs))
        (dogs / "zero").unlink()
    (dogs / "zero").mkdir()
    found.append(look(dogs))
    (dogs / "zero").rmdir()
    found.append(look(dogs))

    assert len({json.dumps(one) for one in found}) == len(found)


def test_an_empty_folder_is_a_data_set(tmp_path: Path) -> None:
    """And a file in it makes it another."""
    (tmp_path / "empty").mkdir()
    assert look(tmp_path / "empty") == {}
    (tmp_path / "empty" / "x").touch()
    assert look(tmp_path / "empty") == {"x": sha256("")}


def test_by_stat_the_look_counts_and_nothing_is_read(dogs: Path) -> None:
    """Sizes and times: a touch is a change."""
    data = Data(name="dogs", path="d", by="stat")
    before = look(dogs, data)
    os.utime(dogs / "a", (1, 1))

    assert look(dogs, data)["a"] == "4:1000000000"
    assert look(dogs, data)["deep/b"] == before["deep/b"]


def test_by_version_only_the_word_counts(dogs: Path) -> None:
    """Whatever lies there."""
    data = Data(name="dogs", path="d", by="version", version="v7")
    (dogs / "a").write_text("other")

    assert look(dogs, data) == {"version": "v7"}


def test_many_files_are_one_hash_that_can_be_looked_into(tmp_path: Path) -> None:
    """A fingerprint stays small; what changed can be named all the same."""
    home = tmp_path / "many"
    home.mkdir()
    for number in range(300):
        (home / f"{number}").write_text(str(number))

    (first,) = look(home).items()
    (home / "7").write_text("other")
    (second,) = look(home).items()

    assert first[0] == second[0] == "300 files"
    cache = tmp_path / "cache"
    one, two = (datasets.listed(cache, digest) for _, digest in (first, second))
    assert one is not None
    assert two is not None
    assert {name for name in one if one[name] != two[name]} == {"7"}
    assert datasets.listed(cache, "0" * 64) is None
