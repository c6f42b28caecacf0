"""A command of this machine, as a flow: nothing asks, and nothing is left behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipeline.errors import HostError, TransportError
from remote.links import command, flow
from tests.links.asking import (
    SOON_S,
    is_running,
)


def test_a_program_missing_here_is_named() -> None:
    """It is this machine that lacks it, and not the box."""
    with pytest.raises(HostError, match="'no-such-program' was not found"):
        command.run(["no-such-program"], timeout_s=SOON_S)


def test_a_command_has_a_session_of_its_own() -> None:
    """^C in the terminal reaches only us."""
    script = "import os; print(os.getsid(0) == os.getpid())"

    done = command.run([sys.executable, "-c", script], timeout_s=SOON_S)

    assert done.out == b"True\n"


def test_no_command_opens_a_window_to_ask() -> None:
    """Nothing waits for a password, the ssh of a jump host included."""
    done = command.run(["sh", "-c", "echo $SSH_ASKPASS_REQUIRE"], timeout_s=SOON_S)

    assert done.out == b"never\n"


def test_a_late_command_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """A killed rsync leaves no ssh behind that goes on writing."""
    note = tmp_path / "pid"
    script = f"trap '' TERM; sleep 60 & echo $! > {note}; wait"

    with pytest.raises(TimeoutError):
        command.run(["sh", "-c", script], timeout_s=1.5)

    assert not is_running(int(note.read_text()))


def test_what_an_ended_command_left_running_lives_on() -> None:
    """As it would on a box, and nobody waits for it."""
    left = "sleep 60 </dev/null >/dev/null 2>&1 & echo $!"

    done = command.run(["sh", "-c", left], timeout_s=SOON_S)

    os.kill(int(done.out), 9)


def test_a_command_that_never_begins_is_given_up() -> None:
    """A login that hangs, or a master that does: a stream would wait without end."""
    process = command.Process(["sleep", "60"])
    begun = flow.Framed(process, name="ec2", begin_s=0.3)

    with pytest.raises(TransportError, match=r"host 'ec2': no answer in 0\.3 s"):
        flow.gather(begun, b"", SOON_S)


def test_a_command_that_nobody_waits_for_leaves_nothing(tmp_path: Path) -> None:
    """Who looks away leaves no git behind that waits for a box."""
    note = tmp_path / "pid"
    script = f"echo $$ > {note}; exec sleep 60"

    said = command.run_while(
        lambda: not note.exists(), ["sh", "-c", script], timeout_s=SOON_S, env={}
    )

    assert said is None
    assert not is_running(int(note.read_text()))


def test_a_command_that_never_stops_talking_is_refused() -> None:
    """A box that lies fills no memory of ours."""
    with pytest.raises(HostError, match="the answer has more than"):
        command.run(["cat", "/dev/zero"], timeout_s=SOON_S)


def test_of_a_long_complaint_the_end_is_kept() -> None:
    """The reason stands there."""
    script = "head -c 20000000 /dev/zero >&2; echo so it is >&2"

    said = command.run(["sh", "-c", script], timeout_s=SOON_S)

    assert said.err.endswith(b"so it is\n")
    assert len(said.err) == flow.MOST_ERR
