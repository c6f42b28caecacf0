"""Several may watch one run from one folder, and any of them may go at any instant."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import events
from pipeline.errors import HostError
from pipeline.memory import RunRecord
from remote.watching.session import Session
from tests.byhand import ByHand
from tests.laptop import wait_until

BEGUN = events.RunStarted(
    run="r", name="x", host="box", snapshot="9f", stages=(events.StageShape(name="a"),)
)
ENDED = events.RunEnded(exit_code=0, reason="done")
TICK = events.StageTicked(stage="a", done=1, total=3)


@pytest.fixture
def box(tmp_path: Path) -> ByHand:
    """A run that has begun and printed a line."""
    box = ByHand(tmp_path)
    box.tell(BEGUN)
    box.print("one\n")
    return box


def news_of(session: Session, news: list[str]) -> int:
    """Gather what a session tells; give how much that is by now."""
    session.wake()
    news += [event.what.kind for event in session.news()]
    return len(news)


def test_a_reader_takes_the_copy_over(box: ByHand) -> None:
    """It goes on where the folder stands, and tells nothing twice."""
    told: list[str] = []
    with box.watch() as writer:
        wait_until(lambda: writer.is_caught_up and box.same(), "all is here")
        with box.watch() as reader:
            wait_until(lambda: reader.is_caught_up, "the other sees it too")
            writer.__exit__()
            box.tell(TICK)
            box.print("two\n")

            wait_until(box.same, "the other writes")
            wait_until(lambda: news_of(reader, told) == 2, "both events were told")
            box.tell(ENDED)
            wait_until(lambda: news_of(reader, told) == 3, "the end")

    assert told == ["run_started", "stage_ticked", "run_ended"]
    assert box.same()


def test_a_reader_writes_nothing(box: ByHand) -> None:
    """As long as another lives who does."""
    with box.watch() as writer, box.watch() as reader:
        wait_until(lambda: writer.is_caught_up and reader.is_caught_up, "both are here")
        for number in range(20):
            box.print(f"{number}\n")
        wait_until(lambda: reader.tail("train")[-1:] == ["19"], "the reader sees it")
        wait_until(box.same, "the writer wrote it")

        assert reader.tail("train") == writer.tail("train")


def test_a_copy_somebody_was_at_is_set_right(box: ByHand) -> None:
    """Emptied, cut or grown meanwhile: what is there is asked for anew, never torn."""
    with box.watch() as writer:
        wait_until(lambda: writer.is_caught_up and box.same(), "all is here")
        box.here.events.unlink()
        with box.here.log("train").open("a") as log:
            log.write("not of the run\n")
        box.tell(TICK)
        box.print("two\n")

        wait_until(box.same, "both are as they should be")


def test_what_does_not_come_home_is_told(box: ByHand) -> None:
    """There is no repository on that box: the branch cannot come."""
    sealed = events.StageSealed(
        stage="a", attempt=1, commit="c0", verdict="pass", subject="", duration_s=1.0
    )
    box.tell(sealed, ENDED)

    with box.watch() as session:
        wait_until(lambda: session.is_over, "the end", 30)

    assert list(session.missing()) == [f"branch {box.record.branch}"]
    assert any("git could not" in note for note in session.notes())


def test_a_refused_stream_says_why(box: ByHand) -> None:
    """It is the box's own word, and no torn stream."""
    (box.run / "plan.json").unlink()

    with box.watch() as session:
        wait_until(lambda: refusal_of(session) is not None, "the refusal")

    refusal = refusal_of(session)
    assert isinstance(refusal, HostError)
    assert refusal.message.startswith("host 'box': run '2026")
    assert refusal.hint == "see which runs are known: pipeline runs"


def refusal_of(session: Session) -> HostError | None:
    """Give what a session ended with."""
    try:
        session.wake()
    except HostError as error:
        return error
    return None


def test_a_disk_that_refuses_is_no_bug(box: ByHand) -> None:
    """The message names this machine and the path."""
    with box.watch() as session:
        wait_until(lambda: session.is_caught_up and box.same(), "all is here")
        box.here.heartbeat.mkdir()
        (box.here.heartbeat / "in the way").touch()
        box.there.heartbeat.write_text("beat: 7\n")

        wait_until(lambda: refusal_of(session) is not None, "the refusal")
        refusal = refusal_of(session)

    assert isinstance(refusal, HostError)
    assert refusal.message.startswith("this machine: Is a directory: ")
    assert refusal.exit_code == 6


def test_latest_is_the_newest_run(box: ByHand) -> None:
    """To watch an older one does not move it."""
    from dataclasses import replace

    from pipeline import memory

    newer: RunRecord = replace(box.record, run="20261121-0000-0000", started_at="Z")
    memory.remember_run(box.paths, newer)

    box.watch()
    latest = box.paths.results / "latest"
    before = latest.is_symlink()
    Session(box.far, newer, box.paths, box.watch()._clock)

    assert (before, latest.readlink().name) == (False, newer.run)
    assert (box.paths.results / ".gitignore").read_text() == "*\n"
