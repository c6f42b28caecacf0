"""Show how a run stood when last seen; asks nobody."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline import files, memory, progress
from pipeline.clock import SystemClock, spoken
from pipeline.commands.known import local_run, seen
from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Show a run as its folder here tells it."""
    record = memory.find_run(paths, args.run)
    state = seen(record, paths)
    if not state.run:
        print(f"{record.name}  run {record.run}  on {record.host_name}")
        print(f"nothing was heard of it yet; ask with: pipeline attach {record.run}")
        return DONE
    sys.stdout.write(progress.render(state))
    if not state.has_ended:
        print(f"\n{_what_is_known(record, paths)}")
    return DONE


def _what_is_known(record: RunRecord, paths: LaptopPaths) -> str:
    """Say how much the picture is worth: of a box, only how old it is."""
    if record.host is None:
        if files.is_locked(local_run(record).runner_lock):
            return f"a runner is at work; watch it with: pipeline attach {record.run}"
        return f"no runner lives; go on with: pipeline resume {record.run}"
    mirror = paths.mirror(record.run)
    written = [
        p.stat().st_mtime for p in (mirror.heartbeat, mirror.events) if p.exists()
    ]
    age = SystemClock().now().timestamp() - max(written)
    known = f"as seen {spoken(age)} ago, without asking"
    return f"{known}; for now: pipeline attach {record.run}"
