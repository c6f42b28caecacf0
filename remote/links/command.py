"""The only door to `subprocess` in remote/: a command of this machine, as a flow.

Every one is started in a session of its own: ^C in the terminal reaches only us, and
nothing can ask for a password. One that we end is ended with its whole group: a killed
rsync would leave its ssh behind, which goes on writing.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from pipeline import supervise
from pipeline.clock import SystemClock
from pipeline.errors import HostError
from remote.links import flow
from remote.links.link import Completed, Source

GRACE_S = 1.0  # from asking a group to end, to killing it
LOOK_S = 0.2  # how soon it is seen that nobody waits any more
LONGEST_NAP_S = 0.05  # between looks at a child that lives on with its output closed

# Not even the ssh of a jump host, which our options do not reach, may open a window.
NEVER_ASK = {"SSH_ASKPASS_REQUIRE": "never"}

_CLOCK = SystemClock()


def run(
    argv: Sequence[str],
    *,
    stdin: Source = b"",
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Completed:
    """Run a command of this machine to its end; raise TimeoutError if it is late."""
    return flow.gather(Process(argv, env=env, cwd=cwd), stdin, timeout_s)


def run_while(
    is_wanted: Callable[[], bool],
    argv: Sequence[str],
    *,
    timeout_s: float,
    env: Mapping[str, str],
) -> Completed | None:
    """Run a command to its end; give None, and leave nothing of it, once nobody waits.

    Raise TimeoutError if it is late.
    """
    process = Process(argv, env=env)
    until, out = _CLOCK.monotonic() + timeout_s, bytearray()
    try:
        process.send_end()
        while (block := process.read(LOOK_S)) != b"":
            out += block or b""
            if not is_wanted():
                return None
            if _CLOCK.monotonic() > until:
                raise TimeoutError
        return Completed(process.code, bytes(out), process.err)
    finally:
        process.end()


def attend(argv: Sequence[str], *, cwd: Path | None = None) -> int:
    """Run a command on our own terminal, stdin and all; give its code as a shell would.

    ^C is for the command: with a terminal of its own far away, or here beside us.
    """
    environment = {**os.environ, **NEVER_ASK}
    try:
        return supervise.attend(argv, cwd=cwd, environment=environment)
    except OSError as error:
        raise HostError(f"{argv[0]!r} cannot be started: {error}") from error


class Process:
    """A Flow over a child process."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start it; raise HostError when it cannot be started here."""
        try:
            self._child = subprocess.Popen(
                list(argv),
                env={**(os.environ if env is None else env), **NEVER_ASK},
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            message = f"{error.filename!r} was not found on this machine"
            raise HostError(message, hint=f"{argv[0]} must be installed") from error
        except OSError as error:
            raise HostError(f"{argv[0]!r} cannot be started: {error}") from error
        self._stdin = _there(self._child.stdin)
        self._stdout = _there(self._child.stdout)
        self._stderr = _there(self._child.stderr)
        self._open = {self._stdout.fileno(), self._stderr.fileno()}
        self._awake = select.poll()
        for number in self._open:
            self._awake.register(number, select.POLLIN)
        self._said = bytearray()
        self._turn = threading.Lock()
        self._is_over = False

    @property
    def code(self) -> int:
        """How it ended, as a shell would say: 128 + n when signal n killed it."""
        ended = self._child.returncode
        return ended if ended >= 0 else 128 - ended

    @property
    def err(self) -> bytes:
        """What it said on stderr so far, or the last of it."""
        return bytes(self._said)

    def send(self, data: bytes) -> bool:
        """Write all of `data` to its stdin; tell whether it still listens."""
        rest = memoryview(data)
        with self._turn:
            try:
                while rest and not self._stdin.closed:
                    rest = rest[os.write(self._stdin.fileno(), rest) :]
            except BrokenPipeError:
                return False
            return not self._stdin.closed

    def send_end(self) -> None:
        """Close its stdin."""
        with self._turn:
            self._stdin.close()

    def read(self, timeout_s: float) -> bytes | None:
        """Give some bytes, b"" once it ended, or None when nothing came in time."""
        deadline = _CLOCK.monotonic() + timeout_s
        while True:
            left = max(deadline - _CLOCK.monotonic(), 0.0)
            if self._stdout.fileno() not in self._open:
                return b"" if self._has_ended(left) else None
            ready = self._ready(left)
            if self._stderr.fileno() in ready:
                self._hear()
            if self._stdout.fileno() in ready and (chunk := self._take(self._stdout)):
                return chunk
            if not left:
                return None

    def _ready(self, timeout_s: float) -> set[int]:
        return {number for number, _ in self._awake.poll(timeout_s * 1000)}

    def _hear(self) -> None:
        self._said += self._take(self._stderr)
        del self._said[: -flow.MOST_ERR]

    def _take(self, pipe: IO[bytes]) -> bytes:
        chunk = os.read(pipe.fileno(), flow.CHUNK)
        if not chunk:
            self._awake.unregister(pipe)
            self._open.discard(pipe.fileno())
        return chunk

    def _has_ended(self, timeout_s: float) -> bool:
        """Wait for the child itself; never for the last holder of its stderr.

        An old ssh leaves its stderr to the master it forks, which lives for minutes.
        """
        deadline = _CLOCK.monotonic() + timeout_s
        nap_s = 0.0
        while True:
            has_ended = self._child.poll() is not None
            while self._ready(0.0 if has_ended else nap_s):
                self._hear()
            if has_ended or _CLOCK.monotonic() > deadline:
                return has_ended
            nap_s = min(2 * nap_s + 0.001, LONGEST_NAP_S)

    def end(self) -> None:
        """End its whole group, if it has not ended by itself; close its pipes.

        What an ended command left running lives on, as it would on a box.
        """
        if self._is_over:
            return
        self._is_over = True
        if self._child.poll() is None:
            self._signal(signal.SIGTERM)
            self._wait()
            self._signal(signal.SIGKILL)
            self._wait()
        elif self._child.returncode < 0:
            self._signal(signal.SIGKILL)
        self._stdout.close()
        self._stderr.close()
        # A feeder may be writing at this instant; with nobody left to read it stops.
        if self._turn.acquire(timeout=GRACE_S):
            self._stdin.close()
            self._turn.release()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, number)

    def _wait(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(GRACE_S)


class Bridge:
    """A command whose stdin and stdout are one socket: what comes there passes it."""

    def __init__(self, argv: Sequence[str], line: int) -> None:
        """Start it; the caller's copy of the socket is not needed any more."""
        self._child = subprocess.Popen(
            list(argv),
            env={**os.environ, **NEVER_ASK},
            stdin=line,
            stdout=line,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def is_open(self) -> bool:
        """Whether it still passes things on."""
        return self._child.poll() is None

    def end(self) -> None:
        """End it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()


def _there(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
