"""Print what stages printed.

Of all stages, or of one. For a run on a box that has not ended, it first brings what is
new; where the box does not answer, it says so and prints what was seen before. Progress
bars are kept at their last state, and what looks like a secret is blotted out.

Examples:
  pipeline logs                    all stages of the latest run
  pipeline logs train -f           go on until the run ends
  pipeline logs --run a3f9 train   of another run
  pipeline logs --json | jq -r 'select(.stage == "train").line'
"""

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
    from remote.watching.reading import Headed, Lined, Tamed, catch_up, print_logs

    record = memory.find_run(paths, args.run)
    far = far_of(record)
    out = sys.stdout.buffer
    if not args.follow and not seen(record, paths).has_ended:
        catch_up(far, record, paths, err=sys.stderr)
    source = far if args.follow else None
    if not (args.json or sys.stdout.isatty()):
        headed = Headed(out, is_headed=not args.stage)
        return print_logs(source, record, paths, stage=args.stage, paper=headed)
    paper = Lined(out) if args.json else Tamed(out, is_headed=not args.stage)
    code = print_logs(source, record, paths, stage=args.stage, paper=paper)
    paper.close()
    return code
