"""What is told to who does not watch: by the runner, its keeper, and a watcher here."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.layout import LaptopPaths
from pipeline.memory import RunRecord
from pipeline.progress import RunState
from pipeline.schema import HeartbeatRules, Host, NotifyRules
from pipeline.views.sight import Sight
from remote.watching.notices import Notices, desktop_argv
from tests.afar import Remote
from tests.fakes import FakeClock, put_program
from tests.laptop import Laptop, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from pipeline.views.telling import Knowing
    from tests.lab import Host as Box
    from tests.lab import Lab

TELL = 'echo "$PIPELINE_EVENT|$PIPELINE_STAGE|$PIPELINE_EXIT_CODE|$PIPELINE_REASON"'
NOTIFY = f"notify: {{command: '{TELL} >> $HOME/told'}}\n"


def with_stage(
    laptop: Laptop, sh: str, head: str = NOTIFY, *, stalled_after: str = "1h"
) -> Laptop:
    """Declare one stage, and a command that writes down what it is told."""
    text = f"name: x\nheartbeat: {{every: 1s, stalled_after: {stalled_after}}}\n{head}"
    stage = f"stages:\n  a:\n    sh: |\n      {sh}\n"
    laptop.write("pipeline.yaml", text + stage)
    laptop.commit()
    return laptop


def told(laptop: Laptop) -> list[str]:
    """What the command was told, a line for each time."""
    path = laptop.home / "told"
    return path.read_text().splitlines() if path.exists() else []


def wait_for(laptop: Laptop, *events: str) -> None:
    """Wait until exactly these were told, in this order."""

    def is_so() -> bool:
        return tuple(line.split("|")[0] for line in told(laptop)) == events

    wait_until(is_so, f"{events}", 20.0)


def test_an_end_is_told_with_its_code(laptop: Laptop) -> None:
    """Once, and nothing of it stays in the run's folder."""
    with_stage(laptop, "true").pipeline("run")

    wait_for(laptop, "end")

    assert told(laptop) == ["end||0|1 stage sealed"]
    notices = laptop.run_folder() / "notices"
    wait_until(lambda: not list(notices.iterdir()), "nothing left to tell")


def test_a_failure_is_told_with_its_reason(laptop: Laptop) -> None:
    """The first thing that went wrong."""
    with_stage(laptop, "exit 5").pipeline("run", code=4)

    wait_for(laptop, "failure")

    assert told(laptop)[0].startswith("failure||4|stage 'a' ended with exit code 5")


def test_a_stall_is_told_once_and_again_after_progress(laptop: Laptop) -> None:
    """However long it lasts; a line of its log is progress."""
    with_stage(laptop, "sleep 2.5; echo on; sleep 2.5", stalled_after="1s")
    laptop.pipeline("run")

    wait_for(laptop, "stall", "stall", "end")

    assert told(laptop)[0].startswith("stall|a||stage 'a' shows no progress for")


def test_a_stop_is_an_end(laptop: Laptop) -> None:
    """Who asked for it is not told of a failure."""
    with_stage(laptop, "sleep 60").pipeline("run", "--detach")
    laptop.wait_for_event("stage_started a")

    laptop.pipeline("stop")

    wait_for(laptop, "end")
    assert told(laptop)[0] == "end||130|stopped by pipeline stop"


@pytest.mark.parametrize("point", ["a:started", ":closed"])
def test_a_runner_that_was_killed_is_told_of(laptop: Laptop, point: str) -> None:
    """Its keeper says so, whatever the runner was about to say; and once."""
    with_stage(laptop, "sleep 0.2")
    laptop.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": point})

    wait_for(laptop, "dead")

    again = f"pipeline resume {laptop.run_id}"
    assert told(laptop) == [f"dead|||the runner died; go on with: {again}"]
    laptop.pipeline("resume")
    wait_for(laptop, "dead", "end")


def test_an_end_that_was_told_is_heard_of_though_the_runner_was_killed(
    laptop: Laptop,
) -> None:
    """Between its last event and its notice."""
    with_stage(laptop, "true")

    laptop.pipeline("run", env={"PIPELINE_DIE_AT": ":ended"})

    wait_for(laptop, "end")


def test_a_notice_is_not_told_twice_when_the_runner_is_killed_meanwhile(
    laptop: Laptop,
) -> None:
    """The command goes on, and its keeper waits for it and finds nothing left."""
    slow = f"notify: {{command: 'touch $HOME/begun; sleep 1; {TELL} >> $HOME/told'}}\n"
    with_stage(laptop, "true", head=slow).pipeline("run")
    wait_until((laptop.home / "begun").exists, "the command at work")

    kill_runner(laptop)

    wait_for(laptop, "end")
    notices = laptop.run_folder() / "notices"
    wait_until(lambda: not list(notices.iterdir()), "nothing left to tell")
    assert len(told(laptop)) == 1


def kill_runner(laptop: Laptop) -> None:
    """Kill the latest run's runner, which has told its end already."""
    folder = str(laptop.run_folder())
    for place in Path("/proc").glob("[0-9]*"):
        try:
            name, cwd = (place / "comm").read_text(), os.readlink(place / "cwd")
        except OSError:
            continue
        if name == "pipeline-run\n" and cwd == folder:
            os.kill(int(place.name), signal.SIGKILL)
            return
    message = f"no runner in {folder}"
    raise AssertionError(message)


def test_a_command_that_fails_is_tried_again(laptop: Laptop) -> None:
    """Right after a boot there may be no network yet."""
    once = "test -e $HOME/tried || {{ touch $HOME/tried; exit 1; }}; ".replace(
        "{{", "{"
    )
    head = f"notify: {{command: '{once.replace('}}', '}')}{TELL} >> $HOME/told'}}\n"
    with_stage(laptop, "true", head=head).pipeline("run")

    wait_for(laptop, "end")


def record(**rules: object) -> RunRecord:
    """A run on a box, as a laptop remembers it."""
    return RunRecord(
        run="20261120-1710-a3f9",
        name="x",
        project="x-1",
        branch="run/20261120-1710-a3f9",
        snapshot="0" * 40,
        prefix=".",
        started_at="",
        host=Host(name="gpu", ssh="gpu"),
        heartbeat=HeartbeatRules(stale_after_s=120.0),
        notify=NotifyRules(**rules),  # type: ignore[arg-type]
    )


class Watched:
    """A watcher whose time passes at once, and what it has told."""

    def __init__(
        self, folder: Path, out: TextIO | None = None, **rules: object
    ) -> None:
        self.clock = FakeClock()
        self.told = folder / "told"
        command = f"{TELL} >> {self.told}"
        rules = {"command": command, **rules}
        self.notices = Notices(record(**rules), LaptopPaths(folder), out, self.clock)

    def see(self, knowing: Knowing, seconds: float = 0.25, **more: bool) -> None:
        """Look at the same for so long, and wait until all is told."""
        sight = Sight(state=RunState(), knowing=knowing, now="")
        until = self.clock.passed_s + seconds
        while self.clock.passed_s < until:
            self.clock.sleep(0.25)
            self.notices.look(sight, **more)
        self.notices.__exit__()

    @property
    def events(self) -> list[str]:
        """The events that the command was told."""
        text = self.told.read_text() if self.told.exists() else ""
        return [line.split("|")[0] for line in text.splitlines()]


def test_a_lost_link_is_told_once_and_that_it_is_back(tmp_path: Path) -> None:
    """Not before it is lost for as long as a beat may be old; each loss anew."""
    watched = Watched(tmp_path)
    watched.see("alive")

    watched.see("unknown", 115.0)
    assert watched.events == []
    watched.see("unknown", 3600.0)
    assert watched.events == ["lost"]
    watched.see("alive")
    watched.see("unknown", 130.0)
    watched.see("ended")

    assert watched.events == ["lost", "back", "lost", "back"]


def test_a_laptop_that_slept_has_lost_nothing(tmp_path: Path) -> None:
    """A wake counts for no more than two."""
    watched = Watched(tmp_path)
    watched.see("alive")

    watched.clock.sleep(36_000.0)
    watched.see("unknown", 10.0)

    assert watched.events == []


def test_a_death_is_told_once_and_only_by_who_saw_it(tmp_path: Path) -> None:
    """Whoever attaches to a run that is dead already is told by the terminal."""
    late, witness = Watched(tmp_path / "late"), Watched(tmp_path)

    late.see("dead", 10.0)
    witness.see("alive")
    witness.see("dead", 10.0)

    assert late.events == []
    assert witness.events == ["dead"]


def test_of_all_who_watch_one_runs_the_command(tmp_path: Path) -> None:
    """The one that brings the run home."""
    watched = Watched(tmp_path)
    watched.see("alive", is_writer=False)

    watched.see("unknown", 200.0, is_writer=False)

    assert watched.events == []


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, int]]:
    """A terminal to write to, and what shows what was written."""
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as out:
        yield out, master
    os.close(master)


def rings(master: int) -> int:
    """How often the bell was rung."""
    os.set_blocking(master, False)
    try:
        return os.read(master, 4096).count(b"\a")
    except BlockingIOError:
        return 0


def test_the_bell_rings_when_somebody_may_look_away(
    tmp_path: Path,
    terminal: tuple[TextIO, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At the end, after some time; never in CI, nor where it is switched off."""
    monkeypatch.delenv("CI", raising=False)
    out, master = terminal
    watched = Watched(tmp_path, out, desktop=False)
    watched.see("alive", 15.0)
    assert rings(master) == 0
    watched.see("ended", 5.0)
    assert rings(master) == 1

    for seconds, bell, ci in ((5.0, True, ""), (15.0, False, ""), (15.0, True, "1")):
        monkeypatch.setenv("CI", ci)
        other = Watched(tmp_path, out, desktop=False, bell=bell)
        other.see("alive", seconds)
        other.see("ended")
        assert rings(master) == 0


def test_the_desktop_shows_text_and_nothing_else(
    tmp_path: Path,
    terminal: tuple[TextIO, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is one argument, without escapes or markup."""
    shown = tmp_path / "shown"
    script = f'#!/bin/sh\nprintf "%s\\n" "$@" >> {shown}\n'
    put_program(tmp_path / "bin", "notify-send", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("CI", raising=False)
    watched = Watched(tmp_path, terminal[0], bell=False)
    watched.see("alive", 15.0)
    state = RunState(exit_code=4, reason="<b>$(id)\x1b[31m; `id`")
    sight = Sight(state=state, knowing="ended", now="")

    watched.notices.look(sight)
    watched.notices.__exit__()

    assert shown.read_text().splitlines() == [
        *("--app-name=pipeline", "--", "x: run 20261120-1710-a3f9 on gpu"),
        "failed: &lt;b&gt;$(id); `id`",
    ]


def test_there_is_no_desktop_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server has none."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    assert desktop_argv("title", "text") == ()


def test_a_watcher_tells_of_a_lost_box(remote: Remote, box: Box, lab: Lab) -> None:
    """Over a real link: lost, back, and then the end, which the box itself tells."""
    text = (
        "name: x\nheartbeat: {every: 1s, stale_after: 2s}\n"
        f"notify: {{command: '{TELL} >> $HOME/told'}}\n"
        "stages: {a: {sh: 'while ! test -e ~/go; do sleep 0.1; done'}}\n"
    )
    remote.on(box, lab, text)
    with remote.spawn("run", "--host", "gpu") as watcher:
        try:
            remote.wait_for_event("stage_started a")
            beat = remote.results / "HEARTBEAT.txt"
            wait_until(lambda: beat.exists() and "beat: 3" in beat.read_text(), "beats")
            box.kill_sshd()
            wait_for(remote, "lost")
            box.start_sshd()
            wait_for(remote, "lost", "back")
            box.exec("touch ~/go")
            said, _ = watcher.communicate(timeout=60)
        finally:
            watcher.kill()
    assert watcher.returncode == 0, said
    assert "the run goes on" in told(remote)[0]
    wait_until(lambda: "end||0|" in box.exec("cat ~/told", check=False), "the end")
