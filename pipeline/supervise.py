"""Start processes, watch over one attempt, and end it.

The runner's only door to other processes than git. An attempt is a session of its own,
holding the attempt's lock; it speaks through a report pipe, and prints into a raw log
that nobody else writes.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pipeline.ending import Ending, ending_of
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.clock import Clock

TICK_S = 0.1
_MOST_REPORT = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to start for one attempt, and with what."""

    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    raw: Path
    lock: int
    umask: int
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is looked after while an attempt runs.

    report: called with each report of the child. look: called at every wake, to follow
    the log. is_stopping: asked at every wake.
    """

    report: Callable[[dict[str, Any]], None]
    look: Callable[[], None]
    is_stopping: Callable[[], bool]
    timeout_s: float | None
    grace_s: float


class Attempt:
    """A started attempt, from its spawn to its end."""

    def __init__(self, command: Command, clock: Clock) -> None:
        """Start it. The caller's copy of the lock is not needed any more after this."""
        self._clock = clock
        self._began = clock.monotonic()
        self._rest = b""
        self._reports, far = os.pipe()
        with contextlib.ExitStack() as opened:
            opened.callback(os.close, far)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            raw = os.open(command.raw, flags, 0o600)
            opened.callback(os.close, raw)
            self._process = subprocess.Popen(
                command.argv,
                cwd=command.cwd,
                env={**command.environment, "PIPELINE_REPORT_FD": str(far)},
                stdin=subprocess.DEVNULL,
                stdout=raw,
                stderr=raw,
                pass_fds=(far, command.lock, *command.also),
                umask=command.umask,
                start_new_session=True,
            )

        self._wakers = [self._reports, *_exit_descriptor(self._process.pid)]

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self._began

    def watch_over(self, watch: Watch) -> Ending:
        """Wait for the end, bringing it about when time is up or a stop was wished."""
        why: Literal["", "timeout", "stopped"] = ""
        kill_at = float("inf")
        while self._process.poll() is None:
            self._listen(watch, TICK_S)
            watch.look()
            if not why and (why := self._reason_to_end(watch)):
                self.signal_group(signal.SIGTERM)
                kill_at = self._clock.monotonic() + watch.grace_s
            if self._clock.monotonic() > kill_at:
                self.signal_group(signal.SIGKILL)
        self._drain(watch)
        watch.look()
        return ending_of(self._process.returncode, why, self.elapsed_s)

    def _reason_to_end(self, watch: Watch) -> Literal["", "timeout", "stopped"]:
        if watch.is_stopping():
            return "stopped"
        if watch.timeout_s is not None and self.elapsed_s > watch.timeout_s:
            return "timeout"
        return ""

    def signal_group(self, number: int) -> None:
        """Send a signal to the attempt's process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _listen(self, watch: Watch, timeout_s: float) -> bool:
        """Take the reports that came; give whether anything was read."""
        readable, _, _ = select.select(self._wakers, [], [], timeout_s)
        if self._reports not in readable:
            return False
        block = os.read(self._reports, 1 << 16)
        if not block:
            # Every holder of the pipe is gone: only the child's end is left to hear of.
            self._wakers.remove(self._reports)
            return False
        *lines, self._rest = (self._rest + block)[-_MOST_REPORT:].split(b"\n")
        for line in lines:
            if (report := _parsed(line)) is not None:
                watch.report(report)
        return True

    def _drain(self, watch: Watch) -> None:
        while self._listen(watch, 0):
            pass
        for descriptor in {self._reports, *self._wakers}:
            os.close(descriptor)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        report = json.loads(line)
    except (ValueError, RecursionError):  # a stage may nest as deep as it likes
        return None
    return report if isinstance(report, dict) else None


def _exit_descriptor(pid: int) -> list[int]:
    """Give what becomes readable when the child ends; nothing where there is none."""
    try:
        return [os.pidfd_open(pid)]
    except (AttributeError, OSError):  # macOS, and Linux before 5.3: a tick will tell
        return []


def spawn_fed(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a process of our own that listens to us, apart from our terminal."""
    return subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def listen(argv: Sequence[str], *, timeout_s: float) -> str:
    """Give what a small command prints; nothing when it is missing, slow or failing."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def run_aside(
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    keep: Sequence[int] = (),
) -> int | None:
    """Run a command aside; give its code, or None when late, and all of it ended."""
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=tuple(keep),
        start_new_session=True,
    )
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        _end_group(process)
        return None


def run_told(
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    hear: Callable[[bytes], None],
    is_stopping: Callable[[], bool] = lambda: False,
    keep: Sequence[int] = (),
) -> int:
    """Run a command to its end and hear what it prints; give its code as a shell would.

    hear: called with what came, and with nothing at every wake. is_stopping: asked at
    every wake; then all of it is killed. keep: descriptors it inherits, such as a lock.
    """
    with (
        subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            pass_fds=tuple(keep),
            start_new_session=True,
        ) as process,
        contextlib.ExitStack() as opened,
    ):
        assert process.stdout is not None
        reading = process.stdout.fileno()
        wakers = [reading, *_exit_descriptor(process.pid)]
        for waker in wakers[1:]:
            opened.callback(os.close, waker)
        opened.callback(_end_group, process)
        while process.poll() is None and not is_stopping():
            hear(_heard(reading, wakers, TICK_S))
        _end_group(process)
        # What a daemon of it would still say is waited for by nobody.
        while block := _heard(reading, [reading], 0):
            hear(block)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _heard(reading: int, wakers: Sequence[int], timeout_s: float) -> bytes:
    readable, _, _ = select.select(wakers, [], [], timeout_s)
    return os.read(reading, 1 << 16) if reading in readable else b""


def _end_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def attend(
    argv: Sequence[str],
    *,
    cwd: Path | None,
    environment: Mapping[str, str],
    umask: int = -1,
    keep: Sequence[int] = (),
) -> int:
    """Run a command in the foreground, on our own terminal; give its code as a shell.

    ^C is for the command, which may live on: it is waited for in any case.
    """
    # Not ignored, which the command would inherit.
    ours = (signal.SIGINT, signal.SIGQUIT)
    before = {number: signal.signal(number, _pass) for number in ours}
    try:
        process = subprocess.Popen(
            argv, cwd=cwd, env=dict(environment), umask=umask, pass_fds=tuple(keep)
        )
        code = process.wait()
    finally:
        for number, old in before.items():
            signal.signal(number, old)
    return code if code >= 0 else 128 - code


def _pass(_number: int, _frame: object) -> None:
    """Hear a signal, and do nothing."""
