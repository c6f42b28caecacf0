"""Ask a run to stop; its sealed stages are safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.known import far_of
from pipeline.errors import DONE, TransportError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Leave the wish to stop."""
    record = memory.find_run(paths, args.run)
    try:
        lives = far_of(record).stop(record.run).lives
    except TransportError as error:
        hint = (
            f"whether the run was asked is not known; again: pipeline stop {record.run}"
        )
        raise TransportError(error.message, hint=hint) from error
    if lives:
        print(f"run {record.run} was asked to stop; see: pipeline attach {record.run}")
    else:
        print(f"run {record.run} is not running; nothing to stop")
    return DONE
