"""Go on with a run that was stopped, failed or died."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.known import far_of, seen
from pipeline.commands.watching import watch
from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Launch a runner for a run that is there, and watch it."""
    from remote.folders import prepare_mirror

    record = memory.find_run(paths, args.run)
    if seen(record, paths).exit_code == DONE:
        print(f"run {record.run} is done; there is nothing to go on with")
        return DONE
    far = far_of(record)
    lived = far.resume(record.run).lives
    prepare_mirror(far, record, paths)
    if lived:
        print(f"run {record.run} is running already", file=sys.stderr)
    elif args.detach:
        print(f"run {record.run} was taken up again on {record.host_name}")
    if args.detach:
        return DONE
    return watch(far, record, paths)
