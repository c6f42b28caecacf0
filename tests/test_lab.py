"""A lab's hosts are like real ones, and when they are gone nothing is left of them.

What the other tests say of boxes stands on these; `lab/test_faults.py` has the network.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab import freezer, sweep
from tests.lab.command import CommandFailed, finished, run

if TYPE_CHECKING:
    from tests.lab import Host, Lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]

CHECKOUT = Path(__file__).parent.parent
DETACHED = "mkfifo f; setsid -f cat f <>f >/dev/null 2>&1"  # until it is killed
NOT_FOUND = 127
ABANDON = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from tests.lab import Lab
lab = Lab()
lab.host("small", shaped=True, disk_mb=32).freeze()
print(lab.gateway.split(".")[2], lab.key.parent, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def traces(lab: Lab) -> list[str]:
    """Name all that a lab has on this machine, and what it tells clients."""
    number = lab.gateway.split(".")[2]
    files = sorted(path.name for path in lab.key.parent.iterdir())
    return [*files, *named(f"lab{number}"), lab.ssh_config.read_text()]


def named(prefix: str) -> list[str]:
    """Give the network devices, namespaces and frozen groups that begin so."""
    folders = ("/sys/class/net", "/run/netns", freezer.ROOT)
    found = (
        path for folder in folders for path in Path(folder).glob(f"{prefix}[-bv]*")
    )
    return sorted(map(str, found))


@pytest.mark.parametrize("user", ["root", "ubuntu"])
def test_users_log_in_at_their_own_home(lab: Lab, box: Host, user: str) -> None:
    """Both users have a home that is empty but for their key."""
    said = lab.ssh(f"{user}@{box.name}", 'hostname; id -un; echo "$HOME"; pwd; ls -A')

    home = {"root": "/root", "ubuntu": "/home/ubuntu"}[user]
    assert said.stdout.split() == [box.name, user, home, home, ".ssh"]


def test_the_alias_logs_in_as_ubuntu(lab: Lab, box: Host) -> None:
    """NAME-ubuntu is the same host with another user, for clients told only a name."""
    said = lab.ssh(f"{box.name}-ubuntu", "hostname; id -un; sudo id -un")

    assert said.stdout.split() == [box.name, "ubuntu", "root"]


def test_the_console_needs_no_network(box: Host) -> None:
    """Exec works through a partition, as either user, and raises what went wrong."""
    box.partition()

    assert box.exec("id -un; pwd", user="ubuntu").split() == ["ubuntu", "/home/ubuntu"]
    assert box.exec("echo half; false", check=False) == "half\n"
    with pytest.raises(CommandFailed, match="ended in 3"):
        box.exec("exit 3")


def test_programs_are_the_distribution_s(lab: Lab, box: Host) -> None:
    """What is first on the PATH of this machine does not show on a host."""
    said = lab.ssh(box.name, "command -v python3 git; git config --list --show-origin")

    assert said.stdout.split() == [box.python, "/usr/bin/git"]


def test_a_host_does_not_see_the_checkout(box: Host) -> None:
    """Nothing under test is found by accident."""
    assert box.exec(f"ls -A {CHECKOUT}", check=False) == ""


def test_a_host_writes_to_its_own_disk(box: Host, other_box: Host) -> None:
    """Neither this machine nor another host sees it."""
    box.exec("touch /usr/bin/only-on-box")

    assert not Path("/usr/bin/only-on-box").exists()
    assert "only-on-box" not in other_box.exec("ls /usr/bin")


def test_a_reboot_keeps_the_disk_and_nothing_else(lab: Lab, box: Host) -> None:
    """Home and system are kept; /tmp and what was running are not."""
    box.exec("echo home >f; echo etc >/etc/f; echo tmp >/tmp/f")
    lab.ssh(box.name, DETACHED)

    box.reboot()

    said = lab.ssh(box.name, "cat f /etc/f; ls -A /tmp; pgrep -x cat", check=False)
    assert said.stdout == "home\netc\n"


def test_a_power_cut_spares_what_was_written(box: Host) -> None:
    """Power off, boot, and the disk is as it was; the end was no orderly one."""
    box.exec("echo kept >f")

    box.power_off()

    assert box.last_exit not in {box.OFF, box.REBOOT}
    assert box.boot().exec("cat f") == "kept\n"


@pytest.mark.parametrize(("word", "ending"), [("shutdown -h now", 0), ("reboot", 3)])
def test_a_shutdown_from_inside_is_seen_outside(
    lab: Lab, box: Host, word: str, ending: int
) -> None:
    """The user ubuntu may shut it down, and one hears whether for a reboot."""
    lab.ssh(f"{box.name}-ubuntu", f"sudo {word}", check=False)

    assert box.wait_off() == ending


def test_a_host_may_start_at_another_address(lab: Lab, box: Host) -> None:
    """As an instance that was stopped: another address, the same disk and key."""
    before = box.address
    box.stop()

    box.start(new_ip=True)

    assert box.address != before
    assert lab.ssh(box.name, "hostname -i").stdout == f"{box.address}\n"


def test_a_changed_host_key_is_refused_until_trusted(lab: Lab, box: Host) -> None:
    """Clients check, as they must."""
    box.new_host_key()
    box.reboot()

    with pytest.raises(CommandFailed, match="Host key verification failed"):
        lab.ssh(box.name, "true")

    box.trust_key()
    assert lab.ssh(box.name, "echo back").stdout == "back\n"


def test_a_small_disk_fills_up(lab: Lab) -> None:
    """The host has an ext4 of its own, with no more room than asked for."""
    full = pytest.raises(CommandFailed, match="No space left on device")
    with lab.host("small", disk_mb=32) as small, full:
        lab.ssh(small.name, "head -c 64M /dev/zero >big")


def test_hidden_tools_are_not_there(lab: Lab, plain_box: Host, box: Host) -> None:
    """No shell finds them, not after a reboot either; other hosts have them."""
    plain_box.reboot()

    said = lab.ssh(plain_box.name, "command -v rsync git python3; rsync", check=False)

    assert said.stdout.split() == ["/usr/bin/git", plain_box.python]
    assert said.returncode == NOT_FOUND
    assert lab.ssh(box.name, "command -v rsync").stdout == "/usr/bin/rsync\n"


def test_connections_are_counted_not_commands(lab: Lab, box: Host) -> None:
    """Two commands of their own are two; three through one master are one more."""
    lab.ssh(box.name, "true")
    lab.ssh(f"{box.name}-ubuntu", "true")
    assert box.count_connections() == 2

    # pytest's tmp_path can be too long for a socket.
    with tempfile.TemporaryDirectory() as folder:
        master = ("-o", "ControlMaster=auto", "-o", f"ControlPath={folder}/%C")
        for _ in range(3):
            lab.ssh(box.name, "true", options=(*master, "-o", "ControlPersist=30"))
        lab.ssh(box.name, "", options=(*master, "-O", "exit"))

    assert box.count_connections() == 3


def test_a_detached_command_outlives_sshd(lab: Lab, box: Host) -> None:
    """Sessions die with sshd; what has closed its doors does not."""
    lab.ssh(box.name, DETACHED)

    box.kill_sshd()

    with pytest.raises(CommandFailed, match="Connection refused"):
        lab.ssh(box.name, "true")
    box.start_sshd()
    assert lab.ssh(box.name, "pgrep -x cat").stdout


def test_a_closed_host_leaves_nothing(lab: Lab) -> None:
    """Names, devices, files and the client's configuration are as before."""
    before = traces(lab)

    lab.host(f"gone{lab.made}", shaped=True, disk_mb=32).close()

    assert traces(lab) == before


def test_nothing_for_a_host_leaves_this_machine(lab: Lab, box: Host) -> None:
    """A host has no way out, and the lab's addresses have no default route."""
    assert "default" not in box.exec("ip route")
    assert f"unreachable {lab.gateway.removesuffix('1')}0/24" in run("ip", "route")


def test_sweep_removes_a_killed_lab_and_no_other(lab: Lab, box: Host) -> None:
    """Even one with a frozen host and a mounted disk; the living keep working."""
    killed = finished(sys.executable, "-c", ABANDON, CHECKOUT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    number, folder = killed.stdout.split()

    sweep()

    assert not Path(folder).exists()
    assert not named(f"lab{number}")
    assert lab.ssh(box.name, "echo alive").stdout == "alive\n"
