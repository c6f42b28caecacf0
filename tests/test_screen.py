"""The attach view in a real terminal: what it leaves behind."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

# Short sleeps: a ^C that comes just before a sleep is seen by Python after it.
ATTACHED = """
import fcntl, sys, termios, time
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from pipeline.progress import RunState
from pipeline.views.screen import Live, Sight
try:
    with Live() as live:
        live.show(Sight(state=RunState(host="ec2"), knowing="connecting", now=""))
        {then}
except (KeyboardInterrupt, ZeroDivisionError):
    print("caught")
"""


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Open a terminal of 80x24: its far end, and the one programs sit at."""
    far, near = pty.openpty()
    fcntl.ioctl(near, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    yield far, near
    os.close(far)
    os.close(near)


def read_until(far: int, wanted: bytes, seen: bytes = b"") -> bytes:
    """Read what a terminal shows, after what was seen of it, until `wanted` came."""
    while wanted not in seen:
        seen += os.read(far, 4096)
    return seen


@pytest.mark.parametrize(
    "then", ["while True: time.sleep(0.01)", "1 / 0"], ids=["^C", "exception"]
)
def test_the_terminal_is_left_as_it_was(terminal: tuple[int, int], then: str) -> None:
    """However the watching ends: the cursor is back, and so is the echo."""
    far, near = terminal
    before = termios.tcgetattr(near)
    argv = (sys.executable, "-c", ATTACHED.format(then=then))
    env = {**os.environ, "TERM": "xterm"}

    with subprocess.Popen(
        argv, stdin=near, stdout=near, stderr=near, env=env, start_new_session=True
    ) as watcher:
        shown = read_until(far, b"connecting to ec2")
        if "sleep" in then:
            os.write(far, b"typed\n\x03")
        shown = read_until(far, b"caught", shown)

    assert watcher.returncode == 0
    assert shown.count(b"\x1b[?25l") == 1
    assert b"typed" not in shown
    assert b"\x1b[?25h" in shown.rpartition(b"connecting to ec2")[2]
    assert termios.tcgetattr(near) == before
