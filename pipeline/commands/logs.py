"""Print what stages printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.known import far_of, seen

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Print what stages printed."""
    from remote.reading import catch_up, print_logs

    record = memory.find_run(paths, args.run)
    far = far_of(record)
    if args.follow:
        return print_logs(far, record, paths, stage=args.stage, out=sys.stdout.buffer)
    if not seen(record, paths).has_ended:
        catch_up(far, record, paths, err=sys.stderr)
    return print_logs(None, record, paths, stage=args.stage, out=sys.stdout.buffer)
