"""Where a test may cut a run short: named instants between which nothing may be lost.

`PIPELINE_DIE_AT=train:sealed` kills this process there. `PIPELINE_HALT_AT=train:sealed`
stops it, as SIGSTOP does, for others to be killed, or the power to be cut. The points
that belong to no stage have nothing before the colon.
"""

from __future__ import annotations

import os
import signal
import threading

# In the order in which they come.
BEGIN_POINTS = ("taken_in", "checked_out", "made")
STAGE_POINTS = (
    *("begun", "started", "ended", "verified", "published", "storing", "stored"),
    *("judged", "sealing", "sealed", "told"),
)
REUSE_POINTS = ("decided", "restored", "sealing", "sealed", "told")
RUN_POINTS = ("prepared", "walked", "reported", "closing", "closed", "ended")


def die_at(stage: str, point: str) -> None:
    """Be killed or stopped here, if a test asked for it."""
    here = f"{stage}:{point}"
    if os.environ.get("PIPELINE_DIE_AT") == here:
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ.get("PIPELINE_HALT_AT") == here:
        # This very thread: sent to the process, it might stop another one first.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
