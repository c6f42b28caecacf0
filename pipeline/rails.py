"""The lines at the left of a graph of stages: one row per stage, as `git log --graph`.

Only order is drawn, so an edge that another path implies is left out: the picture of a
chain is a chain, however many stages read the first one's files. An edge that carries
no file may be drawn thinner: a lane is full as long as one of its edges carries some.
"""

from __future__ import annotations

import functools
import operator
from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

Edge = tuple[str, str]  # from a stage to one that needs it

# A crossing by the ways that leave it: up, down, left, right.
_BENDS = {
    (True, True, False, True): "├",
    (True, True, True, False): "┤",
    (True, True, True, True): "┼",
    (True, False, False, True): "╰",
    (True, False, True, False): "╯",
    (True, False, True, True): "┴",
}


class Rail(NamedTuple):
    """What stands left and right of a stage's mark, and below it."""

    before: str
    after: str
    below: str

    @property
    def width(self) -> int:
        """Cells, the mark's own among them."""
        return len(self.before) + 1 + len(self.after)


def rails(
    needs: Mapping[str, Sequence[str]],
    shown: Collection[str],
    *,
    most: int,
    thin: Collection[Edge] = (),
) -> dict[str, Rail]:
    """Draw the rails of the `shown` stages, in the order of `needs`, all equally wide.

    What leads through a stage that is not shown is drawn as one line. More than `most`
    lanes help nobody: then, every stage gets a bare mark. A need that is unknown, or
    told only later, is passed over.
    """
    edges = _direct(needs, shown, thin)
    lanes = _Lanes.of(edges, thin)
    drawn: dict[str, Rail] = {}
    for name, near in edges.items():
        drawn[name] = lanes.row(name, near)
        # At once: thousands of lanes take a while to draw, and nobody would see them.
        if drawn[name].width > 2 * most - 1:
            return dict.fromkeys(edges, Rail("", "", " "))
    width = max((rail.width for rail in drawn.values()), default=1)
    return {
        name: Rail(
            rail.before,
            rail.after.ljust(width - 1 - len(rail.before)),
            rail.below.ljust(width),
        )
        for name, rail in drawn.items()
    }


def _direct(
    needs: Mapping[str, Sequence[str]], shown: Collection[str], thin: Collection[Edge]
) -> dict[str, list[str]]:
    """Give for each shown stage the shown ones right before it, no others implied.

    An edge that carries files is implied by a way of files only.
    """
    nearest: dict[str, dict[str, None]] = {}  # a dict keeps the order, unlike a set
    # All that is above a stage, one bit for each: sets would fill the memory.
    bit: dict[str, int] = {}
    above: dict[str, int] = {}
    above_by_files: dict[str, int] = {}
    edges = {}
    for name, wanted in needs.items():
        near = {
            stage: None
            for need in wanted
            if need in nearest
            for stage in ((need,) if need in shown else nearest[need])
        }
        full = [stage for stage in near if (stage, name) not in thin]
        nearest[name] = near
        if name in shown:
            implied = _union(above[stage] for stage in near)
            by_files = _union(above_by_files[stage] for stage in full)
            bit[name] = 1 << len(bit)
            above[name] = implied | _union(bit[stage] for stage in near)
            above_by_files[name] = by_files | _union(bit[stage] for stage in full)
            hidden = {True: by_files, False: implied}
            is_full = dict.fromkeys(full, True)
            edges[name] = [
                stage
                for stage in near
                if not hidden[is_full.get(stage, False)] & bit[stage]
            ]
    return edges


def _union(sets: Iterable[int]) -> int:
    return functools.reduce(operator.or_, sets, 0)


@dataclass(slots=True)
class _Lanes:
    """Which stage's line runs down in which lane, from one row to the next."""

    waiting: Counter[str]  # of each stage, the edges not yet drawn
    full: Counter[str]  # those of them that carry files
    thin: Collection[Edge]
    lanes: list[str] = field(default_factory=list)  # "" where none runs
    closed: int = -1  # where the row above ended a chain

    @classmethod
    def of(cls, edges: Mapping[str, Sequence[str]], thin: Collection[Edge]) -> _Lanes:
        """Begin above the first row."""
        drawn = [(need, name) for name, near in edges.items() for need in near]
        full = Counter(need for need, name in drawn if (need, name) not in thin)
        return cls(Counter(need for need, _ in drawn), full, thin)

    def row(self, name: str, needs: Sequence[str]) -> Rail:
        """Draw the next row, and go below it."""
        is_full = {need: (need, name) not in self.thin for need in needs}
        self.waiting.subtract(needs)
        self.full.subtract(need for need in needs if is_full[need])
        wanted = set(needs)
        joined = [at for at, lane in enumerate(self.lanes) if lane in wanted]
        ending = [at for at in joined if not self.waiting[self.lanes[at]]]
        own = ending[0] if ending else self._free(is_root=not needs)
        before = [*self.lanes, *[""] * (own + 1 - len(self.lanes))]
        self.lanes = ["" if at in ending else lane for at, lane in enumerate(before)]
        self.lanes[own] = name if self.waiting[name] else ""
        full = [at for at in joined if is_full[before[at]]]
        row = self._draw(before, joined, own, full)
        self.closed = own if needs and not self.lanes[own] else -1
        while self.lanes and not self.lanes[-1]:
            self.lanes.pop()
        below = " ".join(map(self._down, self.lanes))
        return Rail(row[: 2 * own], row[2 * own + 1 :].rstrip(), below)

    def _free(self, *, is_root: bool) -> int:
        """Find a lane; a root right under the end of a chain would seem its child."""
        taken = self.closed if is_root else -1
        free = (at for at, lane in enumerate(self.lanes) if not lane and at != taken)
        return next(free, len(self.lanes) + (taken == len(self.lanes)))

    def _down(self, lane: str) -> str:
        """Draw a lane that only passes."""
        if not lane:
            return " "
        return "│" if self.full[lane] else "┊"

    def _draw(
        self,
        before: Sequence[str],
        joined: Sequence[int],
        own: int,
        full: Sequence[int],
    ) -> str:
        first, last = min([*joined, own]), max([*joined, own])
        # What lies between a lane and the mark is full as long as one beyond it is.
        left, right = min([*full, own]), max([*full, own])
        row = ""
        for at, lane in enumerate(before):
            across = "─" if left <= at < right else "╌"
            if at in joined and at != own:
                ways = (True, bool(self.lanes[at]), at > first, at < last)
                row += _BENDS[ways]
            elif lane:
                row += self._down(lane)
            else:
                row += across if first < at < last else " "
            row += across if first <= at < last else " "
        return row
