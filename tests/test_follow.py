"""The one stream home: what a box says of a run's folder, and when."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from pipeline import events, files
from pipeline.clock import SystemClock
from pipeline.events import Event
from pipeline.follow import (
    CRC_BYTES,
    Follower,
    crc_of_end,
    follow,
    growing_files,
)
from pipeline.frames import Frame, FrameReader
from pipeline.layout import ResultPaths, RunPaths
from pipeline.offers import published, stamp_of
from pipeline.wire import Have
from tests.fakes import FakeClock
from tests.strategies import told

ENDED = told([Event(at="x", what=events.RunEnded(exit_code=0, reason="done"))])
BEGAN = told([Event(at="x", what=events.RunResumed())])


@pytest.fixture
def run(tmp_path: Path) -> RunPaths:
    """A run's folder with some files of every kind."""
    run = RunPaths(tmp_path / "run", PurePosixPath("."))
    (run.results / "train").mkdir(parents=True)
    ResultPaths(run.results).events.write_bytes(BEGAN)
    (run.results / "train/stage.log").write_bytes(b"one\n")
    (run.results / "train/metrics.json").write_bytes(b"{}")
    (run.results / "HEARTBEAT.txt").write_bytes(b"beat: 1\n")
    return run


def follower(run: RunPaths, **have: Have) -> Follower:
    """Follow for a laptop that has nothing, or some bytes of the log."""
    known = {"train/stage.log": have["log"]} if have else {}
    return Follower(run, known, FakeClock())


def kinds(frames: list[Frame]) -> list[str]:
    """Give the kinds of frames."""
    return [frame.kind for frame in frames]


def test_the_first_look_says_all_there_is(run: RunPaths) -> None:
    """The story comes first, and whether a runner lives behind all it wrote."""
    found = list(follower(run).look())

    assert kinds(found) == ["grow", "grow", "beat", "stamp", "runner"]
    assert [(f.path, f.at, f.body) for f in found[:2]] == [
        ("events.jsonl", 0, BEGAN),
        ("train/stage.log", 0, b"one\n"),
    ]


def test_a_look_at_what_did_not_change_says_nothing(run: RunPaths) -> None:
    """However often."""
    box = follower(run)
    list(box.look())

    assert [frame for _ in range(3) for frame in box.look()] == []


def test_what_grew_is_sent_from_where_it_grew(run: RunPaths) -> None:
    """Bytes as they are, be a line whole or not; a new stage's log too."""
    box = follower(run)
    list(box.look())
    with (run.results / "train/stage.log").open("ab") as log:
        log.write(b"tw")
    (run.results / "plot").mkdir()
    (run.results / "plot/stage.log").write_bytes(b"\xff")

    found = list(box.look())

    assert [(f.path, f.at, f.body) for f in found if f.kind == "grow"] == [
        ("train/stage.log", 4, b"tw"),
        ("plot/stage.log", 0, b"\xff"),
    ]


ANEW: dict[str, tuple[bytes, bytes, list[tuple[int, bool, bytes]]]] = {
    "the same": (b"one\n", b"one\n", []),
    "a prefix": (b"on", b"one\n", [(2, False, b"e\n")]),
    "nothing": (b"", b"one\n", [(0, False, b"one\n")]),
    "more than the box has": (b"one\ntwo\n", b"one\n", [(0, True, b"one\n")]),
    "as much, and other": (b"two\n", b"one\n", [(0, True, b"one\n")]),
    "less, and other": (b"t", b"one\n", [(0, True, b"one\n")]),
    "what the box lost whole": (b"one\n", b"", [(0, True, b"")]),
}


@pytest.mark.parametrize(("here", "there", "sent"), ANEW.values(), ids=ANEW)
def test_a_stream_goes_on_at_the_byte_or_begins_anew(
    tmp_path: Path,
    run: RunPaths,
    here: bytes,
    there: bytes,
    sent: list[tuple[int, bool, bytes]],
) -> None:
    """Each row: what the laptop has of a file, what the box has, what is sent."""
    (tmp_path / "copy").write_bytes(here)
    (run.results / "train/stage.log").write_bytes(there)
    have = Have(size=len(here), crc=crc_of_end(tmp_path / "copy", len(here)))

    found = list(follower(run, log=have).look())

    logs = [f for f in found if f.path == "train/stage.log"]
    assert [(f.at, f.fresh, f.body) for f in logs] == sent


def test_a_large_file_comes_in_pieces_that_fit_together(run: RunPaths) -> None:
    """No frame is larger than a laptop would take."""
    data = os.urandom(3 * CRC_BYTES + 7) * 4
    (run.results / "train/stage.log").write_bytes(data)
    have = Have(size=len(data) + 1, crc=0)

    found = [f for f in follower(run, log=have).look() if f.path == "train/stage.log"]

    assert len(found) > 1
    assert [frame.fresh for frame in found] == [True] + [False] * (len(found) - 1)
    assert b"".join(frame.body for frame in found) == data
    for before, frame in itertools.pairwise(found):
        assert frame.at == before.at + len(before.body)


@pytest.mark.parametrize("lives", [True, False])
def test_the_end_is_told_behind_all_else(run: RunPaths, *, lives: bool) -> None:
    """A runner tells the end last of all, and may hold its lock a moment longer."""
    lock = files.open_lock(run.runner_lock) if lives else None
    box = follower(run)
    before = list(box.look())
    with ResultPaths(run.results).events.open("ab") as story:
        story.write(ENDED)

    found = list(box.look())

    assert [f.lives for f in before if f.kind == "runner"] == [lives]
    assert kinds(found) == ["grow", "end"]
    if lock is not None:
        os.close(lock)


def test_a_dead_runner_has_no_end(run: RunPaths) -> None:
    """The lock is free and the story stops in the middle."""
    with ResultPaths(run.results).events.open("ab") as story:
        story.write(ENDED + BEGAN + ENDED[:20])

    assert kinds(list(follower(run).look()))[-1] == "runner"


def touch_metrics(run: RunPaths) -> None:
    """Give a file other bytes."""
    (run.results / "train/metrics.json").write_bytes(b'{"x":1}')


def add_a_figure(run: RunPaths) -> None:
    """Make a file that was not there."""
    (run.results / "train/loss.png").write_bytes(b"png")


def print_more(run: RunPaths) -> None:
    """Let a log grow, which the stream itself carries."""
    (run.results / "train/stage.log").write_bytes(b"one\ntwo\n")


def draft(run: RunPaths) -> None:
    """Begin a file that is not published yet."""
    (run.results / "train/.loss.png.7.draft").write_bytes(b"p")


@pytest.mark.parametrize(
    ("change", "moves"),
    [(touch_metrics, True), (add_a_figure, True), (print_more, False), (draft, False)],
)
def test_the_stamp_moves_when_there_is_something_to_bring(
    run: RunPaths, change: Callable[[RunPaths], None], *, moves: bool
) -> None:
    """Each row: what changed, and whether rsync should run."""
    before = stamp_of(published(run.results))

    change(run)

    assert (stamp_of(published(run.results)) != before) is moves


def test_growing_files_are_those_of_the_contract(run: RunPaths) -> None:
    """A log deeper down, or behind a link, is an ordinary file or none."""
    (run.results / "train/deep").mkdir()
    (run.results / "train/deep/stage.log").touch()
    (run.results / "other").symlink_to("train")
    (run.results / "stage.log").touch()

    assert growing_files(run.results) == ["events.jsonl", "train/stage.log"]
    assert growing_files(run.results / "nowhere") == []


def test_the_stream_ends_with_the_run(run: RunPaths) -> None:
    """The laptop needs no other sign."""
    ResultPaths(run.results).events.write_bytes(ENDED)
    sent: list[bytes] = []
    here, far = os.pipe()

    follow(follower(run), SystemClock(), hangup=here, write=sent.append)

    os.close(here)
    os.close(far)
    assert kinds(list(FrameReader().feed(b"".join(sent))))[-1] == "end"


def test_the_stream_ends_when_the_laptop_hangs_up(run: RunPaths) -> None:
    """A box keeps no process for a laptop that is gone."""
    here, far = os.pipe()
    os.close(far)

    follow(follower(run), SystemClock(), hangup=here, write=lambda _: None)

    os.close(here)


class PassingClock(FakeClock):
    """A clock on which a second passes whenever it is looked at."""

    def monotonic(self) -> float:
        """Give the seconds passed so far, and let one pass."""
        self.sleep(1.0)
        return self.passed_s


def test_a_line_with_nothing_to_say_says_that(run: RunPaths) -> None:
    """Or it would count as lost."""
    here, far = os.pipe()
    said: list[str] = []

    def write(data: bytes) -> None:
        said.extend(kinds(list(FrameReader().feed(data))))
        if said.count("still") == 2:
            os.close(far)

    follow(follower(run), PassingClock(), hangup=here, write=write)

    os.close(here)
    assert said[-2:] == ["still", "still"]
