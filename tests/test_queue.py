"""`run --queue`: one after the other on a box, in their order, whoever is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import eventlines, files, progress
from pipeline.layout import RunPaths
from pipeline.pulse import beat_of
from pipeline.turn import Turn, peak
from tests.fakes import put_program
from tests.laptop import wait_until

if TYPE_CHECKING:
    from tests.laptop import Laptop

SMI = "#!/bin/sh\nprintf '0\\n1\\n'\n"
# It fails where it meets another at work, and says when it was its turn.
ALONE = """\
name: {name}
heartbeat: {{every: 0.2s, stalled_after: 1s}}
stages:
  a:
    sh: |
      mkdir ~/busy; echo $PIPELINE_RUN >> ~/order
      {until}; rmdir ~/busy
"""
FREE = "while test ! -e ~/free; do sleep 0.05; done"


def begun(laptop: Laptop, name: str, *words: str, until: str = "true") -> str:
    """Start a run and look away; give its name."""
    laptop.write("pipeline.yaml", ALONE.format(name=name, until=until))
    laptop.commit()
    said = laptop.pipeline("run", "--force", "--detach", *words)
    return said.split()[1]


def word_of(laptop: Laptop, run: str) -> str:
    """Look how a run stands."""
    (folder,) = laptop.home.glob(f".pipeline/*/runs/{run}")
    told = eventlines.read_events((folder / "tree/results/events.jsonl").read_bytes())
    state = progress.fold(told)
    lives = files.is_locked(folder / "runner.lock")
    return state.word if lives or state.has_ended else "dead"


def wait_for(laptop: Laptop, run: str, word: str) -> None:
    """Wait until a run stands so."""
    wait_until(lambda: word_of(laptop, run) == word, f"{run} is {word}", 40)


def runner_of(laptop: Laptop, run: str) -> int:
    """Find the process that holds a run's lock."""
    (lock,) = laptop.home.glob(f".pipeline/*/runs/{run}/runner.lock")
    inode = f":{lock.stat().st_ino} "
    lines = Path("/proc/locks").read_text().splitlines()
    (line,) = [line for line in lines if inode in f"{line} "]
    return int(line.split()[4])


def kinds(laptop: Laptop, run: str) -> list[str]:
    """Give the story of a run by its kinds."""
    text = (laptop.repo / "results" / run / "events.jsonl").read_text()
    return [json.loads(line)["kind"] for line in text.splitlines()]


def test_runs_take_their_turn_in_their_order(laptop: Laptop) -> None:
    """Behind one at work, of other pipelines too; it is told, and is no stall."""
    first = begun(laptop, "one", until=FREE)
    second = begun(laptop, "one", "--queue")
    third = begun(laptop, "two", "--queue")
    wait_for(laptop, third, "waiting")
    picture = laptop.repo / "results" / third / "PROGRESS.txt"
    said = f"waits in the queue behind run {second} (one)\n"
    wait_until(lambda: said in picture.read_text(), "it is drawn a little later")
    wait_until(lambda: beat_of(_beat(laptop, second)) > 7, "it waits longer than that")
    beat = _beat(laptop, second)

    (laptop.home / "free").touch()
    for run in (first, second, third):
        wait_for(laptop, run, "done")

    assert "progress age: 0 s" in beat
    assert (laptop.home / "order").read_text().split() == [first, second, third]
    assert "stage_stalled" not in kinds(laptop, second)
    assert kinds(laptop, third).count("run_waiting") >= 2
    assert list((laptop.home / ".pipeline" / "queue").iterdir()) == [
        laptop.home / ".pipeline" / "queue" / "lock"
    ]


def _beat(laptop: Laptop, run: str) -> str:
    return (laptop.repo / "results" / run / "HEARTBEAT.txt").read_text()


def test_who_is_killed_holds_up_nobody(laptop: Laptop) -> None:
    """The holder and a waiter die; the waiter goes on later, at its old place."""
    holder = begun(laptop, "x", until="sleep 60")
    waiter, other, last = (begun(laptop, "x", "--queue") for _ in range(3))
    for run in (waiter, other, last):
        wait_for(laptop, run, "waiting")
    os.kill(runner_of(laptop, waiter), signal.SIGKILL)
    wait_for(laptop, waiter, "dead")
    laptop.pipeline("stop", last)
    wait_for(laptop, last, "stopped")
    laptop.pipeline("resume", waiter, "--detach")
    wait_for(laptop, waiter, "waiting")

    os.kill(runner_of(laptop, holder), signal.SIGKILL)
    wait_until(lambda: not (laptop.home / "busy").exists() or _sweep(laptop), "free")
    wait_for(laptop, other, "done")

    order = (laptop.home / "order").read_text().split()
    assert order == [holder, waiter, other]
    assert word_of(laptop, last) == "stopped"


def _sweep(laptop: Laptop) -> bool:
    """Take away what the killed holder left of its own."""
    with contextlib.suppress(OSError):
        (laptop.home / "busy").rmdir()
    return True


def test_a_run_waits_for_as_many_gpus_as_it_needs(laptop: Laptop) -> None:
    """Of two GPUs one is taken: who needs one goes, who needs both waits."""
    _with_gpus(laptop)
    text = "name: x\nstages:\n  a: {{gpus: {}, sh: sleep {}}}\n"
    runs = []
    for gpus, sleep in ((1, 60), (1, 0), (2, 0)):
        laptop.write("pipeline.yaml", text.format(gpus, sleep))
        laptop.commit()
        said = laptop.pipeline("run", "--force", "--detach", "--queue")
        runs.append(said.split()[1])
    wait_for(laptop, runs[1], "done")
    wait_for(laptop, runs[2], "waiting")
    seen = laptop.pipeline("status", runs[2])

    laptop.pipeline("stop", runs[0])
    wait_for(laptop, runs[2], "done")

    assert f"waits for 2 GPUs, behind run {runs[0]} (x)\n" in seen


def test_without_the_queue_a_stage_says_whose_gpu_it_waits_for(laptop: Laptop) -> None:
    """By name, as it is written on the lock."""
    _with_gpus(laptop)
    text = "name: x\nstages:\n  a: {{gpus: 2, sh: sleep {}}}\n"
    laptop.write("pipeline.yaml", text.format(60))
    laptop.commit()
    first = laptop.pipeline("run", "--detach").split()[1]
    wait_until(lambda: "stage_started" in kinds(laptop, first), "it holds them")
    laptop.write("pipeline.yaml", text.format(0))
    laptop.commit()
    second = laptop.pipeline("run", "--detach").split()[1]
    wait_until(lambda: "stage_waiting" in kinds(laptop, second), "it waits")
    seen = laptop.pipeline("status", second)

    laptop.pipeline("stop", first)
    wait_for(laptop, second, "done")

    said = f"(stage a of run {first} has it)"
    assert f"waits for GPU 0 {said}, GPU 1 {said}\n" in seen
    assert kinds(laptop, second).count("stage_waiting") == 1


def _with_gpus(laptop: Laptop) -> None:
    put_program(laptop.home / "bin", "nvidia-smi", SMI)
    laptop.env["PATH"] = f"{laptop.home / 'bin'}:{laptop.env['PATH']}"


def test_a_run_that_hangs_in_the_queue_keeps_nobody_from_stopping(
    laptop: Laptop,
) -> None:
    """Whoever holds its lock: a wish to stop is heard, and the place given up."""
    begun(laptop, "x", until=FREE)
    waiter = begun(laptop, "x", "--queue")
    wait_for(laptop, waiter, "waiting")
    queue = laptop.home / ".pipeline" / "queue"
    with files.waiting_lock(queue / "lock"):
        laptop.pipeline("stop", waiter)
        wait_for(laptop, waiter, "stopped")
    (laptop.home / "free").touch()

    assert [path.name for path in queue.iterdir()] == ["lock"]


# each row: what stages want, how many may run at once, what the box has, what they take
PEAKS = [
    ([], 1, 4, 0),
    ([1, 2], 1, 4, 2),
    ([1, 2], 2, 4, 3),
    ([2, 2], 2, 3, 3),
    ([1, 1, 1], 2, 8, 2),
]


@pytest.mark.parametrize(("wanted", "jobs", "most", "taken"), PEAKS)
def test_a_run_claims_what_it_may_take_at_a_time(
    wanted: list[int], jobs: int, most: int, taken: int
) -> None:
    """And never more than there is."""
    assert peak(wanted, jobs, most) == taken


class Runners:
    """Runs of one box whose runners are locks of this process."""

    def __init__(self, home: Path) -> None:
        """Begin with an empty box."""
        self._home = home
        self.held: dict[int, int] = {}
        self.at_work: set[int] = set()

    def paths(self, number: int) -> RunPaths:
        """Give a run's folder, with a plan in it."""
        folder = self._home / "p-1" / "runs" / f"20261120-0000-{number:04x}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plan.json").write_text("{}")
        return RunPaths(folder, PurePosixPath())

    def start(self, number: int) -> None:
        """Let a run have a runner, and a place."""
        handle = files.open_lock(self.paths(number).runner_lock)
        assert handle is not None
        self.held[number] = handle
        self.look(number)

    def look(self, number: int) -> None:
        """Let a runner look whether its turn has come."""
        if number not in self.at_work:
            turn = Turn(paths=self.paths(number), needs=0, gpus=0)
            place = turn.look()
            assert place is not None
            if not place.behind:
                self.at_work.add(number)

    def end(self, number: int) -> None:
        """Kill a runner, or let it end: the others see no difference."""
        os.close(self.held.pop(number))
        self.at_work.discard(number)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("sle"), st.integers(0, 4)), max_size=40))
def test_never_two_at_work_and_nobody_overtakes(moves: list[tuple[str, int]]) -> None:
    """Runs start, look and die in any order; whoever is left gets its turn."""
    with tempfile.TemporaryDirectory() as folder:
        runners = Runners(Path(folder))
        waiting: list[int] = []  # in the order of their places, the dead ones too
        for act, number in moves:
            lives = number in runners.held
            before = set(runners.at_work)
            if act == "s" and not lives:
                runners.start(number)
                if number not in waiting:
                    waiting.append(number)
            elif act == "l" and lives:
                runners.look(number)
            elif act == "e" and lives:
                runners.end(number)
            for gone in runners.at_work - before:
                ahead = waiting[: waiting.index(gone)]
                assert not [one for one in ahead if one in runners.held]
                waiting.remove(gone)
            assert len(runners.at_work) <= 1
        while runners.held:
            for number in list(runners.held):
                runners.look(number)
            (at_work,) = runners.at_work
            runners.end(at_work)
