"""What tests run on: a Python, some cores, and a folder that goes when all is done."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.attempt import AttemptPaths
from pipeline.clock import SystemClock
from pipeline.errors import PipelineError
from pipeline.fence import MARK, fence
from pipeline.frozen import dataclass
from pipeline.resources import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.clock import Clock

_PREFIX, _LOCK = "tdd-", "bench.lock"
_MOST = 8  # each process imports all that the tests import
_POOLS = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")
# What would bend pytest or git, or speaks for the stage that started us.
_OTHERS = ("PYTEST_", "GIT_", "COV_CORE_", "HYPOTHESIS_")
_OF_THE_STAGE = ("PIPELINE_REPORT_FD", "OUT", "RESULTS", "CHECKPOINTS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where sessions run. hear: told of how many tests how many are done."""

    python: str
    cores: int
    place: Path
    clock: Clock
    environment: Mapping[str, str]
    hear: Callable[[int, int], None]


@contextlib.contextmanager
def bench(
    hear: Callable[[int, int], None] = lambda _done, _total: None,
    *,
    python: str = "",
    cores: int = 0,
    root: Path | None = None,
) -> Iterator[Bench]:
    """Open a bench; in the end nothing that was started on it lives, or lies there.

    Without `python` it is ours; without `cores`, all there are; without `root` it
    stands where this machine keeps what is passing.
    """
    clock = SystemClock()
    root = Path(os.path.realpath(root or tempfile.gettempdir()))
    _sweep(root, clock)
    place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    held = _taken(place)
    is_ours = MARK not in os.environ  # a stage's processes are ended with the stage
    try:
        with _leaving_when_asked():
            yield Bench(
                python=python or sys.executable,
                cores=cores or min(usable_cpus(), _MOST),
                place=place,
                clock=clock,
                environment=_environment(place),
                hear=hear,
            )
    finally:
        if is_ours:
            fence(AttemptPaths(place), clock)
        files.remove_tree(place)
        os.close(held)


def _taken(place: Path) -> int:
    """Hold the lock of a bench, which is seen by its name only once it is held."""
    draft = place / "draft"
    held = files.open_lock(draft)
    assert held is not None
    files.move(draft, place / _LOCK)
    return held


def _sweep(root: Path, clock: Clock) -> None:
    """Clear benches in `root` whose owner was killed; end what still runs on them.

    What another user has, or cannot be cleared now, stays.
    """
    for lock in root.glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(OSError, PipelineError):
            held = files.open_lock(lock)
            if held is None:
                continue
            try:
                fence(AttemptPaths(lock.parent), clock)
                files.remove_tree(lock.parent)
            finally:
                os.close(held)


@contextlib.contextmanager
def _leaving_when_asked() -> Iterator[None]:
    """Let a TERM end us as an exception does, so that nothing is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _environment(place: Path) -> dict[str, str]:
    """Give the environment of the tests: steady, and one thread to a process."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OTHERS) and name not in _OF_THE_STAGE
    }
    return {
        **{f"{name}_NUM_THREADS": "1" for name in _POOLS},
        MARK: str(place),
        **kept,
        "COLUMNS": "80",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONOPTIMIZE": "",  # it would take the asserts out of the tests
    }
