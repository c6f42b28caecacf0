"""Bring a run's artifacts home and verify them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.known import far_of, seen
from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Bring artifacts home and verify them."""
    from remote.pull import pull as bring
    from remote.reading import catch_up

    stages = list(args.stages)
    wanted = args.run
    # `pipeline pull train` names a stage of the latest run.
    latest = memory.find_run(paths, "")
    if wanted and wanted in seen(latest, paths).stages:
        stages, wanted = [wanted, *stages], ""
    record = memory.find_run(paths, wanted)
    far = far_of(record)
    if not seen(record, paths).has_ended:
        catch_up(far, record, paths, err=sys.stderr)
    count, size = bring(far, record, paths, stages)
    what = "1 file" if count == 1 else f"{count} files"
    print(f"{what}, {size} verified, in {paths.artifacts / record.run}")
    return DONE
