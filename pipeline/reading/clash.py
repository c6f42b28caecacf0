"""Files that two would write: two stages, or a stage and what lies outside of git.

What a stage makes in its output folder is its own. What it collects lies in the
worktree, which all stages of a run share.
"""

from __future__ import annotations

import contextlib
import fnmatch
import re
from collections import defaultdict
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.reading.edges import Draft
    from pipeline.reading.marked import Scalar
    from pipeline.reading.mistakes import Mark, Mistakes
    from pipeline.schema import Stage

_WILD = re.compile(r"[*?\[]")
_MOST_PAIRS = 50_000  # so many patterns of one folder nobody writes by hand


class _Claim(NamedTuple):
    """A path or pattern of the worktree that a stage says it writes."""

    stage: str
    word: Scalar

    @property
    def path(self) -> str:
        """The path or pattern, a folder without its slash."""
        return self.word.text.rstrip("/")


def check(
    drafts: Sequence[Draft],
    stages: Sequence[Stage],
    data: Mapping[str, tuple[str, Mark]],
    mistakes: Mistakes,
) -> None:
    """Refuse every file that two would write.

    `stages` are the drafts with all their edges; `data` are the paths of data sets.
    """
    for draft in drafts:
        _check_outputs(draft, mistakes)
    claims = [
        _Claim(draft.stage.name, word) for draft in drafts for word in draft.collect
    ]
    for claim in claims:
        _check_data(claim, data, mistakes)
    order: _Order | None = None
    for one, other in _meeting(claims):
        order = order or _Order(stages)
        if one.path == other.path and not _WILD.search(one.path):
            line = one.word.mark.line
            what = f"as stage {one.stage!r} does (line {line})"
            hint = "no file has two writers"
        # Of two stages that follow each other, each collects only what it changed.
        elif order.is_loose(one.stage, other.stage):
            line = one.word.mark.line
            what = f"which meets {one.word.text!r} of stage {one.stage!r} (line {line})"
            hint = "no file has two writers; or let one stage come after the other"
        else:
            continue
        sentence = f"stage {other.stage!r} collects {other.word.text!r}, {what}"
        mistakes.add(other.word.mark, sentence, hint)


def _check_outputs(draft: Draft, mistakes: Mistakes) -> None:
    """Refuse `a` beside `a/b`: what is promised as a file cannot hold another."""
    files = {word.text: word for word in draft.outputs if not word.text.endswith("/")}
    for word in draft.outputs:
        for folder in _above(word.text.rstrip("/")):
            if folder in files:
                line = files[folder].mark.line
                sentence = (
                    f"stage {draft.stage.name!r} makes {word.text!r} inside"
                    f" {folder!r}, which line {line} promises as a file"
                )
                mistakes.add(word.mark, sentence, f"a folder would be '{folder}/'")


def _check_data(
    claim: _Claim, data: Mapping[str, tuple[str, Mark]], mistakes: Mistakes
) -> None:
    """Refuse to collect what lies in a data set: it is not the run's to write."""
    for name, (path, mark) in data.items():
        home = path.rstrip("/")
        if home and f"{claim.path}/".startswith(f"{home}/"):
            sentence = (
                f"stage {claim.stage!r} collects {claim.word.text!r}"
                f" out of data {name!r} (line {mark.line})"
            )
            hint = "data lies outside of the run, which never writes there"
            mistakes.add(claim.word.mark, sentence, hint)


def _meeting(claims: Sequence[_Claim]) -> Iterator[tuple[_Claim, _Claim]]:
    """Give the pairs, of two stages, that could name one file; the earlier first."""
    by_folder: dict[str, list[_Claim]] = defaultdict(list)
    left = _MOST_PAIRS
    for claim in sorted(claims, key=lambda claim: len(_folder(claim.path))):
        for folder in ("", *_above(_folder(claim.path) + "/")):
            for other in by_folder.get(folder, ()):
                if not (left := left - 1):
                    return
                is_same = other.stage == claim.stage
                if not is_same and _meet(other.path, claim.path):
                    first, second = sorted((other, claim), key=lambda c: c.word.mark)
                    yield first, second
        by_folder[_folder(claim.path)].append(claim)


def _meet(one: str, other: str) -> bool:
    """Tell whether one takes what the other names, or holds its folder."""
    return _takes(one, other) or _takes(other, one)


def _takes(wide: str, path: str) -> bool:
    if _WILD.search(wide):
        return _matcher(wide).match(path) is not None
    return f"{path}/".startswith(f"{wide}/")


@lru_cache(maxsize=10_000)
def _matcher(pattern: str) -> re.Pattern[str]:
    """Match what the pattern names, and what lies in a folder that it names."""
    ways = (fnmatch.translate(pattern), fnmatch.translate(f"{pattern}/*"))
    return re.compile("|".join(ways))


def _folder(path: str) -> str:
    """Give the folder a path surely lies in: all before its first wild part."""
    parts = path.split("/")
    wild = (n for n, part in enumerate(parts) if _WILD.search(part))
    return "/".join(parts[: next(wild, len(parts))])


def _above(path: str) -> Iterator[str]:
    """Give the folders a path lies in, the widest first."""
    parts = path.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts)))


class _Order:
    """Which stage surely runs before which: each one's forerunners, as bits."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._bits = {stage.name: 1 << at for at, stage in enumerate(stages)}
        self._before: dict[str, int] = {}
        needs = {s.name: [n for n in s.needs if n in self._bits] for s in stages}
        with contextlib.suppress(CycleError):  # a mistake of its own
            for name in TopologicalSorter(needs).static_order():
                before = 0
                for need in needs[name]:
                    before |= self._bits[need] | self._before[need]
                self._before[name] = before

    def is_loose(self, one: str, other: str) -> bool:
        """Tell whether neither of two stages waits for the other."""
        first, second = self._before.get(one, -1), self._before.get(other, -1)
        return not (first & self._bits[other] or second & self._bits[one])
