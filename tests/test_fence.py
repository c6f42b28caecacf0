"""Whatever still belongs to an attempt is ended, and nobody else."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import files
from pipeline.attempt import AttemptPaths
from pipeline.clock import SystemClock
from pipeline.fence import MARK, fence, fence_all, members
from pipeline.keeper import still_open
from tests.laptop import wait_until

Spawn = Callable[..., "subprocess.Popen[bytes]"]
KILLED = -9


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start processes that are gone when the test is."""
    with contextlib.ExitStack() as started:

        def spawn(
            *argv: str, mark: Path | None = None, fds: tuple[int, ...] = ()
        ) -> subprocess.Popen[bytes]:
            marked: Mapping[str, str] = {MARK: str(mark)} if mark else {}
            process = subprocess.Popen(
                argv or ("sleep", "307"),
                env={"PATH": os.environ["PATH"], **marked},
                pass_fds=fds,
                start_new_session=True,
            )
            started.callback(process.wait)
            started.callback(process.kill)
            wait_until(lambda: has_begun(process.pid), "it has begun")
            return process

        yield spawn


def has_begun(pid: int) -> bool:
    """Tell whether a process has its environment, or has ended already."""
    try:
        return bool(Path(f"/proc/{pid}/environ").read_bytes())
    except OSError:
        return True


def attempt_in(folder: Path, name: str = "train.1") -> AttemptPaths:
    """Make an attempt's folder."""
    attempt = AttemptPaths(folder / "attempts" / name)
    attempt.root.mkdir(parents=True)
    return attempt


@pytest.fixture
def attempt(tmp_path: Path) -> AttemptPaths:
    """An attempt."""
    return attempt_in(tmp_path)


def is_held(attempt: AttemptPaths) -> bool:
    """Tell whether somebody holds the attempt's lock."""
    return files.is_locked(attempt.lock)


def test_a_process_in_a_session_of_its_own_is_ended(
    attempt: AttemptPaths, spawn: Spawn
) -> None:
    """A process group alone would miss it; it carries the mark."""
    process = spawn(mark=attempt.root)

    fence(attempt, SystemClock())

    assert process.wait(5) == KILLED


def test_a_process_that_closed_every_door_is_ended(
    attempt: AttemptPaths, spawn: Spawn
) -> None:
    """It let go of the lock, and keeps its environment."""
    lock = files.open_lock(attempt.lock)
    assert lock is not None
    script = "import os, time; os.closerange(0, 256); time.sleep(307)"
    process = spawn(sys.executable, "-c", script, mark=attempt.root, fds=(lock,))
    os.close(lock)
    wait_until(lambda: not is_held(attempt), "the lock is free")

    fence(attempt, SystemClock())

    assert process.wait(5) == KILLED


def test_a_process_that_only_holds_the_lock_is_ended(
    attempt: AttemptPaths, spawn: Spawn
) -> None:
    """It emptied its environment, and the lock still says whose it is."""
    lock = files.open_lock(attempt.lock)
    assert lock is not None
    process = spawn(fds=(lock,))
    os.close(lock)

    fence(attempt, SystemClock())

    assert process.wait(5) == KILLED
    assert not is_held(attempt)


def test_a_holder_is_found_behind_a_link(tmp_path: Path, spawn: Spawn) -> None:
    """A home is often a link; the kernel names the file behind it."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").symlink_to("disk")
    attempt = attempt_in(tmp_path / "home")
    lock = files.open_lock(attempt.lock)
    assert lock is not None
    process = spawn(fds=(lock,))
    os.close(lock)

    fence(attempt, SystemClock())

    assert process.wait(5) == KILLED


def test_what_a_process_left_behind_is_ended(
    attempt: AttemptPaths, spawn: Spawn
) -> None:
    """Its parent is gone, and it is nobody's child any more."""
    script = "setsid sleep 308 & setsid setsid sleep 308 &"
    spawn("sh", "-c", script, mark=attempt.root).wait(5)
    wait_until(lambda: len(members(attempt)) == 2, "both have begun")

    fence(attempt, SystemClock())

    assert members(attempt) == set()


def test_what_is_started_meanwhile_is_ended_too(
    attempt: AttemptPaths, spawn: Spawn
) -> None:
    """A process that starts others faster than one look is fenced by the next."""
    script = "while :; do sleep 309 & sleep 0.001; done"
    process = spawn("sh", "-c", script, mark=attempt.root)
    wait_until(lambda: len(members(attempt)) > 5, "some are started")

    fence(attempt, SystemClock())

    assert process.wait(5) == KILLED
    assert members(attempt) == set()


def test_nobody_else_is_ended(
    tmp_path: Path, attempt: AttemptPaths, spawn: Spawn
) -> None:
    """Not the next attempt, not one whose name begins the same, not a stranger."""
    other = attempt_in(tmp_path, "train.11")
    lock = files.open_lock(other.lock)
    assert lock is not None
    strangers = [
        spawn(mark=other.root, fds=(lock,)),
        spawn(mark=attempt.root / "below"),
        spawn(mark=attempt.root.parent),
        spawn("sh", "-c", "sleep 310; :", str(attempt.root)),
        spawn(fds=(lock,)),
    ]
    ours = spawn(mark=attempt.root)

    fence(attempt, SystemClock())

    assert ours.wait(5) == KILLED
    assert [process.poll() for process in strangers] == [None] * 5
    os.close(lock)


def test_who_fences_is_not_fenced(attempt: AttemptPaths) -> None:
    """A runner holds the lock itself until its stage has it."""
    lock = files.open_lock(attempt.lock)
    assert lock is not None

    fence(attempt, SystemClock())

    assert members(attempt) == set()
    os.close(lock)


@given(st.lists(st.tuples(st.sampled_from("+-"), st.integers(0, 5)), max_size=20))
def test_a_keeper_knows_what_was_not_swept(orders: list[tuple[str, int]]) -> None:
    """What was started last and not swept since, whatever came before."""
    text = "".join(f"{sign}/runs/r/attempts/s.{number}\n" for sign, number in orders)

    found, took_leave = still_open(io.BytesIO(text.encode()))

    assert not took_leave
    last = {number: sign for sign, number in orders}
    assert found == {
        f"/runs/r/attempts/s.{number}".encode()
        for number, sign in last.items()
        if sign == "+"
    }


def test_of_many_attempts_all_that_lives_is_ended(tmp_path: Path, spawn: Spawn) -> None:
    """By its mark, or by the lock it holds; and nothing of an attempt not named."""
    attempts = [attempt_in(tmp_path, f"train.{number}") for number in range(5)]
    marked, locked, spared, *_ = attempts
    by_mark, not_named = spawn(mark=marked.root), spawn(mark=spared.root)
    lock = files.open_lock(locked.lock)
    assert lock is not None
    by_lock = spawn(fds=(lock,))
    os.close(lock)

    fence_all([a for a in attempts if a is not spared], SystemClock())

    assert by_mark.wait(10) == by_lock.wait(10) == KILLED
    assert not is_held(locked)
    assert not_named.poll() is None
