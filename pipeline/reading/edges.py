"""What stages need of each other: every name one stage uses must be made by another.

Edges come from inputs, from `after`, and from the placeholders of shell commands. All
that no stage makes is a mistake with the near name, and so is a circle.
"""

from __future__ import annotations

import dataclasses
import fnmatch
from typing import TYPE_CHECKING, NamedTuple

from pipeline import template
from pipeline.frozen import dataclass
from pipeline.reading.mistakes import Mark, Mistakes, meant
from pipeline.reading.naming import path_flaw
from pipeline.reading.table import Params
from pipeline.schema import Input, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.reading.marked import Scalar

_DATA = "data:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A stage as it was read, its params and edges still words with their places."""

    stage: Stage
    mark: Mark
    after: tuple[Scalar, ...] = ()
    inputs: tuple[Scalar, ...] = ()
    outputs: tuple[Scalar, ...] = ()
    collect: tuple[Scalar, ...] = ()
    run: Scalar | None = None
    sh: Scalar | None = None
    params: Params = dataclasses.field(default_factory=Params)


def join(
    drafts: Sequence[Draft],
    *,
    params: Params,
    data: Mapping[str, Mark],
    mistakes: Mistakes,
) -> tuple[Stage, ...]:
    """Give the stages with all their edges; what cannot be joined is a mistake."""
    edges = _Edges(drafts, params, data, mistakes)
    stages = tuple(edges.joined(draft) for draft in drafts)
    for circle in _circles(stages):
        _refuse_circle(circle, edges.said, mistakes)
    return stages


class _Edge(NamedTuple):
    """Where one stage says first that it needs another: the key, and the place."""

    mark: Mark
    key: str


class _Edges:
    """The names there are, against which each stage's words are held."""

    def __init__(
        self,
        drafts: Sequence[Draft],
        params: Params,
        data: Mapping[str, Mark],
        mistakes: Mistakes,
    ) -> None:
        self._drafts = {draft.stage.name: draft for draft in drafts}
        self._stages = {draft.stage.name: draft.mark for draft in drafts}
        self._made = {
            f"{draft.stage.name}/{word.text}": word.mark
            for draft in drafts
            for word in draft.outputs
        }
        self._data = {f"{_DATA}{name}": mark for name, mark in data.items()}
        self._params = params
        self._mistakes = mistakes
        self._near = mistakes.near
        self.said: dict[tuple[str, str], _Edge] = {}

    def joined(self, draft: Draft) -> Stage:
        """Give the stage of `draft` with its params and all its inputs."""
        for word in draft.after:
            self._say(draft, word.text, "after", word.mark)
            if word.text not in self._stages:
                what = f"comes after {word.text!r}, which is no stage"
                hint = self._near(word.text, self._stages)
                self._refuse(draft, word.mark, what, hint)
        refs = [self._ref(draft, word.text, word.mark) for word in draft.inputs]
        refs += self._filled(draft)
        inputs = tuple(dict.fromkeys(ref for ref in refs if ref))
        params = dict(draft.params.values)
        return dataclasses.replace(draft.stage, inputs=inputs, params=params)

    def _say(self, draft: Draft, need: str, key: str, mark: Mark) -> None:
        self.said.setdefault((draft.stage.name, need), _Edge(mark, key))

    def _refuse(self, draft: Draft, mark: Mark, what: str, hint: str) -> None:
        self._mistakes.add(mark, f"stage {draft.stage.name!r} {what}", hint)

    def _filled(self, draft: Draft) -> Iterator[Input | None]:
        """Give the inputs a shell command names, and check its other placeholders."""
        if draft.sh is None:
            return
        mark = draft.sh.mark
        quoted = template.quoted(draft.sh.text)
        params = {**self._params.marks, **draft.params.marks}
        for name in template.placeholders(draft.sh.text):
            braces = f"to keep the braces, write {{{{{name}}}}}"
            is_known = name in params
            if "/" in name or name.startswith(_DATA):
                ref = self._ref(draft, name, mark, otherwise=braces)
                is_known = ref is not None
                yield ref
            elif not is_known:
                what = f"uses {{{name}}} in 'sh', and has no such param"
                hint = braces
                if self._mistakes.may_compare:
                    known = {**params, **self._made, **self._data}
                    hint = self._near(name, known) or braces
                self._refuse(draft, mark, what, hint)
            if is_known and name in quoted:
                what = f"puts {{{name}}} inside quotes in 'sh'"
                hint = "values arrive quoted; let the quotes end before it"
                self._refuse(draft, mark, what, hint)

    def _ref(
        self, draft: Draft, text: str, mark: Mark, otherwise: str = ""
    ) -> Input | None:
        """Read an input, and make sure that it is made or known."""
        if text.startswith(_DATA):
            return self._data_ref(draft, text, mark, otherwise)
        stage, _, file = text.partition("/")
        if not (stage and file):
            what = f"needs {text!r}, which is neither 'stage/file' nor 'data:name'"
        elif flaw := path_flaw(file):
            what = f"needs {text!r}, which {flaw}"
        elif self._is_made(stage, file):
            self._say(draft, stage, "sh" if otherwise else "inputs", mark)
            return Input(stage=stage, file=file)
        else:
            what = f"needs {text!r}, which no stage makes"
        self._refuse(draft, mark, what, self._nearest(text) or otherwise)
        return None

    def _data_ref(
        self, draft: Draft, text: str, mark: Mark, otherwise: str
    ) -> Input | None:
        if text in self._data:
            return Input(data=text.removeprefix(_DATA))
        what = f"needs {text!r}, which 'data' does not name"
        self._refuse(draft, mark, what, self._near(text, self._data) or otherwise)
        return None

    def _is_made(self, stage: str, file: str) -> bool:
        draft = self._drafts.get(stage)
        if draft is None:
            return False
        if any(_covers(promised, file) for promised in draft.stage.outputs):
            return True
        # A pattern that names a folder collects all that is below it, as in `draft`.
        named = draft.stage.collect
        patterns = [*named, *(f"{pattern.rstrip('/')}/*" for pattern in named)]
        return any(fnmatch.fnmatchcase(file, pattern) for pattern in patterns)

    def _nearest(self, text: str) -> str:
        """Find what was meant: a file of that name, a folder, a near name, a stage."""
        if not self._mistakes.may_compare:
            return ""
        if same := [name for name in self._made if name.endswith(f"/{text}")]:
            return meant(same[0], self._made[same[0]])
        if folder := next((n for n in self._made if text.startswith(f"{n}/")), ""):
            name, line = folder.partition("/")[2], self._made[folder].line
            return f"line {line} promises a file; a folder would be '{name}/'"
        stage = text.partition("/")[0]
        known = {} if stage in self._stages else self._stages
        return self._near(text, {**self._made, **self._data}) or self._near(
            stage, known
        )


def _covers(promised: str, file: str) -> bool:
    if promised.endswith("/"):
        return f"{file.rstrip('/')}/".startswith(promised)
    return file == promised


def _circles(stages: Sequence[Stage]) -> Iterator[list[str]]:
    """Give the circles that a walk along the needs runs into.

    No recursion: a chain may be longer than Python's stack is deep.
    """
    names = {stage.name for stage in stages}
    needs = {s.name: [need for need in s.needs if need in names] for s in stages}
    done: set[str] = set()
    for start in needs:
        path: dict[str, Iterator[str]] = {}
        step = start
        while step:
            if step in path:
                walked = list(path)
                yield walked[walked.index(step) :]
            elif step not in done:
                path[step] = iter(needs[step])
            step = ""
            while path and not step:
                last = next(reversed(path))
                step = next(path[last], "")
                if not step:
                    del path[last]
                    done.add(last)


def _refuse_circle(
    circle: list[str], said: Mapping[tuple[str, str], _Edge], mistakes: Mistakes
) -> None:
    """Name every edge of a circle, its key and its line; the first one in the file."""
    pairs = list(zip(circle, [*circle[1:], circle[0]], strict=True))
    first = pairs.index(min(pairs, key=lambda pair: said[pair].mark))
    pairs = pairs[first:] + pairs[:first]
    links = [
        f"{repr(need) if need != stage else 'itself'}"
        f" ({said[stage, need].key!r}, line {said[stage, need].mark.line})"
        for stage, need in pairs
    ]
    sentence = f"stage {pairs[0][0]!r} needs {', which needs '.join(links)}"
    mistakes.add(said[pairs[0]].mark, sentence, "take away one of them")
