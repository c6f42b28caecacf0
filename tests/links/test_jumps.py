"""The way to a box through other machines, and what goes wrong there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import HostError, TransportError
from pipeline.schema import Host as Spec
from remote import hosts
from tests.links.asking import SOON_S, Open, Write, answers, failure

if TYPE_CHECKING:
    from pipeline.schema import LinkKind
    from remote.links.link import Link
    from tests.lab import Host, Lab

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def jumps(lab: Lab) -> Iterator[tuple[Host, Host]]:
    """Two machines on the way."""
    near, middle = (lab.host(f"jump{lab.made}") for _ in range(2))
    yield near, middle
    near.close()
    middle.close()


def came_from(link: Link) -> str:
    """Give the address that the box sees us come from."""
    peer = link.call(["sh", "-c", "echo $SSH_CLIENT"], timeout_s=SOON_S).out
    return peer.split()[0].decode()


def test_one_jump(
    kind: str,
    quiet_box: Host,
    jumps: tuple[Host, Host],
    open_link: Open,
    write: Write,
) -> None:
    """What the box sees is the address of the jump host."""
    near, _ = jumps
    link = open_link(
        kind,
        "round",
        config=write(
            f"Host round\nHostName {quiet_box.address}\nProxyJump {near.name}"
        ),
    )

    assert answers(link, by_itself=True)
    assert came_from(link) == near.address


def test_two_jumps_of_which_one_is_told_as_an_address(
    kind: str,
    quiet_box: Host,
    jumps: tuple[Host, Host],
    open_link: Open,
    write: Write,
) -> None:
    """Each is reached through the one before, with the user and the port it names."""
    near, middle = jumps
    through = f"ProxyJump {near.name},ubuntu@{middle.address}:22"
    lines = f"Host round\nHostName {quiet_box.address}\n{through}"
    link = open_link(kind, "round", config=write(lines))

    assert answers(link, by_itself=True)
    assert came_from(link) == middle.address


def test_a_jump_host_may_have_one_of_its_own(
    kind: str,
    quiet_box: Host,
    jumps: tuple[Host, Host],
    open_link: Open,
    write: Write,
) -> None:
    """A ProxyJump of an alias counts for that alias, wherever it is named."""
    near, middle = jumps
    lines = (
        f"Host round\nHostName {quiet_box.address}\nProxyJump {middle.name}",
        f"Host {middle.name}\nProxyJump {near.name}",
    )
    link = open_link(kind, "round", config=write(*lines))

    assert answers(link, by_itself=True)
    assert near.address in middle.exec("tail -20 /var/log/sshd.log")


def test_a_jump_host_whose_key_is_not_known_is_refused(
    kind: str,
    quiet_box: Host,
    jumps: tuple[Host, Host],
    open_link: Open,
    write: Write,
    tmp_path: Path,
) -> None:
    """It is checked as the box itself is."""
    near, _ = jumps
    known = tmp_path / "known"
    known.write_text(f"{quiet_box.address} {quiet_box.known_key}")
    lines = (
        f"Host round\nHostName {quiet_box.address}\nProxyJump {near.name}",
        f"Match all\nUserKnownHostsFile {known}",
    )

    error = failure(open_link(kind, "round", config=write(*lines)))

    assert isinstance(error, HostError)
    assert "its host key is not known here" in error.message


def test_a_jump_host_that_lets_nothing_through(
    kind: str, quiet_box: Host, box: Host, open_link: Open, write: Write
) -> None:
    """It is the jump host that is named, and what its sshd must say."""
    box.configure_sshd("AllowTcpForwarding no")
    lines = f"Host round\nHostName {quiet_box.address}\nProxyJump {box.name}"

    error = failure(open_link(kind, "round", config=write(lines)))

    assert isinstance(error, HostError)
    assert error.message.startswith("host 'ec2': its jump host lets nothing through")
    assert "AllowTcpForwarding yes" in error.hint


def test_a_box_that_its_jump_host_cannot_reach(
    kind: str, jumps: tuple[Host, Host], open_link: Open, write: Write
) -> None:
    """What a jump host says, ssh throws away; here it is heard."""
    near, middle = jumps
    lines = f"Host round\nHostName {middle.address}\nPort 9\nProxyJump {near.name}"

    error = failure(open_link(kind, "round", config=write(lines)))

    assert isinstance(error, TransportError)
    assert "through its jump host: " in error.message
    assert "Connection refused" in error.message


def test_jump_hosts_that_lead_in_a_circle(kind: LinkKind, write: Write) -> None:
    """Before any ssh is started: it would start another, without end."""
    config = write("Host a\nProxyJump b", "Host b\nProxyJump a")
    spec = Spec(name="ec2", ssh="a", config=str(config), link=kind)

    with pytest.raises(HostError, match="'ec2': its jump hosts lead in a circle"):
        hosts.link_to(spec).call(["true"], timeout_s=SOON_S)
