"""Data sets are told apart by what is in them, and read no more often than needed."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipeline import eventlines, events, progress, sketch
from pipeline.clock import SystemClock
from pipeline.data import datasets
from pipeline.data.contents import INCOMING, Contents, kept_at
from pipeline.schema import Data
from tests.laptop import Laptop

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
    kept = kept_at(dogs.parent / "cache", dogs)
    rows = kept.read_text().replace(sha256("woof"), "f" * 64)
    kept.write_text(rows)

    assert look(dogs) == {**before, "a": "f" * 64}


@pytest.mark.parametrize(
    "torn", [b"", b"{", b"[]", b"null", b'{"a": 1}', b'{"a": [1]}', b"\xff"]
)
def test_a_memory_that_is_torn_is_as_good_as_none(dogs: Path, torn: bytes) -> None:
    """It only saves time."""
    before = look(dogs)
    kept_at(dogs.parent / "cache", dogs).write_bytes(torn)

    assert look(dogs) == before


def test_a_young_file_is_not_trusted_by_its_times(dogs: Path) -> None:
    """It could change again within the same tick of the clock."""
    cache = dogs.parent / "cache"
    datasets.look_at(DOGS, dogs, cache, CLOCK)

    kept = kept_at(cache, dogs)
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


def test_much_that_is_unread_is_told_and_not_read_at_once(tmp_path: Path) -> None:
    """Who waits for a plan is told how much; when it is read, it is known at once."""
    home = tmp_path / "big"
    home.mkdir()
    with (home / "hole").open("wb") as file:
        file.truncate(datasets.AT_ONCE + 1)
    os.utime(home / "hole", (1, 1))
    ask = (DOGS, home, tmp_path / "cache", Later())

    first = datasets.at_once(*ask)
    whole = datasets.look_at(*ask)

    assert first == datasets.Unhashed(0, datasets.AT_ONCE + 1)
    assert first.said("dogs") == "data dogs: 0 B of 256.0 MB hashed"
    assert datasets.at_once(*ask) == whole


def test_a_large_set_that_is_young_is_known_when_it_is_read(tmp_path: Path) -> None:
    """Its reading waits until times can be trusted: it shall not come a second time."""
    home = tmp_path / "young"
    home.mkdir()
    for name in ("one", "two"):
        with (home / name).open("wb") as file:
            file.truncate(datasets.AT_ONCE // 2 + 1)
    ask = (DOGS, home, tmp_path / "cache", CLOCK)

    first = datasets.at_once(*ask)
    whole = datasets.look_at(*ask)

    assert isinstance(first, datasets.Unhashed)
    assert datasets.at_once(*ask) == whole


def test_who_is_stopped_goes_on_where_he_was(dogs: Path) -> None:
    """What is hashed by then is remembered."""

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    read: list[int] = []
    kept = kept_at(dogs.parent / "cache", dogs)
    contents = Contents(dogs, kept, Later())
    contents.read(only={"a"})
    with pytest.raises(KeyboardInterrupt):
        datasets.look_at(DOGS, dogs, dogs.parent / "cache", Later(), stop)
    datasets.look_at(DOGS, dogs, dogs.parent / "cache", Later(), read.append)

    assert read == [len("wau")]


def test_what_somebody_else_read_need_not_be_read_again(dogs: Path) -> None:
    """But for what changed since it was looked at."""
    kept = kept_at(dogs.parent / "cache", dogs)
    contents = Contents(dogs, kept, Later())
    (dogs / "deep" / "b").write_text("miau")
    contents.learn({"a": sha256("woof"), "deep/b": sha256("wau"), "c": "0"})

    later = Contents(dogs, kept, Later())

    assert later.unread == len("miau")
    assert later.read() == {"a": sha256("woof"), "deep/b": sha256("miau")}


def test_what_is_being_sent_is_no_part_of_a_set(dogs: Path) -> None:
    """A run that looks meanwhile sees what is whole."""
    before = look(dogs)
    (dogs / INCOMING).mkdir()
    (dogs / INCOMING / "draft").write_text("ha")

    assert look(dogs) == before


BESIDE = """\
name: beside
jobs: 1
data:
  big: {path: data/big}
stages:
  reader:
    sh: ls {data:big} > $OUT/names.txt
    outputs: [names.txt]
  other:
    sh: echo other > $OUT/other.txt
    outputs: [other.txt]
"""


def test_a_stage_without_the_data_is_done_while_that_is_hashed(laptop: Laptop) -> None:
    """Though it comes later, and one runs at a time; and the run can be stopped then.

    Nothing was executed of what needs the data; resuming does it.
    """
    laptop.write("pipeline.yaml", BESIDE)
    laptop.write(".gitignore", "data/\n")
    laptop.commit()
    big = laptop.repo / "data" / "big"
    big.mkdir(parents=True)
    with (big / "hole").open("wb") as file:
        file.truncate(400 * datasets.AT_ONCE)  # a minute and more

    laptop.pipeline("run", "--detach")
    laptop.wait_for_event("stage_sealed other")
    laptop.pipeline("stop")
    laptop.wait_for_runner(lives=False)
    story = laptop.story()
    with (big / "hole").open("wb") as file:
        file.truncate(1)
    laptop.pipeline("resume")

    assert "stage_started reader" not in story
    assert "stage_sealed reader" in laptop.story()
    assert "2 to reuse" in laptop.pipeline("plan")


LINKED = """\
name: linked
data:
  file: {path: deep/er/one.txt, local: ~/kept/one.txt}
  folder: {path: in/folder, local: ~/kept/link}
  own: {path: data/own}
stages:
  look:
    sh: cat {data:file} {data:folder}/x {data:own}/x deep/er/one.txt > $OUT/all.txt
    outputs: [all.txt]
"""


def test_homes_of_every_shape_are_linked(laptop: Laptop) -> None:
    """A file, a folder, a link to one; below a pipeline.yaml that is not at the top."""
    kept = laptop.home / "kept"
    (kept / "folder").mkdir(parents=True)
    (kept / "one.txt").write_text("1")
    (kept / "folder" / "x").write_text("2")
    (kept / "link").symlink_to("folder")
    laptop.write("sub/pipeline.yaml", LINKED)
    laptop.write("sub/in/tracked.txt", "beside it")
    laptop.write(".gitignore", "own\n")
    laptop.write("sub/data/own/x", "3")
    laptop.commit()

    said = laptop.pipeline("run", "--file", "sub/pipeline.yaml")

    assert "done: 1 stage" in said
    (made,) = laptop.home.glob(".pipeline/*/runs/*/tree/sub/artifacts/look/all.txt")
    assert made.read_text() == "1231"


def test_a_home_that_is_missing_is_told(laptop: Laptop) -> None:
    """Before anything is made."""
    laptop.write("pipeline.yaml", LINKED)
    laptop.commit()

    said = laptop.pipeline("run", code=6)

    assert "data 'file' is not on host 'local': ~/kept/one.txt" in said


def test_hashing_stands_in_the_picture_until_it_is_done() -> None:
    """So that a watcher sees why nothing starts."""
    said = events.DataToldOf(said="hashing data dogs: 12.0 GB of 40.0 GB")
    done = events.DataToldOf(said="data dogs: 40.0 GB hashed", is_ready=True)
    story = [events.Event("2026-11-20T17:10:00.000000Z", what) for what in (said, done)]

    assert said.said in sketch.render(progress.fold(story[:1]))
    assert "dogs" not in sketch.render(progress.fold(story))
    assert [eventlines.decode(eventlines.encode(one)) for one in story] == story
