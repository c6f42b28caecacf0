"""A person at a terminal, as a program: types when it sees what it waits for."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

from tests.laptop import Laptop

PATIENCE_S = 30.0


class Terminal:
    """A terminal in which one `pipeline` command runs."""

    def __init__(self, laptop: Laptop, *words: str, **more: str) -> None:
        """Start the command; it takes this for the terminal it was typed in."""
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            # Of a session of its own, whose terminal this is: ^C reaches who is in it.
            ["setsid", "--ctty", "--wait", sys.executable, "-m", "pipeline", *words],
            cwd=laptop.repo,
            env={**laptop.env, "TERM": "dumb", **more},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self.seen = ""

    def see(self, wanted: str) -> None:
        """Wait until something is on the screen; it is not looked for again."""
        until = time.monotonic() + PATIENCE_S
        while wanted not in self.seen:
            if not self._read(until):
                raise AssertionError(f"waited in vain for {wanted!r}:\n{self.seen}")
        self.seen = self.seen.partition(wanted)[2]

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._ours, f"{line}\n".encode())

    def end(self) -> int:
        """Wait for the end; give the exit code."""
        until = time.monotonic() + PATIENCE_S
        while self._read(until):
            pass
        os.close(self._ours)
        return self._process.wait(PATIENCE_S)

    def _read(self, until: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], until - time.monotonic())
        try:
            block = os.read(self._ours, 1 << 16) if ready else b""
        except OSError:  # the last who had the other end is gone
            return False
        self.seen += block.decode("utf-8", "replace")
        return bool(block)


def lives(pid: Path) -> bool:
    """Tell whether the process whose number is in a file lives."""
    stat = Path("/proc", pid.read_text().strip(), "stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def held(folder: Path) -> dict[str, bytes]:
    """Give all files below a folder with what is in them."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
