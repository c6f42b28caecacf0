"""What may run when. Pure: a graph of stages, and what is known of some of them."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from itertools import islice
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from pipeline.schema import Stage

# How a stage came out: its seal says pass or fail, or there is no seal.
Outcome = Literal["pass", "gate", "failed", "skipped", "stopped"]


def order(stages: Iterable[Stage]) -> tuple[Stage, ...]:
    """Put stages so that each comes after what it needs; otherwise as written."""
    named = {stage.name: stage for stage in stages}
    written = list(named.values())
    behind = _behind(written)
    lacking = [sum(need in named for need in stage.needs) for stage in written]
    # Of all that are free, the first that was written comes next.
    free = [at for at, count in enumerate(lacking) if not count]
    ordered: list[Stage] = []
    while free:
        stage = written[heapq.heappop(free)]
        ordered.append(stage)
        del named[stage.name]
        for at in behind.get(stage.name, ()):
            lacking[at] -= 1
            if not lacking[at]:
                heapq.heappush(free, at)
    if named:
        message = f"a cycle among {', '.join(named)}"
        raise AssertionError(message)  # spec refuses cycles before anyone runs
    return tuple(ordered)


def _behind(stages: Iterable[Stage]) -> dict[str, list[int]]:
    """Give, for each stage that is needed, the places of those that need it."""
    behind: dict[str, list[int]] = {}
    for at, stage in enumerate(stages):
        for need in stage.needs:
            behind.setdefault(need, []).append(at)
    return behind


def with_needs(stages: Iterable[Stage], names: Iterable[str]) -> set[str]:
    """Give these names, and those of all stages they stand on, however far up."""
    needs = {stage.name: stage.needs for stage in stages}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs[name]
    return found


def hopeless(
    stages: Iterable[Stage], outcomes: Mapping[str, Outcome]
) -> dict[str, str]:
    """Give the stages that can never start, each with what stands in its way."""
    lost: dict[str, str] = {}
    for stage in stages:
        if stage.name in outcomes:
            continue
        for need in stage.needs:
            if outcomes.get(need, "pass") != "pass" or need in lost:
                lost[stage.name] = need
                break
    return lost


class Front:
    """How far a walk is, kept up as outcomes come in.

    It looks at what is new and not at every stage: at every wake of a long run that
    would be too much. Outcomes are added, and never taken back.
    """

    def __init__(self, stages: Iterable[Stage], outcomes: dict[str, Outcome]) -> None:
        """Begin with `stages` in order; `outcomes` is looked at anew at each call."""
        self._stages = tuple(stages)
        self._outcomes = outcomes
        self._places = {stage.name: at for at, stage in enumerate(self._stages)}
        self._behind = _behind(self._stages)
        self._lacking = [len(stage.needs) for stage in self._stages]
        self._free = [at for at, count in enumerate(self._lacking) if not count]
        self._doubtful: set[int] = set()
        self._seen = 0

    def ready(self, running: Container[str]) -> Iterator[Stage]:
        """Yield the stages that could start now, in order."""
        self._look()
        for at in tuple(self._free):
            if self._stages[at].name not in running:
                yield self._stages[at]

    def hopeless(self) -> dict[str, str]:
        """Give the stages that can never start, each with what stands in its way."""
        self._look()
        behind = (self._stages[at] for at in sorted(self._doubtful))
        return hopeless(behind, self._outcomes)

    def _look(self) -> None:
        """Take in the outcomes that are new."""
        count = len(self._outcomes) - self._seen
        fresh = list(islice(reversed(self._outcomes.items()), count))
        self._seen += count
        for name, outcome in fresh:
            if outcome == "pass":
                self._free_behind(name)
            else:
                self._doubt_behind(name)
        for name, _ in fresh:
            self._settle(self._places[name])

    def _free_behind(self, name: str) -> None:
        for at in self._behind.get(name, ()):
            self._lacking[at] -= 1
            if not self._lacking[at]:
                insort(self._free, at)

    def _doubt_behind(self, name: str) -> None:
        """Note all that stands behind a stage that did not pass, however far."""
        todo = [name]
        while todo:
            for at in self._behind.get(todo.pop(), ()):
                other = self._stages[at].name
                if at not in self._doubtful and other not in self._outcomes:
                    self._doubtful.add(at)
                    todo.append(other)

    def _settle(self, at: int) -> None:
        self._doubtful.discard(at)
        found = bisect_left(self._free, at)
        if found < len(self._free) and self._free[found] == at:
            del self._free[found]
