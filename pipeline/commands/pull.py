"""Bring a run's artifacts home and verify them.

The artifacts of sealed stages come to artifacts/<run>/<stage>/, and each is held
against the sha256 of its manifest. `pipeline pull train` names a stage of the latest
run. Doing it again brings only what changed, and it may be done while the run goes on.
It ends with 7 when a file is not what was sealed; the others are here.

Examples:
  pipeline pull                    all stages of the latest run
  pipeline pull train export       two of them
  pipeline pull a3f9 train         of another run
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.document import put
from pipeline.commands.known import far_of, seen
from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from pipeline.codec import Json
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Bring artifacts home and verify them."""
    from remote.pull import pull as bring
    from remote.watching.reading import catch_up

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
    if args.json:
        put(_document(record, paths, stages))
        return DONE
    what = "1 file" if count == 1 else f"{count} files"
    print(f"{what}, {size} verified, in {paths.artifacts / record.run}")
    return DONE


def _document(record: RunRecord, paths: LaptopPaths, stages: Sequence[str]) -> Json:
    """Name each file that was verified, by the manifests that are here now."""
    from pipeline import artifact

    mirror = paths.mirror(record.run)
    state = seen(record, paths)
    sealed = [name for name, stage in state.stages.items() if stage.commit]
    folder = paths.artifacts / record.run
    found = [
        (stage, name, one)
        for stage in stages or sealed
        for name, one in artifact.read_manifest(
            mirror.manifest(stage)
        ).artifacts.items()
    ]
    return {
        "run": record.run,
        "folder": str(folder),
        "files": [
            {
                "stage": stage,
                "path": str(folder / stage / name),
                "size": one.size,
                "sha256": one.sha256,
            }
            for stage, name, one in found
        ],
    }
