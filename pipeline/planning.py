"""Make the plan of a run where it will be, before anything is made there."""

from __future__ import annotations

import base64
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import inventory
from pipeline.archive import Archive
from pipeline.decision import Planned
from pipeline.environments import environment
from pipeline.errors import HostError
from pipeline.git import Git
from pipeline.layout import PLAN, is_safe_name
from pipeline.plan import Planner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.clock import Clock
    from pipeline.decision import Decision
    from pipeline.environments.recipe import Read
    from pipeline.layout import BoxPaths
    from pipeline.schema import Resolved
    from pipeline.scope import Listing
    from pipeline.wire import Planning


def planned(
    plan: Resolved,
    box: BoxPaths,
    *,
    listing: Callable[[], Listing],
    read: Read,
    clock: Clock,
    run: str = "",
) -> Planned:
    """Decide for all stages. listing: the files of the snapshot, if they are asked for.

    run: say of each stage how it differs from that run's seal, not from the newest.
    Raise HostError when a stage that was to be reused cannot be.
    """
    with contextlib.closing(Archive(Git(box.code), prefix=plan.prefix)) as archive:
        known = inventory.gather(
            plan,
            box,
            archive=archive,
            listing=listing,
            environment=_identity(plan, box, read, clock),
            clock=clock,
        )
        planner = Planner(plan, known)
        decisions = planner.plan(against=run)
        _check_settled(plan, decisions)
        sealed_in = planner.sealed_in(decisions, lambda run: _is_there(box, run))
        return Planned(
            decisions=tuple(decisions),
            sealed_in=sealed_in,
            unhashed=planner.unhashed,
        )


def planned_as_asked(asked: Planning, box: BoxPaths, clock: Clock) -> Planned:
    """Decide for a snapshot that is not here, by what the laptop tells of it."""
    texts = {path: base64.b64decode(text) for path, text in asked.env_files.items()}
    return planned(
        asked.plan,
        box,
        listing=lambda: dict(asked.listing),
        read=texts.get,
        clock=clock,
        run=asked.run,
    )


def _is_there(box: BoxPaths, run: str) -> bool:
    return is_safe_name(run) and (box.run(run) / PLAN).exists()


def _check_settled(plan: Resolved, decisions: list[Decision]) -> None:
    for one in decisions:
        if one.stage in plan.settled and one.kind != "reuse":
            message = f"stage {one.stage!r} is not sealed as it stands: {one.because}"
            raise HostError(message, hint="run it too: leave out --only")


def _identity(
    plan: Resolved, box: BoxPaths, read: Read, clock: Clock
) -> Mapping[str, Any] | str:
    """Give what the stages' environment is, or say what must be built first."""
    found = environment.look(
        plan.env,
        box=box,
        python=sys.executable,
        read=read,
        base=Path.home(),
        clock=clock,
    )
    if found is None:
        return f"the environment {environment.title(plan.env)}, which is built first"
    return found.identity()
