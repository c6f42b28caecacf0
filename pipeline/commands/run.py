"""Start a run of the code as it stands, and watch it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.clock import SystemClock
from pipeline.commands.known import host_named
from pipeline.commands.watching import watch
from pipeline.errors import DONE, INTERRUPTED, SpecError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Start a run and watch it."""
    from pipeline import spec
    from remote import hosts
    from remote.start import start

    pipeline = spec.load(paths.pipeline_file, overrides=args.set)
    if args.jobs is not None:
        if args.jobs < 1:
            message = f"--jobs should be 1 or more, found {args.jobs}"
            raise SpecError(message)
        pipeline = replace(pipeline, jobs=args.jobs)
    host = host_named(pipeline, args.host, paths)
    link = hosts.link_to(host)
    try:
        far, record, taken = start(pipeline, host, link, paths, SystemClock())
    except KeyboardInterrupt:
        print("interrupted while starting; whether a run began: pipeline attach")
        return INTERRUPTED
    for note in taken.notes:
        print(f"note: {note}", file=sys.stderr)
    if args.detach:
        print(f"run {record.run} started on {record.host_name}")
        print(f"  watch it with: pipeline attach {record.run}")
        return DONE
    return watch(far, record, paths)
