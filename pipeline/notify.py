"""Run the user's own command when something happened that they want to hear of.

What is to be told is written down first, in `notices/` of the run's folder, and removed
by the very shell that ran the command. So nothing is lost when the runner is killed in
between: its keeper tells it, or the next runner does. It is told twice only where the
power went, or all was killed, in the middle of the command.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Literal

from pipeline import codec, files, supervise
from pipeline.clock import SystemClock
from pipeline.errors import PipelineError
from pipeline.events import MOST_REASON
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.clock import Clock
    from pipeline.layout import RunPaths
    from pipeline.schema import Resolved

What = Literal["end", "failure", "stall", "dead", "waiting", "revived", "gave_up"]

_PATIENCE_S = 60.0
_PAUSES_S = (5.0, 30.0)  # before another try of a command that failed
_WAKE_S = 0.1
_CLOCK = SystemClock()
_NOT_THERE = (126, 127)  # what no other try will find
_ENDS = ("end", "failure")
# Command and mark are arguments: nothing of a user's is part of our own line.
_SCRIPT = 'sh -c "$1" && rm -f -- "$2"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that is to be told; `code` is how the run ended, where it did."""

    what: What
    reason: str
    stage: str = ""
    code: int | None = None


def notify(plan: Resolved, paths: RunPaths, notice: Notice) -> None:
    """Tell by `notify.command`; what happened comes in its environment.

    A notice that fails is nobody's failure: the run has its own.
    """
    if not plan.pipeline.notify.command:
        return
    if note(plan, paths, notice):
        deliver(plan, paths)
        return
    with contextlib.suppress(OSError):  # a full disk: told, though it may get lost
        _tell(plan, paths, notice, mark=paths.root / "none", keep=())


def note(plan: Resolved, paths: RunPaths, notice: Notice) -> bool:
    """Write down what `deliver` is to tell; give whether that could be done."""
    if not plan.pipeline.notify.command:
        return True
    at = _CLOCK.now().strftime("%Y%m%dT%H%M%S.%f")
    mark = _folder(paths) / f"{at}-{notice.what}.json"
    try:
        mark.parent.mkdir(mode=0o700, exist_ok=True)
        files.replace_text(mark, codec.dumps(notice), durable=True)
    except OSError:
        return False
    return True


def deliver(plan: Resolved, paths: RunPaths, clock: Clock | None = None) -> None:
    """Tell all that is written down, the oldest first; who comes second waits."""
    if not plan.pipeline.notify.command or not any(_folder(paths).glob("*.json")):
        return
    with contextlib.suppress(OSError), _turn(paths, clock or _CLOCK) as lock:
        for mark in sorted(_folder(paths).glob("[0-9]*.json")):
            with contextlib.suppress(PipelineError):
                notice = codec.loads(Notice, mark.read_bytes(), what=str(mark))
                _tell(plan, paths, notice, mark=mark, keep=lock)
            mark.unlink(missing_ok=True)


def drop_ends(paths: RunPaths) -> None:
    """Forget an end that was written down, and never came to be told in the story."""
    for what in _ENDS:
        for mark in _folder(paths).glob(f"*-{what}.json"):
            with contextlib.suppress(OSError):
                mark.unlink()


def variables(
    what: str,
    reason: str,
    *,
    run: str,
    host: str,
    name: str,
    stage: str = "",
    code: int | None = None,
) -> dict[str, str]:
    """Give what a user's command is told: all of it by its environment."""
    return {
        "PIPELINE_EVENT": what,
        "PIPELINE_RUN": run,
        "PIPELINE_HOST": host,
        "PIPELINE_NAME": name,
        "PIPELINE_STAGE": stage,
        "PIPELINE_EXIT_CODE": "" if code is None else str(code),
        "PIPELINE_REASON": reason,
    }


def _folder(paths: RunPaths) -> Path:
    return paths.root / "notices"


@contextlib.contextmanager
def _turn(paths: RunPaths, clock: Clock) -> Iterator[tuple[int, ...]]:
    """Wait for who tells now, but not for ever: its command may have left a daemon."""
    place = paths.root / "notices.lock"
    until = clock.monotonic() + _PATIENCE_S
    while (lock := files.open_lock(place)) is None and clock.monotonic() < until:
        clock.sleep(_WAKE_S)
    try:
        yield () if lock is None else (lock,)
    finally:
        if lock is not None:
            os.close(lock)


def _tell(
    plan: Resolved,
    paths: RunPaths,
    notice: Notice,
    *,
    mark: Path,
    keep: tuple[int, ...],
) -> None:
    """Run the command; one that says it failed is tried again, one that hangs is not.

    keep: the lock of who tells, held by the command too: it may outlive us.
    """
    argv = ("sh", "-c", _SCRIPT, "sh", plan.pipeline.notify.command, str(mark))
    told = variables(
        notice.what,
        notice.reason[:MOST_REASON],
        run=plan.run,
        host=plan.host,
        name=plan.pipeline.name,
        stage=notice.stage,
        code=notice.code,
    )
    for pause_s in (*_PAUSES_S, None):
        code = supervise.run_aside(
            argv,
            cwd=paths.base,
            environment={**os.environ, **told},
            timeout_s=_PATIENCE_S,
            keep=keep,
        )
        if pause_s is None or code in (0, None, *_NOT_THERE):
            return
        _CLOCK.sleep(pause_s)
