"""Run the user's own command when a run ends, fails or stalls."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from pipeline import supervise
from pipeline.events import MOST_REASON

if TYPE_CHECKING:
    from pipeline.layout import RunPaths
    from pipeline.schema import Resolved

_PATIENCE_S = 60.0


def notify(plan: Resolved, paths: RunPaths, what: str, reason: str) -> None:
    """Tell by `notify.command`; what happened comes in its environment.

    A notice that fails is nobody's failure: the run has its own.
    """
    command = plan.pipeline.notify.command
    if not command:
        return
    told = {
        "PIPELINE_EVENT": what,
        "PIPELINE_RUN": plan.run,
        "PIPELINE_HOST": plan.host,
        "PIPELINE_NAME": plan.pipeline.name,
        "PIPELINE_REASON": reason[:MOST_REASON],
    }
    with contextlib.suppress(OSError):
        supervise.run_aside(
            ("sh", "-c", command),
            cwd=paths.base,
            environment={**os.environ, **told},
            timeout_s=_PATIENCE_S,
        )
