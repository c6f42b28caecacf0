"""Watch a run; ^C detaches and the run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.known import far_of
from pipeline.commands.watching import watch

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Watch a run."""
    record = memory.find_run(paths, args.run)
    return watch(far_of(record), record, paths)
