"""The stages of pipeline.yaml, each read by itself.

What its names mean to the other stages is told by `edges`.
"""

from __future__ import annotations

import keyword
import math
from typing import TYPE_CHECKING, Literal

from pipeline import gate
from pipeline.errors import SpecError
from pipeline.layout import REPORT, REPORT_PAGE
from pipeline.reading import secrets
from pipeline.reading.edges import Draft
from pipeline.reading.mistakes import Mark, meant
from pipeline.schema import Stage

if TYPE_CHECKING:
    from pipeline.gate import Gate
    from pipeline.reading.marked import Scalar
    from pipeline.reading.table import Table

_OURS = "pipeline"
_ON_FAILURE: tuple[Literal["stop", "continue"], ...] = ("stop", "continue")
# What lies, or may lie, in results/ beside the folders of stages.
_TAKEN = frozenset(
    {"events.jsonl", "progress.txt", "heartbeat.txt", "latest"}
    | {f"report.{ending}" for ending in ("html", "json", "md", "txt")}
    | {REPORT.lower(), REPORT_PAGE.lower()}
)


def of_stages(table: Table) -> tuple[Draft, ...]:
    """Read `stages`."""
    table.demand("stages", "at least one stage")
    drafts: list[Draft] = []
    first: dict[str, Draft] = {}
    shared = secrets.of(table)
    for name, one in table.tables("stages", "stage"):
        drafts.append(_draft(name, one, shared))
        _check_name(one, drafts[-1], first.setdefault(name.lower(), drafts[-1]))
    return tuple(drafts)


def _check_name(table: Table, draft: Draft, first: Draft) -> None:
    """Refuse a name that is another's on the disk of a Mac, which knows no case."""
    name = draft.stage.name
    if name.lower() in _TAKEN:
        sentence = f"{table.what} needs another name: results/{name} is taken"
        table.mistakes.add(table.mark, sentence)
    if first is not draft:
        other, line = first.stage.name, first.mark.line
        sentence = f"{table.what} and {other!r} (line {line}) differ only in case"
        table.mistakes.add(table.mark, sentence)


def _draft(name: str, table: Table, shared: tuple[str, ...]) -> Draft:
    """Read one stage, all but what its names mean to the others.

    shared: the names of secrets that a stage gets which names none itself.
    """
    run, sh = _module(table), table.word("sh", "a command")
    after = table.words("after", "a list of stages")
    inputs = table.words("inputs", "a list of 'stage/file' and 'data:name'")
    outputs, collect = _outputs(table), table.paths("collect", "a list of patterns")
    stage = Stage(
        name=name,
        run=run.text if run else "",
        sh=sh.text if sh else "",
        after=tuple(dict.fromkeys(word.text for word in after)),
        outputs=tuple(word.text for word in outputs),
        collect=tuple(word.text for word in collect),
        code=tuple(word.text for word in table.paths("code")),
        gates=_gates(table),
        commit=_commit(table),
        timeout_s=table.seconds("timeout"),
        retries=table.whole("retries", 0),
        cpus=table.whole("cpus", 1, least=1),
        gpus=table.whole("gpus", 0),
        secrets=secrets.of(table, shared),
        on_failure=table.choice("on_failure", _ON_FAILURE),
    )
    params = table.params()
    table.close()
    return Draft(
        stage=stage,
        mark=table.mark,
        after=after,
        inputs=inputs,
        outputs=outputs,
        collect=collect,
        run=run,
        sh=sh,
        params=params,
    )


def _module(table: Table) -> Scalar | None:
    if table.is_mapping and table.says("run") == table.says("sh"):
        said = "both" if table.says("run") else "neither"
        sentence = f"{table.what} should have either 'run' or 'sh', found {said}"
        table.mistakes.add(table.mark, sentence)
    word = table.word("run", "a module")
    if word is None:
        return None
    names = word.text.split(".")
    if not all(name.isidentifier() and not keyword.iskeyword(name) for name in names):
        spelled = word.text.removesuffix(".py").replace("/", ".")
        is_file = word.text.endswith(".py") and spelled.replace(".", "_").isidentifier()
        hint = meant(spelled) if is_file else ""
        table.refuse("run", word, "a module such as stages.train", hint)
        return None
    if names[0] == _OURS:
        hint = f"a module called {_OURS!r} would be taken for this toolkit"
        table.refuse("run", word, "a module of yours", hint)
        return None
    return word


def _outputs(table: Table) -> tuple[Scalar, ...]:
    first: dict[str, Mark] = {}
    words = table.paths("outputs", "a list of files, or folders ending in /")
    for word in words:
        name = word.text.rstrip("/")
        if name in first:
            line = first[name].line
            sentence = f"{table.what} makes {word.text!r} twice; first in line {line}"
            table.mistakes.add(word.mark, sentence)
        first.setdefault(name, word.mark)
    return words


def _gates(table: Table) -> tuple[Gate, ...]:
    words = table.words("gates", "a list of rules such as 'accuracy >= 0.8'")
    gates = [_gate(word, table) for word in words]
    return tuple(rule for rule in gates if rule)


def _gate(word: Scalar, table: Table) -> Gate | None:
    try:
        rule = gate.parse(word.text)
    except SpecError as error:
        sentence = f"{table.what}: {error.message}"
        table.mistakes.add(word.mark, sentence, error.hint)
        return None
    if not math.isfinite(rule.limit):
        sentence = f"{table.what}: gate {word.text!r} has a limit that is not finite"
        table.mistakes.add(word.mark, sentence)
    return rule


def _commit(table: Table) -> str:
    """Read the subject of seals: a second line could pass for a trailer."""
    word = table.word("commit")
    if word and not word.text.isprintable():
        table.refuse("commit", word, "one line")
    return word.text if word else ""
