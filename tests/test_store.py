"""The store gives back what was put, whole or not at all, whoever dies meanwhile."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import artifact, files
from pipeline.artifact import Artifact
from pipeline.errors import IntegrityError
from pipeline.store import Store
from tests.laptop import CHECKOUT, wait_until
from tests.smalldisk import fill, small_disk


def listed(data: bytes) -> Artifact:
    """List a file of these bytes."""
    return Artifact(size=len(data), sha256=hashlib.sha256(data).hexdigest())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "store")


def put(store: Store, tmp_path: Path, data: bytes = b"weights") -> Artifact:
    """Put a file of these bytes."""
    path = tmp_path / "model.pt"
    path.write_bytes(data)
    store.put(path, listed(data))
    return listed(data)


def names(store: Store) -> list[str]:
    """All that lies in the store, but for its lock."""
    return [entry.name for entry in store.entries()]


def test_what_was_put_is_taken(store: Store, tmp_path: Path) -> None:
    """With its content, at a place whose folders are made."""
    one = put(store, tmp_path)

    assert store.has(one)
    assert store.take(one, tmp_path / "a" / "b" / "model.pt")
    assert (tmp_path / "a" / "b" / "model.pt").read_bytes() == b"weights"


def test_a_copy_is_a_file_of_its_own(store: Store, tmp_path: Path) -> None:
    """Whoever writes into his own file changes nobody else's."""
    one = put(store, tmp_path)
    store.take(one, tmp_path / "taken.pt")

    (tmp_path / "model.pt").write_bytes(b"spoiled")
    (tmp_path / "taken.pt").write_bytes(b"spoiled too")

    assert store.is_whole(one)
    assert (store.folder / one.sha256).stat().st_nlink == 1


def test_a_stored_file_is_for_its_owner_to_read(store: Store, tmp_path: Path) -> None:
    """Nothing writes into it by accident."""
    one = put(store, tmp_path)

    assert (store.folder / one.sha256).stat().st_mode & 0o777 == 0o400


def test_putting_twice_gives_one(store: Store, tmp_path: Path) -> None:
    """The second finds the first, and notes that it is used."""
    one = put(store, tmp_path)
    os.utime(store.folder / one.sha256, (1, 1))

    put(store, tmp_path)

    assert names(store) == [one.sha256]
    assert (store.folder / one.sha256).stat().st_mtime > 1


def test_a_file_that_changed_is_refused(store: Store, tmp_path: Path) -> None:
    """What is no more as it was listed gets no name; nothing is left of it."""
    path = tmp_path / "model.pt"
    path.write_bytes(b"changed")

    with pytest.raises(IntegrityError, match="changed while it was put"):
        store.put(path, listed(b"weights"))

    assert names(store) == []


def test_a_damaged_file_is_dropped(store: Store, tmp_path: Path) -> None:
    """It counts as not there, and the target stays as it was."""
    one = put(store, tmp_path)
    (store.folder / one.sha256).chmod(0o600)
    (store.folder / one.sha256).write_bytes(b"damaged")
    target = tmp_path / "taken.pt"
    target.write_bytes(b"before")

    assert not store.take(one, target)

    assert target.read_bytes() == b"before"
    assert names(store) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        *("model.pt", "store", "taken.pt"),
    ]


def test_a_damaged_file_is_replaced_by_a_put(store: Store, tmp_path: Path) -> None:
    """It has the right name and size, and that is not enough."""
    one = put(store, tmp_path)
    (store.folder / one.sha256).chmod(0o600)
    (store.folder / one.sha256).write_bytes(b"damaged")

    put(store, tmp_path)

    assert store.is_whole(one)


def test_what_is_not_there_is_not_taken(store: Store, tmp_path: Path) -> None:
    """Without a word, and without a file."""
    assert not store.take(listed(b"never"), tmp_path / "taken.pt")
    assert not store.has(listed(b"never"))
    assert not (tmp_path / "taken.pt").exists()


@pytest.mark.parametrize("kind", ["folder", "link", "file"])
def test_a_copy_takes_the_place_of_what_lay_there(
    store: Store, tmp_path: Path, kind: str
) -> None:
    """A link is replaced and not written through."""
    one = put(store, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"theirs")
    target = tmp_path / "taken.pt"
    if kind == "folder":
        (target / "deep").mkdir(parents=True)
    elif kind == "link":
        target.symlink_to(elsewhere)
    else:
        target.write_bytes(b"old")

    assert store.take(one, target)

    assert target.read_bytes() == b"weights"
    assert not target.is_symlink()
    assert elsewhere.read_bytes() == b"theirs"


@pytest.mark.parametrize("sha", ["../../etc/passwd", "", "AB" * 32, "a" * 63, "/x"])
def test_a_name_that_is_no_hash_leads_nowhere(store: Store, sha: str) -> None:
    """A manifest is a file that somebody may have written."""
    with pytest.raises(IntegrityError, match="is no sha256"):
        store.has(Artifact(size=1, sha256=sha))


def test_a_link_in_the_store_is_not_followed(store: Store, tmp_path: Path) -> None:
    """Ours are plain files."""
    one = listed(b"theirs")
    store.folder.mkdir()
    (tmp_path / "theirs").write_bytes(b"theirs")
    (store.folder / one.sha256).symlink_to(tmp_path / "theirs")

    assert not store.has(one)
    assert not store.take(one, tmp_path / "taken")


def _put_in_turn(folder: str, path: str, one: Artifact) -> None:
    for _ in range(20):
        Store(Path(folder)).put(Path(path), one)


def test_many_may_put_the_same(store: Store, tmp_path: Path) -> None:
    """Whoever comes first; the others find it, and no draft is left."""
    path = tmp_path / "model.pt"
    path.write_bytes(b"weights" * 1000)
    one = listed(b"weights" * 1000)
    spawn = multiprocessing.get_context("spawn")
    args = (str(store.folder), str(path), one)
    workers = [spawn.Process(target=_put_in_turn, args=args) for _ in range(3)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert names(store) == [one.sha256]
    assert store.is_whole(one)


_PUT = """
import sys
from pathlib import Path
from pipeline.artifact import Artifact
from pipeline.store import Store
store, path, size, sha = sys.argv[1:]
Store(Path(store)).put(Path(path), Artifact(size=int(size), sha256=sha))
"""


def test_a_killed_put_leaves_no_half(store: Store, tmp_path: Path) -> None:
    """Only a draft, which no reader ever sees, and a later put ignores."""
    path = tmp_path / "model.pt"
    with path.open("wb") as file:
        file.truncate(400 << 20)
    one = Artifact(size=400 << 20, sha256=artifact.sha256_of(path))
    args = (str(store.folder), str(path), str(one.size), one.sha256)
    process = subprocess.Popen(
        [sys.executable, "-c", _PUT, *args], env={"PYTHONPATH": str(CHECKOUT)}
    )
    wait_until(lambda: any(e.is_draft for e in store.entries()), "a draft")

    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    assert not store.has(one)
    assert [entry.is_draft for entry in store.entries()] == [True]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """The put fails, and the disk is as free as before."""
    data = os.urandom(4 << 20)
    (tmp_path / "model.pt").write_bytes(data)
    with small_disk(tmp_path / "small", size_mb=32) as home:
        store = Store(home / "store")
        small = put(store, tmp_path / "small", b"small")
        fill(home, leaving=1 << 20)

        with pytest.raises(OSError, match="No space left"):
            store.put(tmp_path / "model.pt", listed(data))

        assert names(store) == [small.sha256]


def test_clearing_leaves_what_is_used_since(store: Store, tmp_path: Path) -> None:
    """A run that took or put a file after we looked needs it."""
    one = put(store, tmp_path)
    (entry,) = store.entries()

    assert not store.remove(entry, unused_since=entry.used_at - 1)
    assert store.has(one)
    assert store.remove(entry, unused_since=entry.used_at + 1)
    assert not store.has(one)
    assert not store.remove(entry, unused_since=entry.used_at + 1)


def test_taking_counts_as_using(store: Store, tmp_path: Path) -> None:
    """So that who clears the store sees it."""
    one = put(store, tmp_path)
    os.utime(store.folder / one.sha256, (1, 1))

    store.take(one, tmp_path / "taken")

    assert (store.folder / one.sha256).stat().st_mtime > 1


def test_the_cost_is_what_is_not_there(store: Store, tmp_path: Path) -> None:
    """Each content once; nothing where copies share their blocks."""
    here, new = put(store, tmp_path), listed(b"new")
    (tmp_path / "clone").unlink(missing_ok=True)
    shares = files.clone(store.folder / here.sha256, tmp_path / "clone")

    assert store.costs([here, new, new]) == (0 if shares else 3)
    assert store.costs([here]) == 0


def test_copying_hashes_what_it_copied(tmp_path: Path) -> None:
    """And nothing is written over."""
    (tmp_path / "a").write_bytes(b"x" * (3 << 20))

    assert artifact.copied(tmp_path / "a", tmp_path / "b") == listed(b"x" * (3 << 20))
    with pytest.raises(FileExistsError):
        artifact.copied(tmp_path / "a", tmp_path / "b")


def test_hashing_tells_how_far_it_is(tmp_path: Path) -> None:
    """In blocks that add up to the file."""
    (tmp_path / "a").write_bytes(b"x" * ((1 << 21) + 5))
    told: list[int] = []

    artifact.sha256_of(tmp_path / "a", told.append)

    assert sum(told) == (1 << 21) + 5
    assert len(told) == 3


def test_a_folder_in_place_of_a_file_is_replaced_by_a_put(
    store: Store, tmp_path: Path
) -> None:
    """It is nobody's, and must not cost the stage that made the file."""
    one = listed(b"weights")
    (store.folder / one.sha256 / "deep").mkdir(parents=True)

    put(store, tmp_path)

    assert store.is_whole(one)
