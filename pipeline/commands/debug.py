"""Run one stage of a run alone, in the foreground, under its exact inputs.

The stage gets what it has in its run: the sealed artifacts of the stages before it,
the same params, environment and variables. What it prints comes at once, and
`breakpoint()` works. The exit code is the stage's. Nothing is sealed, and no result is
touched: what it makes lies in a folder of its own, which is named at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.known import far_of, seen
from pipeline.errors import SpecError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Run the stage; give its exit code."""
    from remote.terminal import hand_over

    record = memory.find_run(paths, args.run)
    _check_name(args.stage, record.run, list(seen(record, paths).stages))
    far = far_of(record)
    far.visit(record.run, args.stage)
    return hand_over(record.host, far.attended("debug", record.run, args.stage))


def _check_name(stage: str, run: str, known: list[str]) -> None:
    """Refuse a stage that the run has not, as far as it was seen here."""
    if known and stage not in known:
        import difflib

        close = difflib.get_close_matches(stage, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else ""
        hint = hint or f"it has: {', '.join(known)}"
        raise SpecError(f"run {run} has no stage {stage!r}", hint=hint)
