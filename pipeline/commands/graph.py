"""Draw the graph that pipeline.yaml declares.

Stages stand in the order of a run, each with what it runs, needs and makes, its gates
and its GPUs. A full line means that files go along it, a thin one only order (`after`);
an edge that follows from others is not drawn, and stands in `needs`. Names of stages
narrow it to these and what they need. Nothing is asked and nothing is run.

With --mermaid it is a flowchart for a README: GitHub draws what stands between
```mermaid and ```. Stages with gates are hexagons, data sets cylinders, edges of order
dotted; file names stand on the others.

Examples:
  pipeline graph                            all of it
  pipeline graph train                      what train stands on
  pipeline graph --mermaid > graph.mmd      for a README
  pipeline graph --json | jq '.edges[]'     for a script
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline.commands.document import put
from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Draw the graph."""
    from pipeline.reading import spec
    from pipeline.views import chart, drawing, ink, mermaid

    drawn = chart.chart(spec.load(paths.pipeline_file), args.stages)
    if args.json:
        put(chart.document(drawn))
    elif args.mermaid:
        print(mermaid.flowchart(drawn), end="")
    else:
        lines = drawing.draw(drawn, ink.width_of(sys.stdout))
        print(ink.printed(lines, sys.stdout), end="")
    return DONE
