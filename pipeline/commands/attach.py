"""Watch a run; ^C detaches and the run goes on.

It catches up first: events, logs, files and seals that came meanwhile are brought home,
and nothing is brought twice. In a terminal the run is a live picture, otherwise one
line for an event. A link that breaks is opened again, for as long as it takes. There
may be any number of watchers; none of them changes the run.

It ends with the code of the run when it sees the run's end; with 130 when it was
detached; with 6 when the box says that no runner lives, and no end was told.

With --all it watches every run that had not ended when last seen: in a terminal a line
for each and one of them at length, otherwise lines with the run's name before them. It
ends when all have, with the code of the first that failed.

Examples:
  pipeline attach                            the run that was started last
  pipeline attach --all                      all that go on, here and on any box
  pipeline attach a3f9                       the one with a3f9 in its name
  pipeline attach --json | jq -r .kind       its events, for a script
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.known import far_of, seen
from pipeline.commands.watching import watch, watch_all
from pipeline.errors import DONE, SpecError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Watch a run."""
    if args.all:
        return _all(args, paths)
    record = memory.find_run(paths, args.run)
    return watch(far_of(record), record, paths, as_json=args.json)


def _all(args: Namespace, paths: LaptopPaths) -> int:
    if args.run:
        message = f"pipeline attach: {args.run!r} is one run, and --all means all"
        raise SpecError(message, hint="say the one or the other")
    records = memory.read_runs(paths)
    going = [one for one in records if not seen(one, paths).has_ended]
    if not going:
        if not args.json:
            print("no run goes on, as far as was seen from here")
        return DONE
    return watch_all(going, paths, as_json=args.json)
