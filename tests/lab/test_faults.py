"""The faults of a lab are the real ones: silence is silent, and refusal is not.

What the other tests say of bad networks stands on these.
"""

from __future__ import annotations

import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import pytest

from tests.lab.command import CommandFailed

if TYPE_CHECKING:
    from tests.lab import Host, Lab
    from tests.lab.network import Direction

pytestmark = [pytest.mark.lab, pytest.mark.timeout(60)]

KEEPALIVE = ("-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2")
SSH_FAILED = 255


def connect(address: str, timeout_s: float = 2.0) -> float:
    """Connect to sshd and give the seconds it took."""
    began = time.monotonic()
    socket.create_connection((address, 22), timeout_s).close()
    return time.monotonic() - began


def test_a_power_cut_is_silence(lab: Lab, box: Host) -> None:
    """A client hears of it only from its own keepalive; a newcomer times out."""
    argv = ("ssh", "-F", lab.ssh_config, *KEEPALIVE, box.name, "echo up; sleep 60")
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        client.stdout.readline()

        box.power_off()

        assert client.poll() is None
        assert client.wait(20) == SSH_FAILED
    with pytest.raises(TimeoutError):
        connect(box.address, 1.0)


def test_a_transfer_outlives_a_partition(lab: Lab, box: Host) -> None:
    """It stands still while packets vanish, and goes on when they pass again."""
    argv = ("ssh", "-F", lab.ssh_config, box.name, "echo up; head -c 30000000 | wc -c")
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdout.readline()
        box.partition()
        with ThreadPoolExecutor() as pool:
            sent = pool.submit(client.stdin.write, 30_000_000 * "x")
            assert not wait([sent], 1.0).done

            box.heal()

        client.stdin.close()
        assert client.stdout.read() == "30000000\n"


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_one_way_is_enough_for_silence(box: Host, direction: Direction) -> None:
    """Whichever way packets vanish, nobody gets an answer."""
    box.partition(direction)

    with pytest.raises(TimeoutError):
        connect(box.address, 0.5)


def test_a_partition_may_be_from_one_peer(lab: Lab, box: Host, other_box: Host) -> None:
    """The others still reach it."""
    box.partition(peer=lab.gateway)

    assert "SSH-" in other_box.exec(f"head -c 4 </dev/tcp/{box.address}/22")
    with pytest.raises(TimeoutError):
        connect(box.address, 0.5)


def test_refuse_resets_connections(lab: Lab, box: Host) -> None:
    """As when sshd is down on a host that is up; heal ends it."""
    box.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(box.address)

    box.heal()

    assert lab.ssh(box.name, "echo back").stdout == "back\n"


def test_a_frozen_host_accepts_and_never_answers(lab: Lab, box: Host) -> None:
    """TCP connects, ssh times out; thawed, it goes on where it was."""
    box.freeze()

    assert connect(box.address) < 1.0
    with pytest.raises(CommandFailed, match="timed out"):
        lab.ssh(box.name, "true", options=("-o", "ConnectTimeout=1"))

    box.thaw()
    assert lab.ssh(box.name, "echo back").stdout == "back\n"


def test_a_shaped_cable_has_a_delay_that_outlives_a_reboot(box: Host) -> None:
    """`delay_ms` is each way, and the cable is no part of the host."""
    box.shape(delay_ms=50)
    connect(box.address)  # the first one also pays for ARP

    assert 0.1 <= connect(box.address) < 0.3

    box.reboot()

    assert connect(box.address) >= 0.1


def test_a_shaped_cable_has_a_rate(lab: Lab, box: Host) -> None:
    """2 MB at 16 Mbit/s take a second; on an ideal cable they take no time."""
    box.shape(rate_mbit=16)
    began = time.monotonic()

    lab.ssh(box.name, "head -c 2000000 /dev/zero")

    assert time.monotonic() - began >= 1.0


def test_a_pulled_plug_is_silence_until_it_is_back(box: Host) -> None:
    """The next shape is whole: what it does not name is ideal again."""
    box.shape(drop="both")
    with pytest.raises(TimeoutError):
        connect(box.address, 0.5)

    box.shape()

    assert connect(box.address) < 2.0
