"""Two drawings in SVG, and in letters: the graph of stages, and the stages in time.

Pure. Colours are classes that the page defines, for day, night and paper; a verdict is
told by its sign, too. A graph that is too large for anybody to read is not drawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline.clock import spoken
from pipeline.progress import span_s
from pipeline.rails import rails
from pipeline.report import layers, plain
from pipeline.report.blocks import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.report.facts import Facts, StageFacts
    from pipeline.report.layers import Place

_MOST_BOXES = 80
_MOST_ACROSS = 7  # boxes beside each other; more are no page's
_MOST_ROWS = 80  # of the timeline
_WIDE, _HIGH = 180, 46  # of a box
_STEP_X, _STEP_Y = 198, 82
_NAME = 20  # letters of a name that a box holds


def graph(facts: Facts) -> str:
    """Draw the graph; nothing where it is too large."""
    stages = {stage.name: stage for stage in facts.stages}
    if not 1 < len(stages) <= _MOST_BOXES:
        return ""
    plot = layers.plotted(_needs(facts))
    if plot.width > _MOST_ACROSS:
        return ""
    width = plot.width * _STEP_X
    height = plot.height * _STEP_Y - (_STEP_Y - _HIGH) + 4
    rows = [_edge(way) for way in plot.edges]
    rows += [_box(stages[name], place) for name, place in plot.boxes.items()]
    return _svg(width, height, "graph", "the graph of stages", rows)


def _needs(facts: Facts) -> dict[str, tuple[str, ...]]:
    return {stage.name: stage.stage.needs for stage in facts.stages}


def _svg(
    width: float, height: float, name: str, title: str, rows: Sequence[str]
) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{name}" role="img"'
        f' viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
        f' height="{height:.0f}"><title>{title}</title>'
    )
    return "\n".join([head, *rows, "</svg>"])


def _at(place: Place) -> tuple[float, float]:
    """Give the middle of the upper edge of what stands at a place."""
    return place.across * _STEP_X, place.layer * _STEP_Y + 2


def _edge(way: Sequence[Place]) -> str:
    """Draw an edge from the lower side of a box to the upper side of another."""
    first, *others = way
    x, y = _at(first)
    y += _HIGH
    path = f"M{x:.1f} {y:.1f}"
    for number, stop in enumerate(others, 1):
        to_x, to_y = _at(stop)
        is_last = number == len(others)
        to_y -= 7 if is_last else 0
        bend = (to_y - y) / 2
        path += f"C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f}"
        path += f" {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
        if not is_last:
            y += _HIGH
            path += f"V{y:.1f}"
    head = f"M{x - 4:.1f} {y - 1:.1f}L{x:.1f} {y + 6:.1f}L{x + 4:.1f} {y - 1:.1f}Z"
    return f'<path class="edge" d="{path}"/><path class="head" d="{head}"/>'


def _box(stage: StageFacts, place: Place) -> str:
    x, y = _at(place)
    x -= _WIDE / 2
    sign, word = VERDICTS[stage.verdict]
    whole = _shown(plain.line(stage.name))
    name = _shown(plain.line(stage.name, _NAME))
    said = _shown(plain.line(f"{sign} {word}{_time(stage)}", 30))
    return (
        f'<g class="box {stage.verdict}"><title>{whole}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{_WIDE}" height="{_HIGH}" rx="6"/>'
        f'<text class="name" x="{x + 12:.1f}" y="{y + 20:.1f}">{name}</text>'
        f'<text class="said" x="{x + 12:.1f}" y="{y + 36:.1f}">{said}</text></g>'
    )


def _time(stage: StageFacts) -> str:
    if stage.state.reuses:
        return ", reused"
    return f", {spoken(stage.state.duration_s)}" if stage.state.commit else ""


def _shown(text: str) -> str:
    return plain.escaped(text)


def letters(facts: Facts) -> str:
    """Draw the graph in letters: rails at the left, verdicts at the right."""
    needs = _needs(facts)
    if len(needs) > _MOST_BOXES:
        return ""
    drawn = rails(needs, needs, most=12)
    width = max((len(name) for name in needs), default=0)
    rows = []
    for stage in facts.stages:
        rail = drawn[stage.name]
        sign, word = VERDICTS[stage.verdict]
        head = f"{rail.before}{sign}{rail.after}  {stage.name:<{width}}"
        rows.append(f"{head}  {word}{_time(stage)}")
    return "\n".join(rows)


_LABEL, _SPAN, _ROW, _TOP = 168, 560, 24, 8


def timeline(facts: Facts) -> str:
    """Draw when each try of each stage ran; nothing where none did."""
    stages = [stage for stage in facts.stages if stage.lives][:_MOST_ROWS]
    if not stages or facts.took_s <= 0:
        return ""
    step = _step(facts.took_s)
    scale = _SPAN / facts.took_s
    bottom = _TOP + len(stages) * _ROW
    rows = list(_axis(facts.took_s, step, scale, bottom))
    for at, stage in enumerate(stages):
        rows += _bars(stage, facts.state.started_at, scale, _TOP + at * _ROW)
    title = "when each stage ran"
    return _svg(_LABEL + _SPAN + 96, bottom + 26, "timeline", title, rows)


def _axis(took_s: float, step: float, scale: float, bottom: float) -> Iterator[str]:
    for number in range(int(took_s / step) + 1):
        x = _LABEL + number * step * scale
        yield f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom:.1f}"/>'
        said = _shown(_tick(number * step, step))
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 16:.1f}">{said}</text>'


def _tick(seconds: float, step: float) -> str:
    """Say a time on the axis, in the unit of its step."""
    for unit_s, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if step >= unit_s:
            return f"{seconds / unit_s:.3g} {unit}"
    return f"{seconds:.3g} s"


def _step(took_s: float) -> float:
    """Give the distance of ticks: a round number of which there are 3 to 8."""
    rounds = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
    for step in (*(0.1 * r for r in (1, 2, 5)), *rounds):
        if took_s / step <= 8:
            return step
    return 3600.0 * math.ceil(took_s / 3600 / 6)


def _bars(stage: StageFacts, begun_at: str, scale: float, y: float) -> Iterator[str]:
    name = _shown(plain.line(stage.name, 22))
    yield f'<text class="label" x="{_LABEL - 10}" y="{y + 16:.1f}">{name}</text>'
    last = stage.lives[-1]
    for life in stage.lives:
        x = _LABEL + max(span_s(begun_at, life.began_at), 0.0) * scale
        width = max(span_s(life.began_at, life.ended_at) * scale, 2.0)
        kind = "reused" if life.reuses else life.end
        yield (
            f'<rect class="bar {kind}" x="{x:.1f}" y="{y + 4:.1f}"'
            f' width="{width:.1f}" height="{_ROW - 8}" rx="2"/>'
        )
        said = VERDICTS[life.end][0]
        if life is last:
            took = spoken(span_s(life.began_at, life.ended_at))
            said += " reused" if life.reuses else f" {took}"
        at = f'x="{x + width + 6:.1f}" y="{y + 16:.1f}"'
        yield f'<text class="took" {at}>{_shown(said)}</text>'
