"""Show the overview of all verbs, or the manual of one.

The same as `pipeline --help` and `pipeline VERB --help`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import arguments, manual
from pipeline.errors import DONE
from pipeline.parser import no_verb

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:  # noqa: ARG001 - a verb
    """Print a page of the manual."""
    verbs = arguments.declare(args.of or "help")
    if args.of is None:
        print(manual.overview(verbs.lines), end="")
    elif args.of in verbs.parsers:
        print(verbs.parsers[args.of].format_help(), end="")
    else:
        raise no_verb(args.of, verbs)
    return DONE
