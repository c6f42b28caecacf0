"""Attach to a run; ^C detaches and says how to come back."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from remote.far import Far


def watch(
    far: Far, record: RunRecord, paths: LaptopPaths, *, as_json: bool = False
) -> int:
    """Watch a run to its end; give the code that says how it ended."""
    from remote.watching.attach import attach
    from remote.watching.stream import stream

    # Asked to end, the watcher ends as by ^C: with the terminal put back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    show = stream if as_json else attach
    return show(far, record, paths, out=sys.stdout)
