"""What a watcher says: of the link, of beats, of what went wrong, and at its end."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from pipeline import codec
from pipeline.progress import RunState
from pipeline.schema import Host
from pipeline.views.sight import Sight
from pipeline.views.telling import Knowing
from remote.watching.attach import PlainLines
from tests.byhand import RECORD
from tests.laptop import Laptop

NOW = "2026-11-20T17:10:03.000000Z"
STORY = (
    '{"v":1,"at":"2026-11-20T17:10:03Z","kind":"run_ended","exit_code":3,'
    '"reason":"a gate"}\n'
)
SLOW = "name: slow\nstages:\n  a: {sh: sleep 30}\n"


def said(*sights: Sight, notes: tuple[str, ...] = ()) -> list[str]:
    """Give the lines that a pipe gets."""
    out = io.StringIO()
    lines = PlainLines(out)
    for sight in sights:
        lines.show(sight, [], notes)
    return [line.removeprefix("17:10:03Z ") for line in out.getvalue().splitlines()]


def seen(knowing: Knowing, *, breathes: bool = True) -> Sight:
    """Make a sight of a run."""
    return Sight(
        state=RunState(), knowing=knowing, now=NOW, age_s=125.0, breathes=breathes
    )


def test_a_run_without_beats_is_not_said_to_have_some() -> None:
    """Two ways to be stalled, each with its own words."""
    assert said(seen("stalled")) == ["beats arrive, but no progress"]
    assert said(seen("stalled", breathes=False)) == [
        "no beat for 2 min 05 s, though the link is up"
    ]


def test_a_note_is_told_once_while_the_link_holds() -> None:
    """And again when it was lost meanwhile."""
    note = ("rsync\x1b[2J ended in 11",)
    same = [seen("alive")] * 3

    assert said(*same, notes=note) == ["note: rsync ended in 11"]
    assert said(*same, seen("unknown"), seen("alive"), notes=note) == [
        "note: rsync ended in 11",
        "the link is lost; the run itself is not affected",
        "the link is back",
        "note: rsync ended in 11",
    ]


@pytest.fixture
def lost(laptop: Laptop) -> Laptop:
    """A laptop that knows a run on a box where nobody listens any more."""
    laptop.with_chain()
    record = replace(RECORD, host=Host(name="gone", ssh="127.0.0.1:1"))
    laptop.write(f".pipeline/runs/{RECORD.run}.json", codec.dumps(record))
    return laptop


def test_the_end_of_a_run_whose_box_is_gone_is_told(lost: Laptop) -> None:
    """As last seen, with its own code: nobody waits for a box that was given back."""
    lost.write(f"results/{RECORD.run}/events.jsonl", STORY)

    said = lost.pipeline("attach", code=3)

    assert "as last seen; host 'gone' does not answer\n" in said
    assert "gate failed" in said
    assert (lost.repo / "results" / ".gitignore").read_text() == "*\n"


def test_who_detaches_is_told_what_is_known(lost: Laptop) -> None:
    """Of a box that never answered, that it was not heard of."""
    watcher = lost.spawn("attach")
    assert watcher.stdout is not None
    assert "note: host 'gone': " in watcher.stdout.readline()
    os.kill(watcher.pid, signal.SIGINT)
    said, _ = watcher.communicate(timeout=20)

    assert watcher.returncode == 130
    assert "nothing was heard of the run yet, and it is not affected" in said


def test_a_wish_to_stop_that_was_not_heard(lost: Laptop) -> None:
    """The network; whether it was asked is not known."""
    said = lost.pipeline("stop", code=5)

    assert said.endswith(f"is not known; again: pipeline stop {RECORD.run}\n")


def test_a_run_on_a_box_is_listed_as_a_guess(lost: Laptop) -> None:
    """Nobody was asked."""
    begun = '"run_started","run":"r","name":"x","host":"h","snapshot":"9f","stages":[]'
    story = f'{{"v":1,"at":"2026-11-20T17:10:03Z","kind":{begun}}}\n'
    lost.write(f"results/{RECORD.run}/events.jsonl", story)

    assert "  running?  " in lost.pipeline("runs")


def test_a_watch_through_a_pipe_that_closed_is_no_end(laptop: Laptop) -> None:
    """`pipeline run | head -1`: the run is not done, whatever was seen of it."""
    laptop.write("pipeline.yaml", SLOW)
    laptop.commit()
    watcher = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run"],
        cwd=laptop.repo,
        env=laptop.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert watcher.stdout is not None
    assert watcher.stdout.readline()
    watcher.stdout.close()
    laptop.pipeline("stop")

    _, err = watcher.communicate(timeout=40)

    assert (watcher.returncode, err) == (130, b"")
