"""The laptop's copy is a prefix of the truth, wherever the stream is cut."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pipeline import events
from pipeline.errors import HostError, TransportError
from pipeline.eventlines import read_events
from pipeline.events import Event
from pipeline.follow import Follower
from pipeline.frames import Frame, FrameReader, encode_frame
from pipeline.layout import ResultPaths, RunPaths
from pipeline.progress import fold
from pipeline.sketch import render
from remote.watching.mirror import Mirror
from tests.fakes import FakeClock
from tests.strategies import EVENTS, told

LOGS = st.sampled_from(["train/stage.log", "plot/stage.log"])
NAMES = LOGS | st.just("events.jsonl")
OLD = b'{"v":1,"at":"x","kind":"run_resumed"}\n'


class Wire(RuleBasedStateMachine):
    """A box that writes, a line that breaks, a laptop that crashes: in any order."""

    def __init__(self) -> None:
        """Begin with a box that has nothing."""
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.run = RunPaths(self.root / "box", PurePosixPath())
        self.run.results.mkdir(parents=True)
        self.here = ResultPaths(self.root / "laptop")
        self.here.root.mkdir()
        self.connect()

    def teardown(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.root)

    @rule()
    def connect(self) -> None:
        """Begin a laptop anew, from its folder alone; what was on the line is lost."""
        self.mirror = Mirror(self.here, is_own=True)
        self.reconnect()

    @rule()
    def reconnect(self) -> None:
        """Break the line and open another."""
        self.line, self.reader = b"", FrameReader()
        self.box = Follower(self.run, self.mirror.have(), FakeClock())

    @rule(name=LOGS, data=st.binary(min_size=1, max_size=30))
    def print_on_box(self, name: str, data: bytes) -> None:
        """A stage prints."""
        self._append(name, data)

    @rule(event=EVENTS, torn=st.booleans())
    def tell_on_box(self, event: object, *, torn: bool) -> None:
        """A runner tells; it may be killed in the middle."""
        line = told([event])  # type: ignore[list-item]  # drawn from EVENTS
        self._append("events.jsonl", line[: len(line) // 2] if torn else line)

    def _append(self, name: str, data: bytes) -> None:
        path = self.run.results / name
        path.parent.mkdir(exist_ok=True)
        with path.open("ab") as file:
            file.write(data)

    @rule()
    def look(self) -> None:
        """The box sends what is new."""
        self.line += b"".join(map(encode_frame, self.box.look()))

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def arrive(self, data: st.DataObject) -> None:
        """Some bytes of it come through."""
        count = data.draw(st.integers(1, len(self.line)))
        for frame in self.reader.feed(self.line[:count]):
            self.mirror.apply(frame)
        self.line = self.line[count:]

    @precondition(lambda self: (self.run.results / "train/stage.log").exists())
    @rule(lost=st.integers(1, 40), more=st.binary(max_size=40))
    def lose_power(self, lost: int, more: bytes) -> None:
        """The box forgets the end of a file, and writes another."""
        path = self.run.results / "train/stage.log"
        path.write_bytes(path.read_bytes()[:-lost] + more)
        self.reconnect()
        self.look()
        for frame in self.reader.feed(self.line):
            self.mirror.apply(frame)
        self.line = b""

    @invariant()
    def is_a_prefix_of_the_truth(self) -> None:
        """Never torn, never ahead, to the byte."""
        for name in ("events.jsonl", "train/stage.log", "plot/stage.log"):
            here, there = self.here.root / name, self.run.results / name
            if here.exists():
                assert there.read_bytes().startswith(here.read_bytes())

    @invariant()
    def shows_what_its_folder_tells(self) -> None:
        """What views are drawn from is remembered nowhere else."""
        if self.here.events.exists():
            state = fold(read_events(self.here.events.read_bytes()))
            assert repr(self.mirror.state) == repr(state)

    @rule()
    def catch_up(self) -> None:
        """When all has arrived, nothing is missing."""
        self.look()
        for frame in self.reader.feed(self.line):
            self.mirror.apply(frame)
        self.line = b""

        for path in self.run.results.rglob("*.*"):
            here = self.here.root / path.relative_to(self.run.results)
            # Of an empty file there is nothing to send.
            found = here.read_bytes() if here.exists() else b""
            assert found == path.read_bytes()


TestWire = Wire.TestCase
TestWire.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture
def here(tmp_path: Path) -> ResultPaths:
    """An empty mirror's folder."""
    (tmp_path / "mirror").mkdir()
    return ResultPaths(tmp_path / "mirror")


def grow(path: str, body: bytes, *, at: int = 0, fresh: bool = False) -> Frame:
    """Make a frame of a growing file."""
    return Frame(kind="grow", path=path, at=at, body=body, fresh=fresh)


@pytest.mark.parametrize(
    "name",
    [
        *("../x", "/etc/passwd", "..", "", ".", "x", "a/../../stage.log"),
        *(
            "../stage.log",
            "/stage.log",
            "a/b/stage.log",
            "./stage.log",
            "a\0/stage.log",
        ),
        *("a/stage.log/", "a/metrics.json", "PROGRESS.txt", "events.jsonl/x"),
        *(".git/stage.log", "a/stage.log\n", "a\n/stage.log", "~/stage.log"),
    ],
)
def test_a_name_that_is_none_of_a_runs_is_refused(
    tmp_path: Path, here: ResultPaths, name: str
) -> None:
    """Names come from a box, and a box may lie; nothing is written."""
    with pytest.raises(HostError, match="none of a run's"):
        Mirror(here, is_own=True).apply(grow(name, b"x"))

    assert [path.name for path in tmp_path.rglob("*")] == ["mirror"]


@pytest.mark.parametrize("at", [0, 2, 4, -1])
def test_a_piece_that_does_not_go_on_is_refused(here: ResultPaths, at: int) -> None:
    """A hole, or a piece twice: connecting again sets it right."""
    mirror = Mirror(here, is_own=True)
    mirror.apply(grow("a/stage.log", b"one"))

    with pytest.raises(TransportError, match="is not where the stream goes on"):
        mirror.apply(grow("a/stage.log", b"two", at=at))

    assert here.log("a").read_bytes() == b"one"


def test_a_name_that_is_no_text_is_drawn(here: ResultPaths) -> None:
    """A picture may be of anything, and is UTF-8 all the same."""
    odd = events.RunStarted(run="r", name="l\udce9", host="h", snapshot="9f", stages=())

    Mirror(here, is_own=True).apply(grow("events.jsonl", told([Event("x", odd)])))

    assert here.progress.read_text().startswith("l\N{REPLACEMENT CHARACTER}  run r")


def test_growing_files_keep_their_place(here: ResultPaths) -> None:
    """Appended in place, so that `tail -f` goes on reading."""
    mirror = Mirror(here, is_own=True)
    mirror.apply(grow("a/stage.log", b"one\n"))
    with here.log("a").open("rb") as reader:
        first = reader.read()

        mirror.apply(grow("a/stage.log", b"two\n", at=4))

        assert first + reader.read() == b"one\ntwo\n"


def test_a_file_begun_anew_is_replaced_whole(here: ResultPaths) -> None:
    """And the story that was folded of it is forgotten."""
    mirror = Mirror(here, is_own=True)
    mirror.apply(grow("events.jsonl", OLD * 3))
    resumed = mirror.state.resumed

    mirror.apply(grow("events.jsonl", OLD, fresh=True))

    assert here.events.read_bytes() == OLD
    assert (resumed, mirror.state.resumed) == (3, 1)
    assert here.progress.read_text() == render(mirror.state)


def test_a_folder_of_the_runs_own_is_only_read(here: ResultPaths) -> None:
    """A run on this machine is mirrored by a link: the same frames write nothing."""
    here.events.write_bytes(OLD)
    mirror = Mirror(here, is_own=False)

    mirror.apply(grow("events.jsonl", OLD, at=len(OLD)))
    mirror.apply(Frame(kind="beat", body=b"beat: 7\n"))

    assert mirror.state.resumed == 2
    assert mirror.heartbeat == "beat: 7\n"
    assert [path.name for path in here.root.iterdir()] == ["events.jsonl"]
    assert here.events.read_bytes() == OLD
