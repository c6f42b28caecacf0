"""How the tests of links ask, and what they ask with."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import PipelineError
from pipeline.schema import LinkKind
from remote.links import command, openssh
from remote.links.lasting import Lasting
from remote.links.link import Link

if TYPE_CHECKING:
    from remote.links.link import Stream

Open = Callable[..., Link]
Write = Callable[..., Path]

SOON_S = 10.0
DEAD_S = openssh.ALIVE_EVERY_S * (openssh.ALIVE_MISSES + 1) + 5.0
PYTHON = "/usr/bin/python3"
BULK = os.urandom(1 << 20) * 5
KINDS: tuple[LinkKind, ...] = ("openssh", "lasting")
ODD = (
    *("two words", "", " ", "it's", '"double"', "$HOME", "$(id)", "`id`", "a;b", "a&b"),
    *("back\\slash", "two\\\\slashes", "\\'", "end\\", "new\nline", "tab\t", "*", "?"),
    *("~", "~root", "#no", "!no", "%s", "^a", "=ls", "a=b", "{a,b}", "-n", "--"),
    *("é→🐕", "\udcff"),
)
SHELLS = tuple(name for name in ("dash", "fish", "tcsh", "zsh") if shutil.which(name))


def alive(link: Link, pid: bytes) -> bool:
    """Tell whether a process lives there."""
    return link.call(["kill", "-0", pid.decode()], timeout_s=SOON_S).code == 0


def failure(link: Link, *argv: str, timeout_s: float = SOON_S) -> PipelineError:
    """Call, and give what was raised."""
    with pytest.raises(PipelineError) as caught:
        link.call(argv or ["true"], timeout_s=timeout_s)
    return caught.value


def first(link: Link, script: str) -> bytes:
    """Give the first thing a script says, and end it."""
    stream = link.stream(["sh", "-c", script])
    try:
        return stream.read(SOON_S) or b""
    finally:
        stream.close()


def ending(stream: Stream, within_s: float) -> PipelineError | None:
    """Read until the end, close, and give what was raised."""
    deadline = time.monotonic() + within_s
    try:
        while time.monotonic() < deadline and stream.read(1.0) != b"":
            pass
    except PipelineError as error:
        return error
    finally:
        stream.close()
    return None


def is_running(pid: int) -> bool:
    """Tell whether a process of this machine lives, and is not merely unburied."""
    state = command.run(["ps", "-o", "stat=", "-p", str(pid)], timeout_s=SOON_S).out
    return bool(state) and not state.startswith(b"Z")


def answers(link: Link, *, by_itself: bool | None = None) -> bool:
    """Tell whether a command is answered; and of fabric, whether by its own login."""
    done = link.call(["echo", "there"], timeout_s=SOON_S)
    assert (done.code, done.out, done.err) == (0, b"there\n", b"")
    if isinstance(link, Lasting) and by_itself is not None:
        assert link.is_logged_in == by_itself
    return True


def is_answered(link: Link) -> bool:
    """Tell whether a command is answered, and nothing else is said."""
    done = link.call(["echo", "there"], timeout_s=SOON_S)
    return (done.code, done.out, done.err) == (0, b"there\n", b"")
