"""Ask a run to stop; its sealed stages are safe.

A wish is left on the host, which the runner reads at once: running stages are asked to
end, and killed 10 s later. A return means asked, not ended; `attach` sees the end. The
run ends with 130, and `resume` goes on with it.

Examples:
  pipeline stop                    the run that was started last
  pipeline stop a3f9               the one with a3f9 in its name
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.document import put
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
    if args.json:
        put({"run": record.run, "host": record.host_name, "is_asked": lives})
    elif lives:
        print(f"run {record.run} was asked to stop; see: pipeline attach {record.run}")
    else:
        print(f"run {record.run} is not running; nothing to stop")
    return DONE
