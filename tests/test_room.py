"""A disk that runs short is said before it hurts, and never leaves half a seal."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import pytest

from pipeline import room
from pipeline.artifact import Artifact, Manifest
from pipeline.errors import HostError
from pipeline.room import SPARE_BYTES, SPARE_FILES, Room
from pipeline.store import Store
from tests.laptop import Laptop
from tests.smalldisk import fill, small_disk, use_inodes

MUCH = """\
name: much
git: {max_file: 100kB}
stages:
  first:
    sh: echo first > $OUT/first.txt
    outputs: [first.txt]
  big:
    after: [first]
    sh: head -c {bytes} /dev/zero | tr '\\0' x > $OUT/big.bin
    outputs: [big.bin]
    params: {bytes: 12000000}
  many:
    after: [big]
    sh: for i in $(seq {count}); do echo $i > $OUT/$i.txt; done
    outputs: [1.txt]
    params: {count: 50}
"""


def of(*sizes: int) -> Manifest:
    """List artifacts of these sizes."""
    sha = hashlib.sha256
    listed = {
        str(n): Artifact(size=size, sha256=sha(str(n).encode()).hexdigest())
        for n, size in enumerate(sizes)
    }
    return Manifest(artifacts=listed, results={})


def test_a_roomy_disk_is_passed_over(tmp_path: Path) -> None:
    """In silence, also where the folder is not there yet."""
    room.check(tmp_path / "not" / "yet", "stage 'a'")


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """What is free, what is needed, where, and what to do."""
    with small_disk(tmp_path) as home:
        fill(home, leaving=1_000_000)

        with pytest.raises(HostError) as caught:
            room.check(home, "stage 'train'", Room(bytes=5_000_000))

    said = re.sub(r"[0-9.]+ [kM]B free", "1.0 MB free", str(caught.value))
    assert said == (
        "no room on the disk for stage 'train': 1.0 MB free, 13.0 MB needed, "
        f"in {home}\n"
        "  see what can go: pipeline gc\n"
        "  then go on with: pipeline resume"
    )


def test_inodes_are_counted_too(tmp_path: Path) -> None:
    """A disk full of small files has free bytes, and holds no file more."""
    with small_disk(tmp_path, inodes=400) as home:
        use_inodes(home, leaving=20)

        with pytest.raises(HostError, match="20 inodes free, 100 needed"):
            room.check(home, "stage 'train'")


def test_a_disk_that_counts_no_inodes_has_enough() -> None:
    """Some file systems make them as they are needed."""
    kept = room.free(Path("/"))

    assert kept.bytes > 0
    assert kept.files == -1 or kept.files > 0


def test_a_try_needs_what_its_stage_made_last() -> None:
    """Nothing is known of a stage that never ran."""
    assert room.of_attempt(of(3, 4)) == Room(bytes=7, files=2)
    assert room.of_attempt(None) == Room()


def test_a_seal_needs_git_and_the_store(tmp_path: Path) -> None:
    """Small files a little more than they are, large ones once, known ones nothing."""
    store = Store(tmp_path / "store")
    (tmp_path / "2").write_bytes(b"x" * 5_000)
    made = of(10, 20)
    large = Artifact(size=5_000, sha256=hashlib.sha256(b"x" * 5_000).hexdigest())
    with_large = Manifest(artifacts={**made.artifacts, "2": large}, results={})

    before = room.of_seal(with_large, most=100, store=store)
    store.put(tmp_path / "2", large)
    after = room.of_seal(with_large, most=100, store=store)

    assert before.bytes - after.bytes in (0, 5_000)
    assert 30 < after.bytes < 20_000


class Short:
    """A laptop whose home, which is the box of local runs, is on a small disk."""

    def __init__(self, laptop: Laptop, home: Path) -> None:
        """Put the home there, and a pipeline that makes much."""
        self.laptop = laptop
        self.home = home
        laptop.home = home
        laptop.env["HOME"] = str(home)
        laptop.write("pipeline.yaml", MUCH)
        laptop.commit("much")

    def git_is_whole(self) -> None:
        """Hold the repository on the box against itself."""
        (code,) = self.home.glob(".pipeline/*/code.git")
        self.laptop.git("--git-dir", str(code), "fsck", "--no-dangling")


def twin(tmp_path: Path) -> Laptop:
    """Run the same on a disk that is large enough."""
    laptop = Laptop(tmp_path / "twin")
    laptop.write("pipeline.yaml", MUCH)
    laptop.commit("much")
    laptop.pipeline("run")
    return laptop


@pytest.mark.timeout(60)
def test_a_stage_is_not_begun_on_a_full_disk(laptop: Laptop, tmp_path: Path) -> None:
    """The run says so and ends; with room again it ends like one never cut."""
    with small_disk(tmp_path / "small") as home:
        short = Short(laptop, home)
        ballast = fill(home, leaving=SPARE_BYTES // 2)

        said = laptop.pipeline("run", code=6)

        assert "no room on the disk for stage 'first'" in said
        assert "pipeline gc" in said
        assert laptop.seals() == []
        ballast.unlink()
        laptop.pipeline("resume")
        assert laptop.seals() == ["first", "big", "many"]
        short.git_is_whole()
        assert laptop.trees() == twin(tmp_path).trees()


@pytest.mark.timeout(60)
def test_a_seal_that_has_no_room_is_not_begun(laptop: Laptop, tmp_path: Path) -> None:
    """The stage's work fitted, its seal does not: what was sealed before stands."""
    with small_disk(tmp_path / "small") as home:
        short = Short(laptop, home)
        # Room for the draft of 12 MB, and not for a second copy in the store.
        ballast = fill(home, leaving=SPARE_BYTES + 16_000_000)

        said = laptop.pipeline("run", code=6)

        assert "no room on the disk for the seal of stage 'big'" in said
        assert laptop.seals() == ["first"]
        assert Store(next(home.glob(".pipeline/*/")) / "store").entries() == []
        assert list(laptop.run_folder().glob("attempts/big.1/out/big.bin"))
        short.git_is_whole()
        ballast.unlink()
        laptop.pipeline("resume")
        assert laptop.seals() == ["first", "big", "many"]
        assert laptop.trees() == twin(tmp_path).trees()
        laptop.pipeline("verify")


@pytest.mark.timeout(60)
def test_a_disk_out_of_inodes_is_said(laptop: Laptop, tmp_path: Path) -> None:
    """Bytes are free and no file can be made; with inodes again all goes on."""
    with small_disk(tmp_path / "small", inodes=2000) as home:
        short = Short(laptop, home)
        crowd = use_inodes(home, leaving=SPARE_FILES // 2 + 60)

        said = laptop.pipeline("run", code=6)

        assert "inodes free, 100 needed" in said
        assert laptop.seals() == []
        for path in crowd.iterdir():
            path.unlink()
        laptop.pipeline("resume")
        assert laptop.seals() == ["first", "big", "many"]
        short.git_is_whole()
        assert laptop.trees() == twin(tmp_path).trees()


@pytest.mark.timeout(60)
def test_a_stage_that_fills_the_disk_seals_nothing(
    laptop: Laptop, tmp_path: Path
) -> None:
    """It fails by itself; its draft does not count, and what was sealed stands."""
    with small_disk(tmp_path / "small") as home:
        short = Short(laptop, home)

        said = laptop.pipeline("run", "--set", "big.bytes=90000000", code=4)

        assert re.search(r"big failed: .*; the disk is full \([0-9.]+ k?B free\)", said)
        assert "run ended with 4" in said
        assert laptop.seals() == ["first"]
        assert os.path.lexists(laptop.run_folder() / "attempts" / "big.1")
        short.git_is_whole()
