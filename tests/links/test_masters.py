"""Masters that died, hang or were swept away, and machines that can keep none."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import HostError
from remote.links import command, sockets
from remote.links.lasting import Lasting
from remote.links.openssh import OpenSsh
from tests.lab.command import wait_until
from tests.laptop import CHECKOUT
from tests.links.asking import KINDS, SOON_S, Open, is_answered, is_running

if TYPE_CHECKING:
    from remote.links.link import Link
    from tests.lab import Host, Lab

pytestmark = pytest.mark.lab


def master_of(link: Link) -> int:
    """Give the pid of the master that `link` rides on."""
    assert isinstance(link, OpenSsh)
    argv = [*link.ssh, "-O", "check", link.address.host]
    said = command.run(argv, timeout_s=SOON_S).err
    return int(said.split(b"pid=")[1].split(b")")[0])


@pytest.fixture
def openssh(box: Host, open_link: Open) -> OpenSsh:
    """A link with a master that is there."""
    link = open_link("openssh", box.name)
    assert isinstance(link, OpenSsh)
    assert is_answered(link)
    return link


def test_a_master_that_was_stopped_is_left_behind(openssh: OpenSsh, box: Host) -> None:
    """The next ssh would wait for it without end, and so would git and rsync."""
    frozen = master_of(openssh)
    os.kill(frozen, signal.SIGSTOP)
    began = time.monotonic()

    try:
        assert is_answered(openssh)
        assert is_answered(openssh)
        assert time.monotonic() - began < sockets.HELLO_S + 6.0
        assert box.count_connections() == 2
    finally:
        os.kill(frozen, signal.SIGKILL)


def test_a_folder_that_was_swept_away_is_made_anew(openssh: OpenSsh, box: Host) -> None:
    """A system that tidies its folders costs one login."""
    place = sockets.folder()
    assert place is not None
    old = master_of(openssh)
    for path in place.iterdir():
        path.unlink()
    place.rmdir()

    try:
        assert is_answered(openssh)
        assert is_answered(openssh)
        assert box.count_connections() == 2
    finally:
        os.kill(old, signal.SIGTERM)


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder on a disk that is full to the last inode."""
    with tempfile.TemporaryDirectory() as folder:
        size = ["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=2,mode=700"]
        subprocess.run([*size, "none", folder], check=True)
        (Path(folder) / "pipeline").mkdir(mode=0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_runtime_folder_is_not_used(no_room: Path) -> None:
    """The next one is."""
    place = sockets.folder()

    assert place is not None
    assert not place.is_relative_to(no_room)


FULL_MACHINE = """
import subprocess, sys
for place in ("/tmp", "/run"):
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=1", "none", place])
from pathlib import Path
from remote.links.address import Address
from remote.links.openssh import OpenSsh
link = OpenSsh("ec2", Address(sys.argv[2]), config=Path(sys.argv[1]))
for number in range(2):
    print(link.call(["echo", str(number)], timeout_s=20.0))
"""


def test_a_machine_without_room_for_a_socket_logs_in_each_time(
    box: Host, lab: Lab, tmp_path: Path
) -> None:
    """A full /tmp is no reason not to see how a run is."""
    # In a mount namespace of its own, which sees the lab's files and ours elsewhere:
    # this checkout may lie below /tmp.
    text = lab.ssh_config.read_text()
    keys = {lab.key: tmp_path / "key", lab.known_hosts: tmp_path / "known"}
    place = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        for old, new in keys.items():
            (place / new.name).write_bytes(old.read_bytes())
            (place / new.name).chmod(0o600)
            text = text.replace(str(old), str(place / new.name))
        config = place / "config"
        config.write_text(text)
        for room in ("pipeline", "remote"):
            shutil.copytree(CHECKOUT / room, place / room)
        argv = ["unshare", "--mount", sys.executable, "-c", FULL_MACHINE]
        env = {k: v for k, v in os.environ.items() if k != "XDG_RUNTIME_DIR"}
        done = subprocess.run(
            [*argv, str(config), box.name],
            env={**env, "PYTHONPATH": str(place)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(place)

    assert done.stderr == ""
    assert "out=b'0\\n', err=b''" in done.stdout
    assert "out=b'1\\n', err=b''" in done.stdout
    assert box.count_connections() == 2


def test_a_master_holds_nothing_of_ours(openssh: OpenSsh) -> None:
    """Neither our terminal, nor our output, nor our group, which ^C reaches."""
    pid = master_of(openssh)
    held = {os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)}
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    group, session, terminal = fields[2:5]

    assert held == {"/dev/null"}
    assert terminal == "0"
    assert str(os.getpgid(0)) != group
    assert str(os.getsid(0)) != session
    mine = {
        os.readlink(f"/proc/self/fd/{n}")
        for n in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{n}")
    }
    all_held = {
        os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")
    }
    assert not {x for x in mine & all_held if x.startswith(("pipe:", "/dev/pts"))}


def test_two_processes_that_come_at_once(box: Host, open_link: Open) -> None:
    """One makes the master; the others say nothing of it, and all are answered."""
    links = [open_link("openssh", box.name) for _ in range(4)]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(is_answered, links))

    found = box.count_connections()
    assert all(map(is_answered, links))
    assert box.count_connections() == found


HOLDING = """
import sys, time
from pathlib import Path
from remote.links.lasting import Lasting
from remote.links.address import Address
from remote.links.openssh import OpenSsh
link = OpenSsh("ec2", Address(sys.argv[2]), config=Path(sys.argv[1]))
if sys.argv[3] == "lasting":
    link = Lasting(link)
stream = link.stream(["sh", "-c", "echo $$; exec cat"])
print(stream.read(20.0).decode().strip(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_instant_we_leave_nothing_behind(
    kind: str, box: Host, lab: Lab, open_link: Open
) -> None:
    """Neither an ssh here nor what it ran there: the end of stdin ends both."""
    argv = [sys.executable, "-c", HOLDING, str(lab.ssh_config), box.name, kind]
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        there = holder.stdout.readline().decode().strip()
        listed = command.run(
            ["pgrep", "-P", str(holder.pid)], timeout_s=SOON_S
        ).out.split()
        holder.kill()

    def is_gone() -> bool:
        far = box.exec(f"kill -0 {there} 2>/dev/null && echo alive || :")
        return not far.strip() and not any(is_running(int(pid)) for pid in listed)

    wait_until(is_gone, timeout_s=SOON_S, what="the end of both")
    assert bool(listed) == (kind == "openssh")
    open_link("openssh", box.name)  # whose master is ended with the test


@pytest.mark.parametrize("kind", KINDS)
def test_without_ssh_on_this_machine(
    kind: str, box: Host, open_link: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is this machine that lacks it, and not the box."""
    monkeypatch.setenv("PATH", "/nowhere")
    link = open_link(kind, box.name)

    with pytest.raises(HostError, match="'ssh' was not found on this machine"):
        link.call(["true"], timeout_s=SOON_S)

    assert not isinstance(link, Lasting) or not link.is_logged_in
    monkeypatch.undo()
