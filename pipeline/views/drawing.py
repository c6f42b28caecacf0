"""The declared graph as text for a terminal: rails at the left, words at the right.

    ○ tdd_gate     stages.tdd_gate
    ┊              gates  total > 0, failed == 0
    ◇ train        stages.train
    │              after  tdd_gate
    │              makes  model.npz, codes.npz
    ○ calibration  stages.calibration

Pure. A full line carries files, a thin one only order. No line is wider than asked, but
for a word that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.pulse import many
from pipeline.rails import Rail, rails
from pipeline.views.tame import tame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.schema import Stage
    from pipeline.views.chart import Chart
    from pipeline.views.ink import Line

_LONGEST_NAME = 24  # a longer one pushes its own row aside, and no other's
_LEAST_ROOM = 24  # cells for words, however narrow it is
_PLAIN, _GATED = "○", "◇"


def draw(chart: Chart, width: int) -> list[Line]:
    """Draw a graph."""
    needs = {stage.name: stage.needs for stage in chart.stages}
    thin = {(e.source, e.target) for e in chart.edges if e.is_order_only}
    drawn = rails(needs, needs, most=max(width // 4, 2), thin=thin)
    longest = min(max((len(name) for name in needs), default=0), _LONGEST_NAME)
    lines = [_head(chart), []]
    for stage in chart.stages:
        lines += _rows(stage, drawn[stage.name], longest, width)
    return [*lines, *_legend(chart, drawn)]


def _head(chart: Chart) -> Line:
    count = len(chart.stages)
    said = many(count, "stage")
    if count < chart.all_stages:
        said = f"{count} of {chart.all_stages} stages"
    return [(chart.name, "bold"), (f"  {said}", "dim")]


def _rows(stage: Stage, rail: Rail, longest: int, width: int) -> Iterator[Line]:
    """Draw a stage: one row for what it is, and one or more for each of its edges."""
    mark, style = (_GATED, "yellow") if stage.gates else (_PLAIN, "cyan")
    name = stage.name.ljust(longest)
    left = rail.width + 1 + longest + 2
    room = max(width - left, _LEAST_ROOM)
    yield [
        *((rail.before, "dim"), (mark, style), (rail.after, "dim")),
        *((f" {name}  ", "bold"), (_cut(_what(stage), room), "")),
    ]
    below = rail.below.ljust(left)
    for word, said in _details(stage):
        for at, line in enumerate(_flowed(said, room - 7)):
            yield [(below, "dim"), (f"{'' if at else word:<7}", "dim"), (line, "")]


def _flowed(items: Sequence[str], width: int) -> list[str]:
    """Put items side by side, none of them broken."""
    lines: list[str] = []
    for at, item in enumerate(items):
        said = item if at == len(items) - 1 else f"{item},"
        if lines and len(lines[-1]) + 1 + len(said) <= width:
            lines[-1] += f" {said}"
        else:
            lines.append(said)
    return lines


def _what(stage: Stage) -> str:
    """Say what the stage does: its module, or the beginning of its command."""
    if stage.run:
        return stage.run
    first, _, rest = stage.sh.strip().partition("\n")
    return f"$ {tame(first)}{' …' if rest else ''}"


def _details(stage: Stage) -> Iterator[tuple[str, list[str]]]:
    read = {ref.stage for ref in stage.inputs}
    order = [name for name in stage.needs if name not in read]
    told = {
        "after": order,
        "needs": [str(ref) for ref in stage.inputs],
        "makes": [*stage.outputs, *stage.collect],
        "gates": [str(gate) for gate in stage.gates],
        "gpus": [str(stage.gpus)] if stage.gpus else [],
    }
    for word, said in told.items():
        if said:
            yield word, said


def _legend(chart: Chart, drawn: dict[str, Rail]) -> list[Line]:
    """Explain the signs that were used."""
    kinds = {edge.is_order_only for edge in chart.edges}
    is_bare = all(rail.width == 1 for rail in drawn.values()) and len(chart.edges) > 1
    said = []
    if False in kinds:
        said.append("│ files")
    if True in kinds:
        said.append("┊ order only (after)")
    if any(stage.gates for stage in chart.stages):
        said.append("◇ has gates")
    if is_bare and not any(rail.below.strip() for rail in drawn.values()):
        said = ["too wide for lines: each stage says what it needs"]
    return [[], [("   ".join(said), "dim")]] if said else []


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
