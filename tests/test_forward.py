"""`pipeline shell --forward`: a port of the box, reached from the laptop."""

from __future__ import annotations

import signal
import socket
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import SpecError
from remote.forward import Port, read_port
from tests.afar import Remote
from tests.attended import Terminal
from tests.laptop import CHAIN, Laptop, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab import Host, Lab

ONE = CHAIN.partition("  two:")[0]
SERVE = ("python3", "-m", "http.server", "--bind", "127.0.0.1")


@pytest.fixture
def ran(remote: Remote, box: Host, lab: Lab) -> Remote:
    """A laptop with a run on a box."""
    remote.on(box, lab, ONE)
    remote.pipeline("run", "--host", "gpu")
    return remote


@pytest.fixture
def busy() -> Iterator[int]:
    """A port of this machine that something listens at."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        line.listen()
        yield line.getsockname()[1]


def free_port() -> int:
    """Give a port that nothing listens at."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        found: int = line.getsockname()[1]
        return found


def serve(box: Host, port: int) -> None:
    """Serve the home of the box's user there, on loopback alone."""
    box.exec("echo hello > page.txt; head -c 3000000 /dev/urandom > big")
    words = " ".join(SERVE)
    box.exec(f"setsid -f {words} {port} < /dev/null > /dev/null 2>&1")
    probe = f"until (echo > /dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done"
    box.exec(probe, timeout_s=20)


def got(port: int, name: str = "page.txt") -> bytes:
    """Fetch a page through a port of this machine."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=20) as page:
        data: bytes = page.read()
        return data


def is_listened_at(port: int) -> bool:
    """Tell whether somebody answers at a port of this machine."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def opened(remote: Remote, *words: str) -> tuple[subprocess.Popen[str], list[str]]:
    """Start a shell that only forwards; give it, and what it said until it is ready."""
    process = remote.spawn("shell", *words)
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        said.append(line.rstrip("\n"))
        if line == "^C ends it\n":
            break
    return process, said


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("6006", Port(here=6006, there=6006, is_exact=False)),
        ("8889:8888", Port(here=8889, there=8888, is_exact=True)),
        ("65535:1", Port(here=65535, there=1, is_exact=True)),
    ],
)
def test_a_port_is_read(text: str, port: Port) -> None:
    """One number for both ends, or the number here before that there."""
    assert read_port(text) == port


@pytest.mark.parametrize(
    "text", ["", "0", "65536", "a", "1:2:3", ":1", "1:", "-1", "1:0", "::1", "6006 "]
)
def test_what_is_no_port_is_refused(text: str) -> None:
    """In one message with what would be one."""
    with pytest.raises(SpecError) as caught:
        read_port(text)

    assert str(caught.value) == (
        f"--forward takes a port from 1 to 65535, found {text!r}\n"
        "  such as 6006, or 8888:8000 for 8000 there"
    )


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_port_is_reached_until_it_is_interrupted(ran: Remote, box: Host) -> None:
    """Many at once and whole, on loopback alone; ^C ends it, and nothing is left."""
    serve(box, 8000)
    here, lost = free_port(), free_port()

    process, said = opened(
        ran, "--forward", f"{here}:8000", "gpu", "--forward", f"{lost}:9"
    )

    assert said[:2] == [
        f"http://127.0.0.1:{here} leads to port 8000 on gpu",
        f"http://127.0.0.1:{lost} leads to port 9 on gpu, where nothing listens yet",
    ]
    assert got(here) == b"hello\n"
    idle = [socket.create_connection(("127.0.0.1", here)) for _ in range(20)]
    assert len(got(here, "big")) == 3_000_000
    for line in idle:
        line.close()
    with socket.socket() as line:
        assert line.connect_ex((own_address(box), here)) != 0
    with pytest.raises(OSError, match=r"closed|reset"):
        got(lost)
    before = box.count_connections()
    got(here)
    assert box.count_connections() == before

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert not is_listened_at(here)


def own_address(box: Host) -> str:
    """Give the address of this machine that the box would use."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.connect((box.address, 9))
        found: str = line.getsockname()[0]
        return found


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_port_is_reached_while_a_command_runs(
    remote: Remote, box: Host, other_box: Host, lab: Lab
) -> None:
    """Through a jump host, too; it ends with the command, and in its code."""
    config = remote.home / "config"
    way = f"Host round\nHostName {box.address}\nProxyJump {other_box.name}\n"
    config.write_text(f"{way}Match all\nInclude {lab.ssh_config}\n")
    hosts = f"hosts:\n  gpu: {{ssh: round, config: {config}}}\n"
    remote.write("pipeline.yaml", ONE + hosts)
    remote.commit()
    remote.pipeline("run", "--host", "gpu")
    here = free_port()
    process = remote.spawn("shell", f"--forward={here}:8000", "gpu", "--", *SERVE)

    wait_until(lambda: is_served(here), "it serves")
    assert b"artifacts" in got(here, "")
    box.exec("pkill -f '/bin/python3 -m [h]ttp.server'")
    said, _ = process.communicate(timeout=20)

    assert process.returncode == 143, said
    assert not is_listened_at(here)


def is_served(port: int) -> bool:
    """Tell whether a page comes."""
    try:
        return bool(got(port, ""))
    except OSError:
        return False


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_shell_forwards_and_ends_the_forwarding(ran: Remote, box: Host) -> None:
    """At a terminal; a port that is taken here gives way to the next."""
    serve(box, 8000)
    with socket.socket() as line:
        line.bind(("127.0.0.1", 8000))
        line.listen()
        terminal = Terminal(ran, "shell", "--forward", "8000", "gpu")
        terminal.see("http://127.0.0.1:")
        terminal.see(" leads to port 8000 on gpu")
        terminal.see("`exit` leaves")

    wait_until(lambda: any(is_served(port) for port in range(8001, 8021)), "a page")
    terminal.type("exit 5")
    assert terminal.end() == 5
    assert not any(is_served(port) for port in range(8001, 8021))


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_what_cannot_be_forwarded_is_said(ran: Remote, box: Host, busy: int) -> None:
    """A port that is taken here, a box that forwards none: one message, no shell."""
    said = ran.pipeline("shell", "--forward", f"{busy}:80", "gpu", "true", code=2)
    assert said.startswith(
        f"port {busy} of this machine cannot be had: address already in use\n"
        "  name another one: --forward "
    )

    box.configure_sshd("AllowTcpForwarding no")
    said = ran.pipeline("shell", "--forward", "6006", "gpu", "true", code=6)
    assert said == (
        "host 'gpu': its sshd forwards no port 6006\n"
        "  see AllowTcpForwarding and PermitOpen in its sshd_config\n"
    )


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_link_that_was_cut_leads_on_when_it_is_back(ran: Remote, box: Host) -> None:
    """The next who comes gets a connection that was made anew."""
    serve(box, 8000)
    here = free_port()
    process, _ = opened(ran, f"--forward={here}:8000", "gpu")
    assert got(here) == b"hello\n"

    box.kill_sshd()
    box.start_sshd()

    wait_until(lambda: is_served(here), "it serves again")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143


def test_a_run_of_this_machine_needs_no_forwarding(laptop: Laptop) -> None:
    """It is said where its port is."""
    laptop.write("pipeline.yaml", ONE)
    laptop.commit()
    laptop.pipeline("run")

    said = laptop.pipeline("shell", "latest", "--forward", "6006")
    assert said == (
        "the run is on this machine: port 6006 is http://127.0.0.1:6006, as it is\n"
    )
    said = laptop.pipeline("shell", "--forward", "6006", "latest", "echo", "here")
    assert said.endswith("here\n")
    said = laptop.pipeline("shell", "--forward", "http", code=2)
    assert said.startswith("--forward takes a port")
    said = laptop.pipeline("shell", "latest", "--forward", code=2)
    assert said == "pipeline shell: --forward needs a port\n  such as 6006\n"
