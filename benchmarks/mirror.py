"""What coming home costs: files beside bare rsync, a long story, an idle watch, a wake.

Each at 0 and at 100 ms there and back, over the lab's own cable. rsync rides the same
connection as we do, and goes in turns with us.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.measure import Timing, in_turns, paired_ratio, wall
from pipeline import eventlines, events, memory, schema
from pipeline.layout import LaptopPaths
from remote import hosts
from remote.bringing.sync import Sync
from remote.bringing.wanted import Wanted
from remote.far import Far
from remote.links.openssh import OpenSsh
from tests.afar import results_on
from tests.laptop import Laptop, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.memory import RunRecord
    from tests.lab import Host, Lab

Rows = list[tuple[str, str, str]]

FILES, LARGE, NEW = 2_000, 50_000_000, 5
EVENTS, SEALS = 100_000, 50
IDLE_S = 60.0
ASLEEP_S = 30.0
EVERYTHING = Wanted(folder="results", include=("*",), max_file=-1)
HEAD = "name: home\nheartbeat: {every: 1s}\nstages:\n"
# Names and sizes as the figures of a training have them: 0.2 to 4 kB.
FILL = f"""\
import os, random
random.seed(7)
folder = os.path.expanduser("{{folder}}/many")
os.makedirs(folder)
for at in range({FILES}):
    with open(f"{{{{folder}}}}/f{{{{at:04}}}}.txt", "wb") as file:
        file.write(random.randbytes(random.randint(200, 4000)))
with open(f"{{{{folder}}}}/large.bin", "wb") as file:
    file.write(random.randbytes({LARGE}))
"""


def bench(place: Path, lab: Lab, *, rounds: int) -> Rows:
    """Measure all of it at each delay."""
    rows: Rows = []
    for rtt_ms in (0, 100):
        with lab.host(f"home{lab.made}", shaped=True) as box:
            at = f"{rtt_ms} ms"
            folder = place / f"mirror{rtt_ms}"
            rows += _files(folder / "files", box, lab, rounds=rounds, rtt_ms=rtt_ms)
            rows += _story(folder / "story", box, lab, rounds=rounds, rtt_ms=rtt_ms)
            rows += _watching(folder / "watching", box, lab, at)
    return rows


def _laptop(place: Path, box: Host, lab: Lab, stages: str) -> Laptop:
    laptop = Laptop(place)
    text = f"hosts:\n  gpu: {{ssh: {box.name}, config: {lab.ssh_config}}}\n"
    laptop.write("pipeline.yaml", HEAD + stages + text)
    laptop.commit()
    return laptop


def _far(laptop: Laptop, box: Host, lab: Lab) -> tuple[Far, RunRecord]:
    host = schema.Host(name="gpu", ssh=box.name, config=str(lab.ssh_config))
    record = memory.find_run(LaptopPaths(laptop.repo), "")
    return Far(hosts.link_to(host), record.project, host), record


def _stretch(laptop: Laptop, box: Host, lab: Lab, rtt_ms: int) -> None:
    """Make the line so long, and begin a new connection on it.

    One that began on a short line takes every delay for a jam, and crawls.
    """
    box.shape(delay_ms=rtt_ms / 2)
    link = _far(laptop, box, lab)[0].link
    assert isinstance(link, OpenSsh)
    link.disconnect()
    link.call(["true"], timeout_s=60.0)


# --- files beside bare rsync --------------------------------------------------------


def _files(place: Path, box: Host, lab: Lab, *, rounds: int, rtt_ms: int) -> Rows:
    laptop = _laptop(place, box, lab, "  a: {sh: ':'}\n")
    laptop.pipeline("run", "--host", "gpu", timeout_s=120)
    far, record = _far(laptop, box, lab)
    folder = results_on(box, record.run)
    box.exec(f"python3 -c '{FILL.format(folder=folder)}'")
    _stretch(laptop, box, lab, rtt_ms)
    sync, wire = Sync(far, record), far.link
    bare = ["rsync", "-a", *wire.rsync_flags()]
    source = wire.rsync_source(f"{far.run_folder(record)}/results/many/")
    ours, theirs = place / "ours", place / "theirs"

    def first(target: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()

    def we() -> None:
        sync.bring(EVERYTHING, ours)

    def they() -> None:
        argv = [*bare, source, f"{theirs}/"]
        subprocess.run(argv, check=True, env=laptop.env | os.environ)

    def we_first() -> None:
        first(ours)
        we()

    def they_first() -> None:
        first(theirs)
        they()

    turns = in_turns({"theirs": they_first, "ours": we_first}, rounds=rounds)
    name = f"first mirror of {FILES:,} files and 50 MB, {rtt_ms} ms"
    rows = _beside(name, turns)

    few: dict[str, list[float]] = {"theirs": [], "ours": []}
    for turn in range(rounds):
        made = " ".join(f"{folder}/many/new{turn}-{at}.txt" for at in range(NEW))
        box.exec(f"for f in {made}; do echo new > $f; done")
        few["theirs"].append(wall(they))
        # The stream names what is new, as it does for a watch.
        names = tuple(f"many/new{turn}-{at}.txt" for at in range(NEW))
        wanted = replace(EVERYTHING, names=names)
        few["ours"].append(wall(partial(sync.bring, wanted, ours)))
    timed = {who: Timing(tuple(seconds)) for who, seconds in few.items()}
    return [*rows, *_beside(f"{NEW} new of {FILES:,} files, {rtt_ms} ms", timed)]


def _beside(name: str, found: dict[str, Timing]) -> Rows:
    ratio = paired_ratio(found["ours"], found["theirs"])
    said = f"{ratio:.2f} x bare rsync {found['theirs']} (at most 1.2)"
    return [(name, str(found["ours"]), said)]


# --- a long story -------------------------------------------------------------------


def _story(place: Path, box: Host, lab: Lab, *, rounds: int, rtt_ms: int) -> Rows:
    """Attach, on a laptop that has nothing of it, to a run that has ended."""
    box.shape()
    chain = "".join(
        f"  s{at}: {{sh: ':'{f', after: [s{at - 1}]' if at else ''}}}\n"
        for at in range(SEALS)
    )
    laptop = _laptop(place, box, lab, chain)
    laptop.pipeline("run", "--host", "gpu", timeout_s=180)
    count = _lengthen(laptop, box)
    _stretch(laptop, box, lab, rtt_ms)
    run, seconds = laptop.run_id, []
    for _ in range(rounds):
        shutil.rmtree(laptop.repo / "results" / run)
        laptop.git("branch", "-q", "-D", f"run/{run}")
        seconds.append(wall(lambda: laptop.pipeline("attach", run)))
        assert (laptop.results / "events.jsonl").read_bytes().count(b"\n") == count
        assert len(laptop.seals()) == SEALS
    name = f"`attach` to {count:,} events and {SEALS} seals, {rtt_ms} ms"
    return [(name, str(Timing(tuple(seconds))), "at most 2 s")]


def _lengthen(laptop: Laptop, box: Host) -> int:
    """Let the stages of a run that has ended have ticked 100,000 times in all."""
    path = f"{results_on(box, laptop.run_id)}/events.jsonl"
    told = laptop.results / "events.jsonl"
    lines = []
    for line in told.read_bytes().splitlines():
        lines.append(line)
        event = eventlines.decode(line)
        if event and isinstance(event.what, events.StageStarted):
            lines += [
                _tick(event, at).encode() for at in range((EVENTS - 200) // SEALS)
            ]
    longer = laptop.home / "longer.jsonl"
    longer.write_bytes(b"\n".join(lines) + b"\n")
    # The box sees this machine's disk through an overlay, but not the lab's own folder.
    with longer.open("rb") as file:
        argv = ["ssh", *_plain(laptop), box.name, f"cat > {path}"]
        subprocess.run(argv, stdin=file, check=True)
    return len(lines)


def _plain(laptop: Laptop) -> list[str]:
    text = (laptop.repo / "pipeline.yaml").read_text()
    return ["-F", text.split("config: ")[1].split("}")[0]]


def _tick(event: events.Event, at: int) -> str:
    assert isinstance(event.what, events.StageStarted)
    ticked = events.StageTicked(
        stage=event.what.stage,
        done=float(at),
        total=2_000.0,
        numbers={"loss": 1 / (at + 1)},
    )
    return eventlines.encode(events.Event(at=event.at, what=ticked))


# --- watching -----------------------------------------------------------------------


def _watching(place: Path, box: Host, lab: Lab, at: str) -> Rows:
    """Watch a stage that says nothing; then one that ticks, through a sleep."""
    box.shape(delay_ms=float(at.partition(" ")[0]) / 2)
    stages = "  quiet: {sh: sleep 600}\n".replace("600", f"{IDLE_S * 3:.0f}")
    laptop = _laptop(place / "idle", box, lab, stages)
    text = (laptop.repo / "pipeline.yaml").read_text()
    laptop.write("pipeline.yaml", text.replace("{every: 1s}", "{every: 30s}"))
    rows = [_idle(laptop, box, at)]
    ticks = '  talk: {sh: \'i=0; while :; do i=$((i+1)); echo "::progress $i/9999";'
    ticks += " sleep 0.5; done'}\n"
    return [*rows, _wake(_laptop(place / "wake", box, lab, ticks), box, at)]


def _idle(laptop: Laptop, box: Host, at: str) -> tuple[str, str, str]:
    rsyncs = _count_rsyncs(laptop)
    with _watcher(laptop, "stage_started quiet"):
        time.sleep(5.0)  # what came with the start is home
        before, calls = _bytes(box), rsyncs.stat().st_size
        time.sleep(IDLE_S)
        an_hour = (_bytes(box) - before) * 3600 / IDLE_S
        passes = rsyncs.stat().st_size - calls
    laptop.pipeline("stop")
    said = f"{an_hour / 1e6:.2f} MB an hour, {passes} passes of rsync"
    return f"watching a run that says nothing, {at}", said, "at most 1 MB an hour, none"


def _bytes(box: Host) -> int:
    """What the box has sent and received so far, all layers counted."""
    line = next(x for x in box.exec("cat /proc/net/dev").splitlines() if "eth0" in x)
    numbers = line.partition(":")[2].split()
    return int(numbers[0]) + int(numbers[8])


def _count_rsyncs(laptop: Laptop) -> Path:
    """Let each start of rsync on the laptop leave a line in the file that is given."""
    told = laptop.home / "rsyncs"
    told.touch()
    path = laptop.home / "bin" / "rsync"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\necho >> {told}\nexec {shutil.which("rsync")} "$@"\n')
    path.chmod(0o755)
    laptop.env["PATH"] = f"{path.parent}:{laptop.env['PATH']}"
    return told


@contextlib.contextmanager
def _watcher(laptop: Laptop, until: str) -> Iterator[subprocess.Popen[str]]:
    """Watch a run on the box until the block ends."""
    process = laptop.spawn("run", "--host", "gpu")
    try:
        laptop.wait_for_event(until)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _wake(laptop: Laptop, box: Host, at: str) -> tuple[str, str, str]:
    """Sleep with no network, and wake: how long until the newest event is here."""
    with _watcher(laptop, "stage_started talk") as process:
        time.sleep(2.0)
        sleepers = _masters(box)
        box.partition()
        os.killpg(process.pid, signal.SIGSTOP)
        for pid in sleepers:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(ASLEEP_S)
        box.heal()
        woke = time.monotonic()
        for pid in sleepers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGCONT)
        path = laptop.results / "events.jsonl"
        since = path.stat().st_size
        far = f"stat -c %s {results_on(box, laptop.run_id)}/events.jsonl"
        goal = int(box.exec(far))
        assert goal > since, "nothing was told meanwhile"
        wait_until(lambda: path.stat().st_size >= goal, "all that was told", 60.0)
        took = time.monotonic() - woke
    laptop.pipeline("stop")
    name = f"caught up after a sleep of {ASLEEP_S:.0f} s, {at}"
    return name, f"{took:.2f} s", "at most 5 s"


def _masters(box: Host) -> list[int]:
    """The ssh of this machine that speak to the box: they sleep as well."""
    said = subprocess.run(
        ["pgrep", "-f", f"ssh.*{box.name}"], stdout=subprocess.PIPE, check=False
    )
    return [int(word) for word in said.stdout.split()]
