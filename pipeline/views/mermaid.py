"""The declared graph as a flowchart of mermaid, which GitHub draws in a README.

Pure. No name of the user's is ever an id or a bare word (`end` would end the chart, a
dot or a dash would be a part of an arrow): ids are numbers, names stand in quotes, and
each sign that could mean something there is written by its number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.schema import Stage
    from pipeline.views.chart import Chart

# What stays as it is: letters, digits, and what mermaid gives no meaning to in quotes.
# "1. x" and "- x" would be lists.
_SPECIAL = re.compile(r"[^\w./, -]|[.-](?= )")
_MOST_FILES = 4  # on one edge; more would hide the graph


def flowchart(chart: Chart) -> str:
    """Write the flowchart."""
    return "\n".join(["flowchart TD", *_lines(chart)]) + "\n"


def _lines(chart: Chart) -> Iterator[str]:
    stages = {stage.name: f"s{at}" for at, stage in enumerate(chart.stages, 1)}
    data = {one.name: f"d{at}" for at, one in enumerate(chart.data, 1)}
    for name, id_ in data.items():
        yield f"  {id_}[({_label(name)})]"
    for stage in chart.stages:
        yield f"  {stages[stage.name]}{_shape(stage)}"
    for stage in chart.stages:
        for ref in stage.inputs:
            if ref.data:
                yield f"  {data[ref.data]} --> {stages[stage.name]}"
    for edge in chart.edges:
        arrow = "-.->" if edge.is_order_only else f"-->|{_label(*_few(edge.files))}|"
        yield f"  {stages[edge.source]} {arrow} {stages[edge.target]}"


def _shape(stage: Stage) -> str:
    """Draw a stage as a box; one that has gates as a hexagon."""
    notes = [_count(len(stage.gates), "gate"), _count(stage.gpus, "GPU")]
    said = ", ".join(note for note in notes if note)
    label = _label(stage.name, *([said] if said else []))
    return f"{{{{{label}}}}}" if stage.gates else f"[{label}]"


def _count(number: int, what: str) -> str:
    plural = "" if number == 1 else "s"
    return f"{number} {what}{plural}" if number else ""


def _few(files: tuple[str, ...]) -> list[str]:
    more = len(files) - _MOST_FILES
    return [*files[:_MOST_FILES], *([f"and {more} more"] if more > 0 else [])]


def _label(*lines: str) -> str:
    """Put lines in quotes, so that they are read as text and as nothing else."""
    return '"' + "<br/>".join(_SPECIAL.sub(_numbered, line) for line in lines) + '"'


def _numbered(found: re.Match[str]) -> str:
    return f"#{ord(found[0])};"
