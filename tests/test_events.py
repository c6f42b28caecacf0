"""The story: whole lines, read by anyone at any instant."""

from __future__ import annotations

import math
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import eventlines, events
from pipeline.clock import SystemClock
from pipeline.errors import IntegrityError
from pipeline.eventlines import read_events
from pipeline.eventlog import EventLog
from pipeline.events import Event
from tests.fakes import FakeClock
from tests.strategies import EVENTS, STORIES, happenings, told

AT = "2026-11-20T17:10:03.000000Z"
ONE = Event(at=AT, what=events.StageStarted(stage="one", attempt=1))
TWO = Event(at=AT, what=events.StageFailed(stage="two", reason="no\nmemory"))
TORN = b'{"v":1,"at":"2026-11-20T17:10'


@given(EVENTS)
def test_an_event_survives_its_line(event: Event) -> None:
    """Any text may be told: newlines, quotes, bytes that were none."""
    assert eventlines.decode(eventlines.encode(event)) == event


def test_what_json_has_no_word_for_is_left_out() -> None:
    """A line is JSON to any reader; a loss that is NaN is in the log and the gate."""
    odd = {"loss": math.nan, "best": -math.inf, "lr": 0.1}
    tick = events.StageTicked(stage="one", done=math.inf, total=9, numbers=odd)

    told = eventlines.decode(eventlines.encode(Event(at=AT, what=tick)))

    kept = events.StageTicked(stage="one", done=0, total=9, numbers={"lr": 0.1})
    assert told == Event(at=AT, what=kept)


@given(EVENTS)
def test_an_event_is_one_line_of_utf8(event: Event) -> None:
    """So that `tail -f`, `grep` and `jq` need nothing of ours."""
    line = eventlines.encode(event).encode()

    assert line.splitlines() == [line]


@given(STORIES, st.data())
def test_a_cut_log_tells_the_beginning(story: list[Event], data: st.DataObject) -> None:
    """Wherever a read ends, what it gives is a prefix; a torn line is left."""
    log = told(story)
    cut = data.draw(st.integers(0, len(log)))

    found = list(read_events(log[:cut]))

    assert found == story[: len(found)]
    assert len(found) == log[:cut].count(b"\n")


@given(STORIES, STORIES, st.data())
def test_a_line_torn_in_the_middle_is_nobodys_event(
    before: list[Event], after: list[Event], data: st.DataObject
) -> None:
    """A power cut tears one line, and costs that line alone."""
    line = told([data.draw(EVENTS)])[:-1]
    torn = line[: data.draw(st.integers(0, len(line) - 1))]

    log = told(before) + torn + b"\n" + told(after)

    assert list(read_events(log)) == before + after


@given(st.lists(st.binary(max_size=30)))
def test_any_bytes_are_read(lines: list[bytes]) -> None:
    """What is no event is passed over, whatever it is."""
    log = b"\n".join([*lines, told([ONE])])

    assert list(read_events(log))[-1] == ONE


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"null", b"7", b"[]", b"{}", b"\0" * 40, b"\xff\xfe", b"[" * 100_000),
        b'{"at":"x","kind":"stage_started","stage":"a"}',
        b'{"at":"x","kind":"stage_started","stage":"a","attempt":"1"}',
        b'{"at":7,"kind":"run_resumed"}',
    ],
)
def test_a_line_that_tells_nothing_is_refused(line: bytes) -> None:
    """Alone it is an error; in a log it is passed over."""
    with pytest.raises(IntegrityError):
        eventlines.decode(line)

    assert list(read_events(line + b"\n" + told([ONE]))) == [ONE]


def test_a_kind_of_a_newer_version_passes() -> None:
    """A newer box tells what this version does not know, and the rest is read."""
    line = b'{"v":1,"at":"x","kind":"stage_dreamed","stage":"one"}'

    assert eventlines.decode(line) is None
    assert list(read_events(told([ONE]) + line + b"\n" + told([TWO]))) == [ONE, TWO]


@given(st.lists(happenings(), max_size=6))
def test_what_was_appended_is_read(whats: list[events.Happening]) -> None:
    """A file in between changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events.jsonl")
        log = EventLog(path, FakeClock())
        said = [log.append(what, durable=not at) for at, what in enumerate(whats)]
        log.close()

        assert list(read_events(path.read_bytes())) == said
        assert [event.what for event in said] == whats


@pytest.mark.parametrize("tail", [b"", TORN, TORN[:1]])
def test_a_writer_goes_on_behind_a_torn_line(tmp_path: Path, tail: bytes) -> None:
    """It never cuts: a reader that holds the torn bytes still holds a prefix."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(told([ONE]) + tail)

    log = EventLog(path, FakeClock())
    said = log.append(TWO.what)
    log.close()

    assert path.read_bytes().startswith(told([ONE]) + tail)
    assert list(read_events(path.read_bytes())) == [ONE, said]


def test_lines_of_many_threads_are_whole(tmp_path: Path) -> None:
    """The runner has a thread per stage, and one story."""
    log = EventLog(tmp_path / "events.jsonl", SystemClock())
    names = [f"{'x' * 2000}{number}" for number in range(8)]

    def tell(name: str) -> None:
        for attempt in range(50):
            log.append(events.StageStarted(stage=name, attempt=attempt))

    threads = [threading.Thread(target=tell, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()

    story = list(read_events((tmp_path / "events.jsonl").read_bytes()))
    assert len(story) == 8 * 50
    assert [event.at for event in story] == sorted(event.at for event in story)
