"""A connection in doubt, as after a sleep: dropped when dead, and only then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import TransportError
from tests.links.asking import DEAD_S, KINDS, SOON_S, Open, ending, is_answered

if TYPE_CHECKING:
    from tests.lab import Host, Lab

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_in_doubt_is_dropped_at_once(
    kind: str, box: Host, open_link: Open
) -> None:
    """After a sleep or at a new address nobody waits for the keepalive to notice."""
    link = open_link(kind, box.name)
    stream = link.stream(["cat"], stdin=b"held")
    assert stream.read(SOON_S) == b"held"
    link.revive()
    assert stream.read(0.1) is None
    box.partition()
    began = time.monotonic()

    link.revive()

    assert isinstance(ending(stream, SOON_S), TransportError)
    assert time.monotonic() - began < DEAD_S / 2
    box.heal()
    assert is_answered(link)


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_that_can_start_nothing_is_not_in_doubt(
    kind: str, box: Host, open_link: Open
) -> None:
    """Its only session is taken, and its shell hangs; the connection is sound."""
    box.configure_sshd("MaxSessions 1")
    link = open_link(kind, box.name)
    stream = link.stream(["cat"], stdin=b"held")
    assert stream.read(SOON_S) == b"held"
    box.exec("echo sleep 20 > .bashrc")

    link.revive()

    assert stream.read(0.2) is None
    stream.close()
    assert box.count_connections() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_at_a_new_address_the_box_is_reached_again(
    kind: str, box: Host, lab: Lab, open_link: Open
) -> None:
    """The connection of the old one stands, to all appearances; nothing passes it."""
    link = open_link(kind, box.name)
    stream = link.stream(["cat"], stdin=b"held")
    assert stream.read(SOON_S) == b"held"

    with lab.elsewhere() as old:
        box.partition(peer=old)
        link.revive()
        assert isinstance(ending(stream, SOON_S), TransportError)
        asked = link.call(["sh", "-c", "echo $SSH_CLIENT"], timeout_s=SOON_S)

    box.heal()
    assert old not in asked.out.decode().split()


def test_nothing_is_asked_of_a_box_that_is_not_connected(
    box: Host, open_link: Open
) -> None:
    """To revive what never lived costs nothing."""
    for kind in KINDS:
        open_link(kind, box.name).revive()

    assert box.count_connections() == 0
