"""One stage of a run in words: what it is, what it measured, drew and made. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline import template
from pipeline.clock import spoken
from pipeline.pulse import many, size
from pipeline.report import plain
from pipeline.report.blocks import (
    Code,
    Folded,
    Heading,
    Link,
    Mark,
    Numbers,
    Pairs,
    Paragraph,
    Picture,
    Table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.artifact import Artifact
    from pipeline.report.blocks import Block, Text
    from pipeline.report.exhibits import Sheet
    from pipeline.report.facts import StageFacts

_MOST_METRICS = 80
_MOST_FILES = 30
_MOST_VALUE = 72  # letters of a param
_MOST_CELL = 60
_MOST_LIVES = 10


def stage(one: StageFacts) -> Iterator[Block]:
    """Say all of a stage."""
    yield Heading((Code(one.name),), 2, f"stage-{one.name}")
    said = f": {one.state.subject}" if one.state.subject else ""
    yield Paragraph((Mark(one.verdict), said))
    yield Pairs(tuple(_rows(one)))
    yield from _metrics(one)
    for figure in one.figures:
        name = figure.path.rpartition("/")[2].rpartition(".")[0]
        words = name.replace("_", " ").replace("-", " ")
        yield Picture(figure, (f"{words} ", "(", Link(figure.path, figure.path), ")"))
    for sheet in one.sheets:
        yield from _sheet(sheet)
    yield from _files(one)


def _rows(one: StageFacts) -> Iterator[tuple[str, Text]]:
    declared, state = one.stage, one.state
    if declared.run:
        yield "module", (Code(declared.run),)
    else:
        first, _, more = declared.sh.strip().partition("\n")
        yield "command", (Code(plain.line(first, 200)), " …" if more else "")
    if declared.needs:
        yield "stands on", (", ".join(declared.needs),)
    if declared.params:
        yield "params", params_text(declared.params)
    if state.commit:
        yield "seal", (Code(state.commit),)
    if state.reuses:
        yield "reused from", (Code(state.reuses),)
    elif one.lives:
        yield _took(one)
    if state.reason and one.verdict != "pass":
        yield "reason", (state.reason,)
    if state.kept_back:
        yield "not in git", (f"a secret stands in {', '.join(state.kept_back)}",)


def _took(one: StageFacts) -> tuple[str, Text]:
    tries = many(one.state.attempt, "attempt")
    ends = [f"{life.number} {life.end}" for life in one.lives[-_MOST_LIVES:]]
    more = f" ({', '.join(ends)})" if len(one.lives) > 1 else ""
    took = f"{spoken(one.state.duration_s)}, " if one.state.commit else ""
    return "took", (f"{took}{tries}{more}",)


def params_text(params: Mapping[str, Any]) -> Text:
    """Write params in a row, those of mappings with dots."""
    said = [f"{name}={value}" for name, value in _flat(params, "")]
    pieces: list[Code | str] = []
    for one in said:
        pieces += [", "] if pieces else []
        pieces.append(Code(plain.line(one, _MOST_VALUE)))
    return tuple(pieces) or ("none",)


def _flat(params: Mapping[str, Any], head: str) -> Iterator[tuple[str, str]]:
    for name, value in params.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{head}{name}.")
        elif isinstance(value, str):
            yield f"{head}{name}", value
        else:
            yield f"{head}{name}", json.dumps(value, default=str)


def _metrics(one: StageFacts) -> Iterator[Block]:
    """Give what its seal's subject says and what has rules; then all the others."""
    rules = _rules(one)
    named = dict.fromkeys((*template.placeholders(one.stage.commit), *rules))
    first = [name for name in named if name in one.metrics]
    rest = sorted(name for name in one.metrics if name not in named)
    caption: Text = ("Told before it failed; nothing of it is sealed.",)
    caption = () if one.state.commit else caption
    if first:
        rows = tuple(
            ((Code(name),), (_measured(one, name),), tuple(rules.get(name, ())[:-1]))
            for name in first
        )
        yield Table(("metric", "value", "gates"), rows, frozenset({1}), caption)
    if some := rest[:_MOST_METRICS]:
        numbers = tuple((name, _measured(one, name)) for name in some)
        yield Numbers(numbers, () if first else caption)
    if left := len(rest) - len(some):
        link = Link("metrics.json", f"{one.name}/metrics.json")
        yield Paragraph((f"And {left} more, in ", link, "."))


def _rules(one: StageFacts) -> dict[str, list[Code | Mark | str]]:
    """Say of each metric that has rules how each was kept."""
    rules: dict[str, list[Code | Mark | str]] = {}
    for gate, judged in zip(one.stage.gates, one.gates, strict=True):
        mark = {True: "pass", False: "gate", None: "open"}[judged.holds]
        rules.setdefault(gate.metric, []).extend(
            [Mark(mark), ": ", Code(judged.rule), "  "]
        )
    return rules


def _measured(one: StageFacts, name: str) -> str:
    return plain.number(one.metrics[name])


def _sheet(sheet: Sheet) -> Iterator[Block]:
    link = Link(sheet.path, sheet.path)
    if sheet.left_out:
        yield Paragraph((link, f" is not shown: {sheet.left_out}."))
        return
    width = max(len(sheet.head), *map(len, sheet.shown), 1)
    rows = [[*row, *[""] * (width - len(row))] for row in (sheet.head, *sheet.shown)]
    numeric = {
        at
        for at in range(width)
        if len(rows) > 1 and all(_is_number(row[at]) for row in rows[1:])
    }
    cells = [tuple((plain.line(cell, _MOST_CELL),) for cell in row) for row in rows[1:]]
    head = tuple(plain.line(cell, _MOST_CELL) for cell in rows[0])
    less = [
        f"the first {shown} of {all_of}"
        for shown, all_of in (
            (len(sheet.shown), many(sheet.rows, "row")),
            (width, many(sheet.columns, "column")),
        )
        if shown != int(all_of.partition(" ")[0])
    ]
    caption: Text = (link, f": {', '.join(less)}" if less else "")
    yield Table(head, tuple(cells), frozenset(numeric), caption)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return not cell.strip()
    return True


def _files(one: StageFacts) -> Iterator[Block]:
    """List what it made: artifacts by their paths, results as links beside us."""
    made: list[tuple[Text, Artifact]] = [
        ((Code(f"artifacts/{one.name}/{name}"),), file)
        for name, file in sorted(one.artifacts.items())
    ]
    made += [
        ((Link(f"{one.name}/{name}", f"{one.name}/{name}"),), file)
        for name, file in sorted(one.results.items())
    ]
    if not made:
        return
    rows = tuple(
        (path, (size(file.size),), (Code(file.sha256[:12]),))
        for path, file in made[:_MOST_FILES]
    )
    inner: list[Block] = [Table(("file", "size", "sha256"), rows, frozenset({1}))]
    if left := len(made) - len(rows):
        manifest = Link("manifest.json", f"{one.name}/manifest.json")
        inner.append(Paragraph((f"And {left} more, in ", manifest, ".")))
    total = size(sum(file.size for _, file in made))
    yield Folded((f"What it made: {many(len(made), 'file')}, {total}",), tuple(inner))
