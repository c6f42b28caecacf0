"""Find and end whatever still belongs to an attempt.

An attempt's processes carry its folder in their environment and hold its lock. A
process group alone would miss a stage that starts sessions of its own; a pid alone may
have been given to somebody else. What does both, closing every descriptor and emptying
its environment, is not ours any more, and cannot hold the run up either.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import files, supervise
from pipeline.errors import StageFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.attempt import AttemptPaths
    from pipeline.clock import Clock

MARK = "PIPELINE_ATTEMPT"
_PROC = Path("/proc")
_PATIENCE_S = 20.0


def fence(attempt: AttemptPaths, clock: Clock) -> None:
    """Kill every process of the attempt; on return none of them lives.

    Raise StageFailed when one cannot be killed (it hangs in the kernel, or is another
    user's): two writers in one attempt are worse than none.
    """
    deadline = clock.monotonic() + _PATIENCE_S
    while found := members(attempt):
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if clock.monotonic() > deadline:
            some = ", ".join(map(str, sorted(found)))
            message = f"{attempt.root.name}: processes {some} cannot be killed"
            raise StageFailed(message, hint="end them by hand, then resume the run")
        clock.sleep(0.005)


def fence_all(attempts: Iterable[AttemptPaths], clock: Clock) -> None:
    """Kill every process of all these attempts, of which hardly any has one.

    One look at all processes says which attempts are marked: a look for each would take
    seconds where a thousand stages are sealed.
    """
    marked = _marks() if _PROC.joinpath("self").exists() else set()
    for attempt in attempts:
        if os.fsencode(attempt.root) in marked or files.is_locked(attempt.lock):
            fence(attempt, clock)


def _marks() -> set[bytes]:
    """Give the attempts whose mark any process carries."""
    word = f"{MARK}=".encode()
    found: set[bytes] = set()
    for pid in _pids():
        with contextlib.suppress(OSError):
            words = _PROC.joinpath(str(pid), "environ").read_bytes().split(b"\0")
            found.update(w.removeprefix(word) for w in words if w.startswith(word))
    return found


def members(attempt: AttemptPaths) -> set[int]:
    """Give the processes that carry the attempt's mark or hold its lock."""
    if not _PROC.joinpath("self").exists():
        return _by_lsof(attempt)
    found = set(_marked(attempt))
    # Looking through every descriptor of every process is slow, so only when needed.
    if not found and files.is_locked(attempt.lock):
        found = {pid for pid in _holding(attempt.lock) if not _is_being_born(pid)}
    return found - {os.getpid()}


def _marked(attempt: AttemptPaths) -> Iterator[int]:
    mark = os.fsencode(f"{MARK}={attempt.root}") + b"\0"
    for pid in _pids():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - hot loop
                environ = file.read()
        except OSError:
            continue
        if mark in environ and not _is_zombie(pid):
            yield pid


def _is_zombie(pid: int) -> bool:
    try:
        state = _PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return True
    return state[0] in "ZX"


def _holding(lock: Path) -> Iterator[int]:
    wanted = os.path.realpath(lock)  # what the kernel calls it
    for pid in _pids():
        folder = f"/proc/{pid}/fd"
        try:
            handles = os.listdir(folder)  # noqa: PTH208 - hot loop
        except OSError:
            continue
        for handle in handles:
            with contextlib.suppress(OSError):
                if os.readlink(f"{folder}/{handle}") == wanted:  # noqa: PTH115
                    yield pid


def _is_being_born(pid: int) -> bool:
    """Tell whether it is a copy of this process that has not become another yet.

    For that instant it holds all that we held when it was made, another attempt's lock
    too: its own stage would be killed for that of its neighbour.
    """
    try:
        status = _PROC.joinpath(str(pid), "stat").read_text().rpartition(")")[2].split()
        words = _PROC.joinpath(str(pid), "cmdline").read_bytes()
    except OSError:
        return True
    is_ours = int(status[1]) == os.getpid()
    return is_ours and words == _PROC.joinpath("self", "cmdline").read_bytes()


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208


def _by_lsof(attempt: AttemptPaths) -> set[int]:
    """Find holders of the lock where there is no /proc (macOS has lsof)."""
    if not attempt.lock.exists():
        return set()
    said = supervise.listen(("lsof", "-t", "--", str(attempt.lock)), timeout_s=10)
    return {int(pid) for pid in said.split() if pid.isdigit()} - {os.getpid()}
