"""The lines at the left of a graph of stages: one row per stage, as `git log --graph`.

Only order is drawn, so an edge that another path implies is left out: the picture of a
chain is a chain, however many stages read the first one's files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

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
    needs: Mapping[str, Sequence[str]], shown: Collection[str], *, most: int
) -> dict[str, Rail]:
    """Draw the rails of the `shown` stages, in the order of `needs`, all equally wide.

    What leads through a stage that is not shown is drawn as one line. More than `most`
    lanes help nobody: then, every stage gets a bare mark. A need that is unknown, or
    told only later, is passed over.
    """
    edges = _direct(needs, shown)
    lanes = _Lanes(waiting=[need for rest in edges.values() for need in rest])
    drawn = {name: lanes.row(name, edges[name]) for name in edges}
    width = max((rail.width for rail in drawn.values()), default=1)
    if width > 2 * most - 1:
        return dict.fromkeys(edges, Rail("", "", " "))
    return {
        name: Rail(
            rail.before,
            rail.after.ljust(width - 1 - len(rail.before)),
            rail.below.ljust(width),
        )
        for name, rail in drawn.items()
    }


def _direct(
    needs: Mapping[str, Sequence[str]], shown: Collection[str]
) -> dict[str, list[str]]:
    """Give for each shown stage the shown ones right before it, no others implied."""
    nearest: dict[str, dict[str, None]] = {}  # a dict keeps the order, unlike a set
    above: dict[str, set[str]] = {}
    edges = {}
    for name, wanted in needs.items():
        near = {
            stage: None
            for need in wanted
            if need in nearest
            for stage in ((need,) if need in shown else nearest[need])
        }
        implied = set().union(*(above[stage] for stage in near))
        nearest[name] = near
        if name in shown:
            above[name] = implied.union(near)
            edges[name] = [stage for stage in near if stage not in implied]
    return edges


@dataclass(slots=True)
class _Lanes:
    """Which stage's line runs down in which lane, from one row to the next."""

    waiting: list[str]  # a stage stands here once for each edge not yet drawn
    lanes: list[str] = field(default_factory=list)  # "" where none runs
    closed: int = -1  # where the row above ended a chain

    def row(self, name: str, needs: Sequence[str]) -> Rail:
        """Draw the next row, and go below it."""
        for need in needs:
            self.waiting.remove(need)
        joined = [at for at, lane in enumerate(self.lanes) if lane and lane in needs]
        ending = [at for at in joined if self.lanes[at] not in self.waiting]
        own = ending[0] if ending else self._free(is_root=not needs)
        before = [*self.lanes, *[""] * (own + 1 - len(self.lanes))]
        self.lanes = ["" if at in ending else lane for at, lane in enumerate(before)]
        self.lanes[own] = name if name in self.waiting else ""
        row = self._draw(before, joined, own)
        self.closed = own if needs and not self.lanes[own] else -1
        while self.lanes and not self.lanes[-1]:
            self.lanes.pop()
        below = " ".join("│" if lane else " " for lane in self.lanes)
        return Rail(row[: 2 * own], row[2 * own + 1 :].rstrip(), below)

    def _free(self, *, is_root: bool) -> int:
        """Find a lane; a root right under the end of a chain would seem its child."""
        taken = self.closed if is_root else -1
        free = (at for at, lane in enumerate(self.lanes) if not lane and at != taken)
        return next(free, len(self.lanes) + (taken == len(self.lanes)))

    def _draw(self, before: Sequence[str], joined: Sequence[int], own: int) -> str:
        first, last = min([*joined, own]), max([*joined, own])
        row = ""
        for at, lane in enumerate(before):
            if at in joined and at != own:
                ways = (True, bool(self.lanes[at]), at > first, at < last)
                row += _BENDS[ways]
            elif lane:
                row += "│"
            else:
                row += "─" if first < at < last else " "
            row += "─" if first <= at < last else " "
        return row
