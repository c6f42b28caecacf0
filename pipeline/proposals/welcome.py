"""The text of a first pipeline.yaml: what was found, or a template that teaches.

What is a guess says so at its line. What could not be guessed is a comment, so that the
file as it is written can be checked and run.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pipeline.proposals.proposal import Proposed, name_of_data
from pipeline.reading.naming import name_flaw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.proposals.findings import Findings

SCHEMA_LINE = "# yaml-language-server: $schema=.pipeline/schema.json"
_PLAIN = re.compile(r"[A-Za-z0-9_./$][A-Za-z0-9_./$*+=@%-]*")
_PLAIN_COMMAND = re.compile(r"[A-Za-z$/.][A-Za-z0-9_./$*+=@%{} -]*")
_WORDS_OF_YAML = re.compile(
    r"(?i:true|false|yes|no|on|off|null|y|n)|[-+.\d_]+(e[-+]?\d+)?"
)
_WIDE = 84
_GUESSES = {
    "after": "a guess, by the names",
    "inputs": "what it reads, as far as its text tells",
    "collect": "what it writes, as far as its text tells",
    "code": "what it imports; other files may change without a new run",
}

_TEMPLATE = """\
# Two stages that work: try `pipeline run`, then write your own in their place.
stages:
  prepare:
    # `sh` is a line for the shell. What it puts into $OUT is kept and sealed.
    sh: seq {count} > $OUT/numbers.txt
    params: {count: 100}         # `pipeline run --set prepare.count=7` overrides it
    outputs: [numbers.txt]       # a promise: without this file the stage has failed

  total:
    # {prepare/numbers.txt} is the path of that file; it also says who comes first.
    sh: |
      awk '{s += $1} END {print s}' {prepare/numbers.txt} > $OUT/total.txt
      echo "{\\"total\\": $(cat $OUT/total.txt)}" > $RESULTS/metrics.json
    outputs: [total.txt]
    gates: [total > 0]           # judged over metrics.json; a failed gate ends the run
    commit: "the total is {total}"
"""


def text_of(found: Findings, stages: list[Proposed], *, others: list[str]) -> str:
    """Write the whole file."""
    seeds = [
        stage.seed for stage in stages if stage.seed is not None and stage.seed >= 0
    ]
    lines = [SCHEMA_LINE, *_head(found, seeds[0] if seeds else 0)]
    lines += _environment(found)
    lines += _data(found)
    body = list(_stages(stages)) if _are_any(stages, found) else []
    if body:
        lines += ["stages:", *body]
    else:
        lines += _TEMPLATE.splitlines()
        lines += [line for stage in stages for line in _as_comment(stage)]
    if others:
        lines += ["", "# Also found, and left out:"]
        lines += [f"#   {name}" for name in others[:20]]
    return "\n".join(lines) + "\n"


def _are_any(stages: list[Proposed], found: Findings) -> bool:
    return bool(found.tests) or any(not stage.lacks for stage in stages)


def name_of(found: Findings) -> str:
    """Make a name of the folder's."""
    name = re.sub(r"[^A-Za-z0-9_]+", "-", found.name).strip("-")[:64]
    return name if name and not name_flaw(name) else "first"


def _head(found: Findings, seed: int) -> list[str]:
    return [
        f"name: {scalar(name_of(found))}",
        _said(f"params: {{seed: {seed}}}", "any stage may say {seed}"),
        "",
    ]


def _said(line: str, comment: str) -> str:
    """Put a comment behind a line, or above it where there is no room."""
    if len(line) + len(comment) <= _WIDE:
        return f"{line:<31} # {comment}"
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}# {comment}\n{line}"


def _environment(found: Findings) -> list[str]:
    """Propose the Python of the stages: what works here, and what else there is."""
    lines = []
    if found.venv:
        what = f"env: {{python: {found.venv}/bin/python}}"
        lines.append(_said(what, "found here; a host needs its own"))
    else:
        lines.append("# The stages run in the Python that runs `pipeline`; or else:")
    if found.locks:
        what = f"# env: {{lock: {scalar(found.locks[0])}}}"
        lines.append(_said(what, "made from it, here and on any host"))
    if found.conda:
        lines.append(f"# env: {{conda: {scalar(found.conda)}}}")
    return [*lines, ""] if found.venv or len(lines) > 1 else []


def _data(found: Findings) -> list[str]:
    """Propose the folders that git ignores and that hold data."""
    if not found.data:
        return []
    rows = [f"  {name_of_data(p)}: {{path: {scalar(p)}}}" for p in found.data]
    rows[0] = _said(rows[0], "for a host: add `HOST: ~/where/it/lies`")
    return [_said("data:", "not in git; linked into every run"), *rows, ""]


def _stages(stages: list[Proposed]) -> Iterator[str]:
    for place, stage in enumerate(stages):
        yield from [""] if place else []
        yield from _as_comment(stage) if stage.lacks else _stage(stage)


def _as_comment(stage: Proposed) -> list[str]:
    lines = [f"  # {line.removeprefix('  ')}" for line in _stage(stage)]
    return [f"  # {stage.source}: {stage.lacks}, then take these in", *lines]


def _stage(stage: Proposed) -> list[str]:
    lines = [f"  {scalar(stage.name)}:"]
    lines += _command(_folded(stage.words))
    if stage.params:
        lines.append(f"    params: {_mapping(stage.params)}")
    for key, texts in _keys(stage).items():
        if texts:
            lines.append(_said(f"    {key}: {_list(texts)}", _GUESSES.get(key, "")))
    return [line.removesuffix(" # ").rstrip() for line in lines]


def _keys(stage: Proposed) -> dict[str, list[str]]:
    return {
        "after": stage.after,
        "inputs": stage.inputs,
        "outputs": stage.outputs,
        "collect": stage.collect,
        "code": stage.code,
    }


def _folded(words: list[str]) -> list[str]:
    """Break a long command before its options."""
    line, lines = "", []
    for word in words:
        if line and len(line) + len(word) > 70 and word.startswith("-"):
            lines.append(f"{line} \\")
            line = "  "
        line += word if not line.strip() else f" {word}"
    return [*lines, line]


def _command(lines: list[str]) -> list[str]:
    if len(lines) == 1 and _PLAIN_COMMAND.fullmatch(lines[0]):
        return [f"    sh: {lines[0]}"]
    return ["    sh: |", *(f"      {line}" for line in lines)]


def _list(texts: list[str]) -> str:
    return f"[{', '.join(scalar(text) for text in texts)}]"


def _mapping(values: dict[str, Any]) -> str:
    rows = (f"{scalar(key)}: {_value(value)}" for key, value in values.items())
    return f"{{{', '.join(rows)}}}"


def _value(value: object) -> str:
    return scalar(value) if isinstance(value, str) else json.dumps(value)


def scalar(text: str) -> str:
    """Write a text so that YAML reads the same text."""
    if _PLAIN.fullmatch(text) and not _WORDS_OF_YAML.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
