"""Go on alone: leave whoever started us, with nothing of theirs held open."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def detach(act: Callable[[], object], *, cwd: Path, log: Path, name: str) -> None:
    """Go on as another process that needs nothing from us any more: all doors closed.

    It is this program itself, not started anew, which would cost it the time to begin
    twice; `name` is what `top` and `ps -o comm` call it. There must be no threads.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        return  # nobody waits for it: it outlives us, and goes to the first process
    code = 1
    try:
        os.setsid()
        os.chdir(cwd)
        close_doors(log)
        take_name(name)
        act()
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


def take_name(name: str) -> None:
    """Be called so by `top` and `ps -o comm`, where a process may choose."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def close_doors(log: Path) -> None:
    """Let nothing of who started us be held open: an ssh would wait for it."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(nothing, 0)
    os.dup2(said, 1)
    os.dup2(said, 2)
    os.closerange(3, max(nothing, said, 255) + 1)
