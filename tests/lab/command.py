"""The lab's one door to this machine's programs, and its one way to wait for them."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class CommandFailed(Exception):
    """A program that the lab needs ended badly; all it said is in the message."""


def run(*argv: str | Path, stdin: str = "", timeout_s: float = 60.0) -> str:
    """Run a program to its end and give its output; raise CommandFailed otherwise."""
    return checked(finished(*argv, stdin=stdin, timeout_s=timeout_s)).stdout


def attempt(*argv: str | Path) -> None:
    """Run a program that may fail, as one that undoes what may be undone already."""
    finished(*argv)


def finished(
    *argv: str | Path, stdin: str = "", timeout_s: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever it ends in."""
    return subprocess.run(
        argv,
        input=stdin,
        text=True,
        capture_output=True,
        timeout=timeout_s,
        check=False,
    )


def checked(
    ended: subprocess.CompletedProcess[str],
) -> subprocess.CompletedProcess[str]:
    """Pass on a program that ended well; raise CommandFailed for any other."""
    if ended.returncode:
        words = " ".join(map(str, ended.args))
        said = ended.stdout + ended.stderr or "(it said nothing)"
        raise CommandFailed(f"{words}: ended in {ended.returncode}\n{said}")
    return ended


def wait_until(claim: Callable[[], bool], *, timeout_s: float, what: str) -> None:
    """Ask until `claim` holds; raise TimeoutError, saying `what`, if it never does."""
    deadline = time.monotonic() + timeout_s
    while not claim():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(0.02)
