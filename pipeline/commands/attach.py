"""Watch a run; ^C detaches and the run goes on.

It catches up first: events, logs, files and seals that came meanwhile are brought home,
and nothing is brought twice. In a terminal the run is a live picture, otherwise one
line for an event. A link that breaks is opened again, for as long as it takes. There
may be any number of watchers; none of them changes the run.

It ends with the code of the run when it sees the run's end; with 130 when it was
detached; with 6 when the box says that no runner lives, and no end was told.

Examples:
  pipeline attach                            the run that was started last
  pipeline attach a3f9                       the one with a3f9 in its name
  pipeline attach --json | jq -r .kind       its events, for a script
"""

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
    return watch(far_of(record), record, paths, as_json=args.json)
