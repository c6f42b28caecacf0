"""Boxes that allow few sessions, few logins at once, or none at all."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import HostError, TransportError
from remote.links.patience import TurnedAway
from tests.links.asking import KINDS, SOON_S, Open, failure

if TYPE_CHECKING:
    from pathlib import Path

    from remote.links.link import Link
    from tests.lab import Host

pytestmark = pytest.mark.lab

ROUNDS = 4


def work(link: Link, folder: Path) -> None:
    """Do what a watched run does while its stream is open; each must be clean."""
    done = link.call(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout_s=SOON_S)
    assert (done.code, done.out, done.err) == (3, b"out\n", b"err\n")
    env = {**os.environ, **link.git_env()}
    listed = ["git", "ls-remote", link.git_url("code.git")]
    said = subprocess.run(listed, env=env, check=True, capture_output=True)
    link.heed(said.stderr)
    copied = ["rsync", *link.rsync_flags(), link.rsync_source("a-file"), str(folder)]
    said = subprocess.run(copied, check=True, capture_output=True)
    link.heed(said.stderr)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("most", "logins"), [(1, 6), (2, 6), (10, 2)])
def test_few_sessions_cost_few_logins(
    kind: str, most: int, logins: int, box: Host, open_link: Open, tmp_path: Path
) -> None:
    """All works while a stream is open, and the hundredth time costs no login."""
    box.configure_sshd(f"MaxSessions {most}")
    box.exec("git init -q --bare code.git; touch a-file")
    link = open_link(kind, box.name)
    stream = link.stream(["cat"], stdin=b"held")
    assert stream.read(SOON_S) == b"held"

    for _ in range(2):
        work(link, tmp_path)
    found = box.count_connections()
    for _ in range(ROUNDS):
        work(link, tmp_path)

    assert box.count_connections() == found <= logins
    assert stream.read(0.1) is None
    stream.close()


@pytest.mark.parametrize("kind", KINDS)
def test_more_at_once_than_a_connection_may_have(
    kind: str, box: Host, open_link: Open
) -> None:
    """Each gets its own answer, and no word of the crowd."""
    link = open_link(kind, box.name)
    link.call(["true"], timeout_s=SOON_S)

    def ask(number: int) -> tuple[bytes, bytes]:
        script = 'sleep 0.3; echo "$1"'
        done = link.call(["sh", "-c", script, "sh", str(number)], timeout_s=SOON_S)
        return done.out, done.err

    with ThreadPoolExecutor(14) as pool:
        answers = list(pool.map(ask, range(14)))

    assert answers == [(f"{number}\n".encode(), b"") for number in range(14)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_that_allows_no_session_is_named(
    kind: str, box: Host, open_link: Open
) -> None:
    """To log in is not enough."""
    box.configure_sshd("MaxSessions 0")

    error = failure(open_link(kind, box.name))

    assert isinstance(error, HostError)
    assert error.message == "host 'ec2': it lets us log in, and allows no session"


def in_the_door(box: Host) -> socket.socket:
    """Let only one log in at a time, and be that one for as long as it is open."""
    box.configure_sshd("MaxStartups 1:100:1")
    while True:
        line = socket.create_connection((box.address, 22))
        if line.recv(4) == b"SSH-":
            return line
        line.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_that_turns_some_away_is_asked_again(
    kind: str, box: Host, open_link: Open
) -> None:
    """With one login under way it refuses the next; a moment later it does not."""
    threading.Timer(0.8, in_the_door(box).close).start()

    done = open_link(kind, box.name).call(["echo", "in"], timeout_s=SOON_S)

    assert done.out == b"in\n"
    assert "past MaxStartups" in box.exec("cat /var/log/sshd.log")


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_that_turns_all_away_is_told_with_what_is_true(
    kind: str, box: Host, open_link: Open
) -> None:
    """It is the network's kind of failure: one may ask again later."""
    with in_the_door(box):
        error = failure(open_link(kind, box.name), timeout_s=2.0)

    assert isinstance(error, TransportError)
    assert isinstance(error, TurnedAway)
    assert "it hung up" in error.message
    assert "times in" in error.message
    assert "nothing was begun there" in error.hint
    assert "MaxStartups" in error.hint


@pytest.mark.parametrize("kind", KINDS)
def test_what_can_be_read_once_is_sent_once(
    kind: str, box: Host, open_link: Open
) -> None:
    """A pack half sent is not sent again from its middle."""
    with in_the_door(box), pytest.raises(TransportError):
        open_link(kind, box.name).call(["cat"], stdin=iter([b"once"]), timeout_s=SOON_S)
