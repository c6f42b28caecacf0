"""Bring a run's artifacts home and verify them.

The artifacts of sealed stages come to artifacts/<run>/<stage>/. A file gets its name
there when its sha256 is that of its seal, never before. `pipeline pull train` names a
stage of the latest run. It may be cut off and done again: parts are gone on with, what
is here and whole stays, what is damaged here is brought anew. It may be done while the
run goes on. It ends with 7 when the box has not what was sealed; the others are here.

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
from pipeline.errors import DONE, INTERRUPTED

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

    from pipeline.codec import Json
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from remote.bringing.pull import Pulled


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Bring artifacts home and verify them."""
    from remote.bringing.pull import pull as bring
    from remote.bringing.pull import spoken
    from remote.publish import publish
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
    is_watched = sys.stderr.isatty() and not args.json
    try:
        pulled = bring(far, record, paths, stages, _tell if is_watched else _pass)
    except KeyboardInterrupt:
        kept = f"\nwhat came is kept; go on with: pipeline pull {record.run}"
        print(kept, file=sys.stderr)
        return INTERRUPTED
    finally:
        if is_watched:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    folder = paths.artifacts / record.run
    if args.json:
        put(_document(record, folder, pulled))
    else:
        print(f"{spoken(pulled)}, in {folder}")
    if seen(record, paths).has_ended and (said := publish(paths, record)):
        print(f"note: {said}", file=sys.stderr)
    return DONE


def _tell(what: str, done: int, total: int) -> None:
    from pipeline.pulse import size

    share = f" ({100 * done // total} %)" if total else ""
    said = f"{what} {size(done)} of {size(total)}{share}"
    print(f"\r\x1b[K{said}", end="", file=sys.stderr, flush=True)


def _pass(what: str, done: int, total: int) -> None:
    """Say nothing: nobody watches."""


def _document(record: RunRecord, folder: Path, pulled: Pulled) -> Json:
    """Name each file that was verified."""
    return {
        "run": record.run,
        "folder": str(folder),
        "fetched": pulled.fetched,
        "files": [
            {
                "stage": stage,
                "path": str(folder / stage / name),
                "size": one.size,
                "sha256": one.sha256,
            }
            for stage, name, one in pulled.files
        ],
    }
