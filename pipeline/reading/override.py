"""`--set train.epochs=5`: params given beside the file.

The value is one word of YAML or something in brackets. A stage's param may be new to
the file (its module may have a default for it); a param of the whole pipeline must be
there already, or a slip of the pen would go by in silence.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING

from pipeline.errors import SpecError
from pipeline.reading import marked
from pipeline.reading.marked import Scalar
from pipeline.reading.mistakes import Mark, Mistakes
from pipeline.reading.naming import PARAM_NAME
from pipeline.reading.table import Params, Plain, to_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.reading.edges import Draft

_ALWAYS_KNOWN = "seed"


@dataclasses.dataclass(frozen=True, slots=True)
class _Override:
    """One `--set`: the dotted key, its value, and its text as the place of mistakes."""

    key: str
    value: Plain
    mark: Mark


def apply(
    overrides: Sequence[str],
    drafts: Sequence[Draft],
    params: Params,
    mistakes: Mistakes,
) -> tuple[tuple[Draft, ...], Params]:
    """Give the stages and the global params as `overrides` want them."""
    by_name = {draft.stage.name: draft for draft in drafts}
    for text in overrides:
        if (given := _read(text, mistakes)) is None:
            continue
        stage = _stage_of(given.key, by_name)
        if stage:
            draft = by_name[stage]
            path = given.key[len(stage) + 1 :]
            changed = _put(draft.params, path, given, f"stage {stage!r}", mistakes)
            by_name[stage] = dataclasses.replace(draft, params=changed)
        elif _is_global(given, by_name, params, mistakes):
            params = _put(params, given.key, given, "the pipeline", mistakes)
    return tuple(by_name.values()), params


def _read(text: str, mistakes: Mistakes) -> _Override | None:
    mark = Mark(0, 0, f"--set {text!r}")
    key, equals, value = text.partition("=")
    if not equals:
        mistakes.add(mark, "should be name=value or stage.name=value")
        return None
    try:
        node = marked.compose(value if value.strip() else "null", mistakes, at=mark)
    except SpecError:  # it is among the mistakes already; the file may hold more
        return None
    if not isinstance(node, Scalar) and not marked.is_flow(value):
        mistakes.add(mark, "should give one word, or a list or mapping in brackets")
        return None
    return _Override(key.strip(), to_plain(node, "the value", mistakes), mark)


def _stage_of(key: str, drafts: dict[str, Draft]) -> str:
    """Give the longest stage name that `key` begins with: those may hold dots too."""
    fitting = [name for name in drafts if key.startswith(f"{name}.")]
    return max(fitting, key=len, default="")


def _is_global(
    given: _Override, drafts: dict[str, Draft], params: Params, mistakes: Mistakes
) -> bool:
    head, dot, _ = given.key.partition(".")
    if head in params.values or given.key == _ALWAYS_KNOWN:
        return True
    if dot:
        stages = {name: draft.mark for name, draft in drafts.items()}
        mistakes.add(
            given.mark, f"there is no stage {head!r}", mistakes.near(head, stages)
        )
        return False
    everywhere = dict(params.marks)
    for name, draft in drafts.items():
        for param, mark in draft.params.marks.items():
            everywhere[f"{name}.{param}"] = mark
    same = [name for name in everywhere if name.endswith(f".{head}")]
    hint = mistakes.near(same[0] if same else head, everywhere)
    mistakes.add(given.mark, f"the pipeline has no param {head!r}", hint)
    return False


def _put(
    params: Params, path: str, given: _Override, owner: str, mistakes: Mistakes
) -> Params:
    """Set the value at the end of `path`, which may lead into mappings."""
    head, *rest = path.split(".")
    if PARAM_NAME.fullmatch(head) is None:
        mistakes.add(given.mark, f"{head!r} cannot be the name of a param")
        return params
    if not rest:
        return params.having(head, given.value, given.mark)
    changed = copy.deepcopy(params.values.get(head))
    inner = changed
    for step in rest[:-1]:
        inner = inner.get(step) if isinstance(inner, dict) else None
    if not isinstance(inner, dict):
        mistakes.add(given.mark, f"param {head!r} of {owner} has no {'.'.join(rest)!r}")
        return params
    inner[rest[-1]] = given.value
    return params.having(head, changed, given.mark)
