"""Stages held against their modules before anything starts.

That the module is there, that it has `run(params, ctx)`, and that the params of
pipeline.yaml and of `--set` are those of its `Params`.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pipeline.reading import fields, kind
from pipeline.reading.mistakes import NOWHERE, Mark, Mistakes
from pipeline.reading.module import Bound, Library, NotPython, Source, Unclear

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.reading.edges import Draft
    from pipeline.reading.marked import Scalar
    from pipeline.reading.table import Params
    from pipeline.schema import Stage

_ARGUMENTS = 2
_LONGEST_SHOWN = 60


def check(
    drafts: Sequence[Draft],
    shared: Params,
    folders: Sequence[Path],
    mistakes: Mistakes,
) -> None:
    """Refuse what a stage's module would refuse; `shared` are the pipeline's params."""
    fits = _Fits(Library(folders), shared, mistakes)
    for draft in drafts if folders else ():
        if draft.run is not None:
            fits.check(draft, draft.run)


def elsewhere(stages: Sequence[Stage], folders: Sequence[Path]) -> Iterator[str]:
    """Say of which stages the module was not looked at, being none of here."""
    library = Library(folders)
    for stage in stages:
        if stage.run and library.find(stage.run).kind == "elsewhere":
            yield (
                f"stage {stage.name!r}: module {stage.run!r} is not in this repository,"
                " and must be in the environment of the stages"
            )


class _Fits:
    """What all stages are held against."""

    def __init__(self, library: Library, shared: Params, mistakes: Mistakes) -> None:
        self._library = library
        self._shared = shared
        self._mistakes = mistakes
        self._kinds: dict[str, Mapping[str, kind.Kind]] = {}

    def check(self, draft: Draft, run: Scalar) -> None:
        """Hold one stage against its module."""
        stage, name = draft.stage.name, run.text
        if self._library.find(name).kind == "missing":
            self._refuse_missing(stage, run)
            return
        try:
            source = self._library.source(name)
        except NotPython as error:
            self._refuse_text(stage, run, error)
            return
        if isinstance(source, Unclear):
            return
        if flaw := _run_flaw(self._library, source):
            sentence = f"stage {stage!r}: module {name!r} {flaw}"
            self._mistakes.add(run.mark, sentence, "a stage is run(params, ctx)")
        self._check_params(draft, run, source)

    def _refuse_missing(self, stage: str, run: Scalar) -> None:
        package, dot, inner = run.text.partition(".")
        named = self._library.modules_like(run.text)
        known = dict.fromkeys((n.partition(".")[2] for n in named), NOWHERE)
        hint = self._mistakes.near(inner, known, below=package + dot)
        sentence = f"stage {stage!r}: there is no module {run.text!r}"
        self._mistakes.add(run.mark, sentence, hint)

    def _refuse_text(self, stage: str, run: Scalar, error: NotPython) -> None:
        place = self._library.find(run.text)
        file = place.path.relative_to(place.folder)
        sentence = (
            f"stage {stage!r}: {file}:{error.line}:{error.column}:"
            f" is not Python: {error.why}"
        )
        hint = "it was read by the Python of this command; a newer one may allow more"
        self._mistakes.add(run.mark, sentence, hint)

    def _check_params(self, draft: Draft, run: Scalar, source: Source) -> None:
        taken = fields.of_params(self._library, source)
        own, stage = draft.params, f"stage {draft.stage.name!r}"
        if isinstance(taken, Unclear):
            return
        if taken is None:
            for name, mark in own.marks.items():
                sentence = f"{stage} has no param {name!r}: its module takes none"
                hint = f"{run.text} has no dataclass Params"
                self._mistakes.add(mark, sentence, hint)
            return
        for name in own.values:
            if name not in taken.by_name and not taken.is_open:
                self._refuse_unknown(stage, run, name, own.marks[name], taken)
        kinds = self._read_kinds(run.text, taken)
        for name, wanted in kinds.items():
            if name in own.values:
                what = f"param {name!r} of {stage} should be {wanted.said}"
                self._check_kind(own, name, wanted, what)
            elif name in self._shared.values:
                what = f"param {name!r} should be {wanted.said} for {stage}"
                self._check_kind(self._shared, name, wanted, what)
            elif taken.by_name[name].is_needed:
                said = "" if wanted is kind.ANYTHING else f", {wanted.said}"
                sentence = f"{stage} needs param {name!r}{said}"
                hint = f"{run.text} has no default for it"
                self._mistakes.add(draft.mark, sentence, hint)

    def _read_kinds(self, module: str, taken: fields.Fields) -> Mapping[str, kind.Kind]:
        if module not in self._kinds:
            self._kinds[module] = {
                name: kind.of(one.annotation, one.source)
                for name, one in taken.by_name.items()
            }
        return self._kinds[module]

    def _refuse_unknown(
        self, stage: str, run: Scalar, name: str, mark: Mark, taken: fields.Fields
    ) -> None:
        known = dict.fromkeys(taken.by_name, NOWHERE)
        takes = f"{run.text} takes: {', '.join(known) or 'none'}"
        hint = self._mistakes.near(name, known) or takes
        self._mistakes.add(mark, f"{stage} has no param {name!r}", hint)

    def _check_kind(
        self, params: Params, name: str, wanted: kind.Kind, what: str
    ) -> None:
        value = params.values[name]
        if not wanted.takes(value):
            self._mistakes.add(params.marks[name], f"{what}, found {_shown(value)}")


def _run_flaw(library: Library, source: Source) -> str:
    """Say what keeps a module from being run as a stage."""
    bound = library.bound(source, "run")
    if bound is None:
        return "has no run"
    node = bound.node if isinstance(bound, Bound) else None
    if isinstance(node, ast.ClassDef):
        return "has a class called run"
    if isinstance(node, ast.AsyncFunctionDef):
        return "has a run that is async, which nobody would wait for"
    if not isinstance(node, ast.FunctionDef) or node.decorator_list:
        return ""
    takes = node.args
    named = len(takes.posonlyargs) + len(takes.args)
    needed = named - len(takes.defaults)
    is_more = takes.vararg is not None
    if needed > _ARGUMENTS or (named < _ARGUMENTS and not is_more):
        return f"has a run that takes {needed if needed > _ARGUMENTS else named}"
    lacking = [
        argument.arg
        for argument, default in zip(takes.kwonlyargs, takes.kw_defaults, strict=True)
        if default is None
    ]
    return f"has a run that needs {lacking[0]!r} too" if lacking else ""


def _shown(value: object) -> str:
    """Write a value as it may have been written."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, dict)):
        text = str(value)
        what = "a list" if isinstance(value, list) else "a mapping"
        return what if len(text) > _LONGEST_SHOWN else f"{what}, {text}"
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}...'"
