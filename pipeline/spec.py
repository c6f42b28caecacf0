"""From pipeline.yaml to a Pipeline.

Every mistake is found at once, each with its place; nothing is half read. Inside the
core there are only the frozen values of `schema`: no raw mapping gets past this file
but params, which belong to the stages.
"""

from __future__ import annotations

import keyword
import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline import edges, gate, layout, marked, override, sections
from pipeline.edges import Draft
from pipeline.errors import SpecError
from pipeline.marked import Entries, Scalar
from pipeline.mistakes import Mark, Mistakes, meant
from pipeline.naming import name_flaw, name_hint
from pipeline.schema import Data, Pipeline, Stage
from pipeline.table import Params, Table, found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.gate import Gate

_PASSED_OVER = ("x-", "$schema")
_ON_FAILURE: tuple[Literal["stop", "continue"], ...] = ("stop", "continue")
# What lies, or may lie, in results/ beside the folders of stages.
_TAKEN = frozenset(
    {"events.jsonl", "progress.txt", "heartbeat.txt", "latest"}
    | {f"report.{ending}" for ending in ("html", "json", "md", "txt")}
)


def load(path: Path, *, overrides: Sequence[str] = ()) -> Pipeline:
    """Read and parse the file, or raise SpecError with every mistake in it."""
    name = _as_seen_from_here(path)
    try:
        text = path.read_bytes()
    except OSError as error:
        message = f"{name}: cannot be read: {error.strerror}"
        raise SpecError(message) from error
    return parse(text, name=name, overrides=overrides)


def _as_seen_from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def parse(
    text: bytes | str,
    *,
    name: str = layout.PIPELINE_FILE,
    overrides: Sequence[str] = (),
) -> Pipeline:
    """Parse the text of a pipeline, or raise SpecError with every mistake in it.

    `overrides` are `stage.param=value` or `param=value`; `name` begins each message.
    """
    mistakes = Mistakes(name)
    root = marked.compose(text, mistakes)
    if not isinstance(root, Entries):
        sentence = f"a pipeline should be a mapping, found {found(root)}"
        mistakes.add(root.mark, sentence, "it begins with `name:` and `stages:`")
        raise mistakes.error()
    pipeline = _pipeline(Table(root, mistakes, mark=root.mark), overrides)
    mistakes.settle()
    return pipeline


def _pipeline(table: Table, overrides: Sequence[str]) -> Pipeline:
    mistakes = table.mistakes
    name = _name(table)
    hosts = tuple(sections.host(n, one) for n, one in table.tables("hosts", "host"))
    places = [sections.LOCAL, *(host.name for host in hosts)]
    sets = dict(table.tables("data", "data"))
    data = tuple(sections.data(n, one, places) for n, one in sets.items())
    _check_paths(data, sets, mistakes)
    drafts, params = override.apply(overrides, _drafts(table), table.params(), mistakes)
    _check_seed(params, mistakes)
    marks = {name: one.mark for name, one in sets.items()}
    pipeline = Pipeline(
        name=name,
        stages=edges.join(drafts, params=params, data=marks, mistakes=mistakes),
        params=dict(params.values),
        jobs=table.whole("jobs", 1, least=1),
        env=sections.env(table),
        git=sections.git(table.table("git")),
        ship=sections.ship(table.table("ship")),
        sync=sections.sync(table.table("sync")),
        heartbeat=sections.heartbeat(table.table("heartbeat")),
        notify=sections.notify(table.table("notify")),
        hosts=hosts,
        data=data,
    )
    table.close(_PASSED_OVER)
    return pipeline


def _name(table: Table) -> str:
    table.demand("name", "a name for its folder on the box")
    word = table.word("name")
    if word and (flaw := name_flaw(word.text)):
        sentence = f"the name {word.text!r} {flaw}"
        table.mistakes.add(word.mark, sentence, name_hint(word.text))
    return word.text if word else ""


def _check_seed(params: Params, mistakes: Mistakes) -> None:
    """Make sure that the seed of all stages is one."""
    seed = params.values.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        sentence = f"param 'seed' should be a whole number from 0, found {seed!r}"
        mistakes.add(params.marks["seed"], sentence)


def _check_paths(
    data: Sequence[Data], sets: Mapping[str, Table], mistakes: Mistakes
) -> None:
    """Refuse two data sets at one place of the worktree: both are linked there."""
    first: dict[str, str] = {}
    for one in data:
        other = first.setdefault(one.path.rstrip("/"), one.name)
        if one.path and other != one.name:
            sentence = f"data {one.name!r} lies at {one.path!r}, as {other!r} does"
            mistakes.add(sets[one.name].mark, sentence)


def _drafts(table: Table) -> tuple[Draft, ...]:
    table.demand("stages", "at least one stage")
    drafts: dict[str, Draft] = {}
    for name, one in table.tables("stages", "stage"):
        _check_name(name, one, drafts)
        drafts[name] = _draft(name, one)
    return tuple(drafts.values())


def _check_name(name: str, table: Table, others: Mapping[str, Draft]) -> None:
    """Refuse a name that is another's on the disk of a Mac, which knows no case."""
    lowered = name.lower()
    same = next((other for other in others if other.lower() == lowered), "")
    if lowered in _TAKEN:
        sentence = f"{table.what} needs another name: results/{name} is taken"
        table.mistakes.add(table.mark, sentence)
    if same:
        line = others[same].mark.line
        sentence = f"{table.what} and {same!r} (line {line}) differ only in case"
        table.mistakes.add(table.mark, sentence)


def _draft(name: str, table: Table) -> Draft:
    """Read one stage, all but what its names mean to the others."""
    module, sh = _module(table), table.word("sh", "a command")
    after = table.words("after", "a list of stages")
    inputs = table.words("inputs", "a list of 'stage/file' and 'data:name'")
    outputs = _outputs(table)
    stage = Stage(
        name=name,
        run=module,
        sh=sh.text if sh else "",
        after=tuple(dict.fromkeys(word.text for word in after)),
        outputs=tuple(word.text for word in outputs),
        collect=tuple(word.text for word in table.paths("collect")),
        code=tuple(word.text for word in table.paths("code")),
        gates=_gates(table),
        commit=_commit(table),
        timeout_s=table.seconds("timeout"),
        retries=table.whole("retries", 0),
        cpus=table.whole("cpus", 1, least=1),
        gpus=table.whole("gpus", 0),
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
        sh=sh,
        params=params,
    )


def _module(table: Table) -> str:
    if table.is_mapping and table.says("run") == table.says("sh"):
        said = "both" if table.says("run") else "neither"
        sentence = f"{table.what} should have either 'run' or 'sh', found {said}"
        table.mistakes.add(table.mark, sentence)
    word = table.word("run", "a module")
    if word is None:
        return ""
    names = word.text.split(".")
    if not all(name.isidentifier() and not keyword.iskeyword(name) for name in names):
        spelled = word.text.removesuffix(".py").replace("/", ".")
        is_file = word.text.endswith(".py") and spelled.replace(".", "_").isidentifier()
        hint = meant(spelled) if is_file else ""
        table.refuse("run", word, "a module such as stages.train", hint)
    return word.text


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
