"""A laptop that slept, moved, or never saw the run comes back to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from remote.watching.naps import Naps
from remote.watching.trust import Trust
from tests.afar import SLOW, Remote, remote_log_size, results_on
from tests.laptop import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab import Host, Lab

LONG = SLOW.replace("ticks: 60", "ticks: 600")


class HandClock:
    """Two clocks that a test moves: one that sleeps with the machine, and one not."""

    def __init__(self) -> None:
        """Begin somewhere."""
        self.ticks = 100.0
        self.wall = datetime(2026, 11, 20, tzinfo=timezone.utc)

    def now(self) -> datetime:
        """Give the time of day."""
        return self.wall

    def monotonic(self) -> float:
        """Give the seconds while awake."""
        return self.ticks

    def sleep(self, seconds: float) -> None:
        """Let both go on."""
        self.ticks += seconds
        self.wall += timedelta(seconds=seconds)

    def lie_down(self, seconds: float) -> None:
        """Let the machine sleep: only the wall clock goes on."""
        self.wall += timedelta(seconds=seconds)


def test_a_sleep_is_noticed_once() -> None:
    """By the clock that went on, whichever that is; a busy moment is no sleep."""
    clock = HandClock()
    naps = Naps(clock)

    clock.sleep(1.0)
    busy = naps.woke()
    clock.lie_down(3600)
    slept = naps.woke()
    clock.sleep(60)  # a process that was stopped: both clocks jumped
    stopped = naps.woke()

    assert (busy, slept, stopped, naps.woke()) == (False, True, True, False)


def doubts(clock: HandClock, trust: Trust, seconds: float) -> list[str]:
    """Let a line be silent for a while; give what was thought of it."""
    found = []
    for _ in range(int(seconds * 4)):
        clock.sleep(0.25)
        found.append(trust.doubt())
    return [doubt for doubt in found if doubt]


def test_a_line_that_says_nothing_is_left() -> None:
    """Sooner than its own keepalive would; each time in vain, twice as late."""
    clock = HandClock()
    trust = Trust(clock)
    trust.heard()

    assert doubts(clock, trust, 6.5) == []
    assert doubts(clock, trust, 1.0) == ["leave"]
    trust.begin()
    assert doubts(clock, trust, 4.0) == ["ask"]
    assert doubts(clock, trust, 14.0) == []
    assert doubts(clock, trust, 2.0) == ["leave"]


def test_what_lay_in_a_buffer_is_no_sign_of_life() -> None:
    """The first thing read after a sleep may be older than it."""
    clock = HandClock()
    trust = Trust(clock)
    clock.lie_down(60)
    trust.heard()

    assert trust.doubt() == "leave"
    trust.begin()
    assert trust.doubt() == ""


@pytest.fixture
def own_masters(remote: Remote) -> Iterator[Path]:
    """A folder for the connections of this laptop, so that they can be found."""
    with tempfile.TemporaryDirectory(prefix="pl", dir="/tmp") as folder:
        Path(folder).chmod(0o700)
        remote.env["XDG_RUNTIME_DIR"] = folder
        yield Path(folder)


class Lid:
    """The lid of a laptop: closed, its watcher and its connections stand still."""

    def __init__(self, watcher: subprocess.Popen[str], folder: Path) -> None:
        """Of the laptop on which `watcher` runs, with its sockets in `folder`."""
        self._watcher = watcher
        found = subprocess.run(
            ["pgrep", "-f", f"ssh: {folder}/"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.masters = [int(pid) for pid in found.stdout.split()]

    def close(self) -> None:
        """Stop all."""
        os.killpg(self._watcher.pid, signal.SIGSTOP)
        for pid in self.masters:
            os.kill(pid, signal.SIGSTOP)

    def open(self) -> None:
        """Let all go on."""
        for pid in self.masters:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        os.killpg(self._watcher.pid, signal.SIGCONT)


@contextlib.contextmanager
def another_address(box: Host, lab: Lab) -> Iterator[None]:
    """Give this machine another address: nothing of the old one arrives any more."""
    subnet = lab.gateway.rpartition(".")[0]
    route = subprocess.check_output(["ip", "route", "get", box.address], text=True)
    device = route.split(" dev ")[1].split()[0]
    new = f"{subnet}.2"
    box.partition(peer=lab.gateway)
    subprocess.run(["ip", "addr", "add", f"{new}/24", "dev", device], check=True)
    source = ["ip", "route", "replace", f"{subnet}.0/24", "dev", device, "src"]
    subprocess.run([*source, new], check=True)
    try:
        yield
    finally:
        subprocess.run([*source, lab.gateway], check=True)
        subprocess.run(["ip", "addr", "del", f"{new}/24", "dev", device], check=True)
        box.heal()


def is_caught_up(remote: Remote, box: Host) -> bool:
    """Tell whether the log here is as long as it is there, but for a moment's lines."""
    there = f"{results_on(box, remote.run_id)}/slow/stage.log"
    return remote_log_size(remote) >= int(box.exec(f"stat -c %s {there}")) - 60


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_laptop_that_wakes_elsewhere_is_caught_up_in_seconds(
    remote: Remote, box: Host, lab: Lab, own_masters: Path
) -> None:
    """Its old connection is dead and does not know it; the wall clock tells."""
    remote.on(box, lab, LONG)
    watcher = remote.spawn("run", "--host", "gpu")
    wait_until(lambda: remote_log_size(remote) > 50, "some lines came home")
    lid = Lid(watcher, own_masters)
    lid.close()
    with another_address(box, lab):
        time.sleep(7)
        missed = not is_caught_up(remote, box)

        opened = time.monotonic()
        lid.open()
        wait_until(lambda: is_caught_up(remote, box), "all is here", 20)
        took_s = time.monotonic() - opened
        print(f"caught up {took_s:.1f} s after the wake")
        remote.pipeline("stop")
        watcher.communicate(timeout=40)

    assert (len(lid.masters), missed, took_s <= 5) == (1, True, True), took_s


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_command_finds_its_way_past_a_dead_connection(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """The connection that an earlier one left open is dead, and does not know it."""
    remote.on(box, lab, LONG)
    remote.pipeline("run", "--host", "gpu", "--detach")
    with another_address(box, lab):
        began = time.monotonic()
        listed = remote.pipeline("runs", "--host", "gpu")
        listed_s, began = time.monotonic() - began, time.monotonic()
    said = remote.pipeline("stop")  # at the old address again
    stopped_s = time.monotonic() - began

    assert remote.run_id in listed
    assert "was asked to stop" in said
    assert (listed_s < 13, stopped_s < 13) == (True, True), (listed_s, stopped_s)


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_box_that_got_another_address_is_found(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """It lost its power while nobody looked: told, and resumed where it is now."""
    remote.on(box, lab, SLOW.replace("ticks: 60", "ticks: 25"))
    remote.pipeline("run", "--host", "gpu", "--detach")
    wait_until(
        lambda: "slow" in box.exec("ls ~/.pipeline/*/runs/*/attempts"), "it runs"
    )
    watcher = remote.spawn("attach")
    wait_until(lambda: remote_log_size(remote) > 10, "it is watched")

    box.power_off()
    box.start(new_ip=True)
    said, _ = watcher.communicate(timeout=60)
    again = remote.pipeline("resume")

    assert watcher.returncode == 6, said
    assert "no runner lives, and no end was told" in said
    assert "run ended: done" in again
    assert remote.seals() == ["quick", "slow"]


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_second_laptop_comes_by(
    remote: Remote, box: Host, lab: Lab, tmp_path: Path
) -> None:
    """It never saw the run: it lists, adopts, watches and stops it."""
    remote.on(box, lab, LONG)
    first = remote.spawn("run", "--host", "gpu")
    wait_until(lambda: remote_log_size(remote) > 50, "some lines came home")
    run = remote.run_id
    second = Remote(tmp_path / "second")
    shutil.rmtree(second.repo)
    remote.git("clone", "-q", str(remote.repo), str(second.repo))

    listed = second.pipeline("runs", "--host", "gpu")
    adopted = second.pipeline("adopt", run[-4:], "--host", "gpu")
    watcher = second.spawn("attach", "--json")
    wait_until(lambda: remote_log_size(second) > 100, "the second sees it too")
    second.pipeline("stop")
    first_said, _ = first.communicate(timeout=40)
    watcher.communicate(timeout=40)

    assert f"{run}  running  1/2" in listed
    assert f"  pipeline adopt {run} --host gpu\n" in listed
    assert f"run {run} on gpu is known here now: running, 1 of 2" in adopted
    assert (first.returncode, watcher.returncode) == (130, 130), first_said
    for name in ("events.jsonl", "slow/stage.log"):
        there = (second.results / name).read_bytes()
        assert (remote.results / name).read_bytes() == there, name
    assert second.seals() == remote.seals() == ["quick"]


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_all_runs_of_a_host_share_one_connection(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """One ends well and one is stopped: the code is that of the second."""
    remote.on(box, lab, SLOW.replace("ticks: 60", "ticks: 30"))
    remote.pipeline("run", "--host", "gpu", "--detach")
    remote.on(box, lab, LONG)
    remote.pipeline("run", "--host", "gpu", "--detach")
    longer = remote.run_id
    watcher = remote.spawn("attach", "--all")
    wait_until(lambda: remote_log_size(remote) > 20, "the second is watched")

    remote.pipeline("stop", longer)
    said, _ = watcher.communicate(timeout=60)

    assert watcher.returncode == 130, said
    assert f"{longer[-4:]} is run {longer} on gpu\n" in said
    assert [line.split()[-1] for line in said.splitlines()[-2:]] == ["done", "stopped"]
    assert box.count_connections() == 1
