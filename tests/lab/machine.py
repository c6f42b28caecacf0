"""A host's processes, from its PID 1 on: started, killed, frozen, looked into.

The host's PID 1 is the only child of an `unshare` that we start. Its end is the end of
every process of the host: the kernel sees to that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from typing import TYPE_CHECKING

from tests.lab import command, disk, freezer, processes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
END_S = 15  # an orderly shutdown takes three seconds, and this machine may be busy

# --kill-child: no PID 1 outlives its unshare, whoever kills that.
_UNSHARE = (
    "unshare --pid --fork --kill-child=KILL --uts --ipc --mount --propagation private"
)
_NSENTER = "nsenter --pid --mount --uts --ipc --net --root --wd"


class Machine:
    """The running part of a host, whose network namespace is there already."""

    def __init__(self, *, namespace: str, folder: Path, hidden: Sequence[str]) -> None:
        self.name = folder.name
        self._namespace, self._folder, self._hidden = namespace, folder, hidden
        self._process: subprocess.Popen[bytes] | None = None
        self._init: int | None = None  # PID 1 of the host, as this machine numbers it

    @property
    def is_running(self) -> bool:
        """Whether PID 1 lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start PID 1."""
        boot = (str(disk.SCRIPTS / "boot.sh"), str(self._folder), self.name)
        started = self._spawn(
            *("ip", "netns", "exec", self._namespace),
            *_UNSHARE.split(),
            *("bash", *boot, *self._hidden),
        )
        self._init = processes.first_child(started)

    def _spawn(self, *argv: str) -> subprocess.Popen[bytes]:
        """Start what becomes the host, and print what it says on the console."""
        assert self._process is None, f"{self.name}: wait for its end first"
        with (self._folder / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                argv,
                env={"PATH": PATH},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )
        return self._process

    @property
    def console(self) -> str:
        """What was printed on the console, at every boot so far."""
        return (self._folder / "console.log").read_text(errors="replace")

    def terminate(self) -> None:
        """Ask for an orderly shutdown."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill every process at once."""
        self.thaw()  # SIGKILL waits for a frozen process
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # it was ending by itself
            os.kill(self._pid_1(), number)

    def wait(self, *, timeout_s: float = END_S) -> int:
        """Wait for the end of PID 1, and give how it ended."""
        assert self._process is not None, f"{self.name} is off already"
        ending = self._process.wait(timeout_s)
        self._process = self._init = None
        return ending

    def close(self) -> None:
        """See to it that every process is gone."""
        if self.is_running:
            self.kill()
        if self._process:
            self.wait()

    def exec(
        self, command_line: str, *, user: str, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a line of bash inside, in the user's home."""
        home = "/root" if user == "root" else f"/home/{user}"
        return command.finished(
            *(*_NSENTER.split(), "--target", str(self._pid_1())),
            *("setpriv", "--reuid", user, "--regid", user, "--init-groups"),
            *("env", "-i", f"HOME={home}", f"USER={user}", f"PATH={PATH}"),
            *("bash", "-c", f"cd; {command_line}"),
            timeout_s=timeout_s,
        )

    def pids(self) -> set[int]:
        """Give every process inside, as this machine numbers them."""
        return processes.beside(self._init) if self._init else set()

    def freeze(self) -> None:
        """Stop every process where it is."""
        freezer.freeze(self._namespace, init=self._pid_1())

    def thaw(self) -> None:
        """Let them go on, if they were frozen."""
        freezer.thaw(self._namespace)

    def _pid_1(self) -> int:
        assert self._init is not None, f"{self.name} is off"
        return self._init
