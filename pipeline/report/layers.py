"""Where the boxes of a graph stand: in layers, each below what it needs. Pure.

An edge that another way implies is left out. One that passes a layer passes through a
place of its own there, so that it crosses no box; the layers are put in order by the
middles of what stands above and below, which crosses few edges.
"""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Edge = tuple[str, str]
_SWEEPS = 6
_PASSING = 0.35  # how wide a place is that only an edge passes through; a box is 1


class Place(NamedTuple):
    """The middle of a box: across, in boxes; down, in layers."""

    across: float
    layer: int


class Plot(NamedTuple):
    """Boxes by their names, and edges as the places they lead through."""

    boxes: Mapping[str, Place]
    edges: tuple[tuple[Place, ...], ...]
    width: float
    height: int


def plotted(needs: Mapping[str, Sequence[str]]) -> Plot:
    """Place stages that come in an order in which each follows what it needs."""
    known = {name: [n for n in wanted if n in needs] for name, wanted in needs.items()}
    layer: dict[str, int] = {}
    for name, wanted in known.items():
        layer[name] = 1 + max((layer[n] for n in wanted), default=-1)
    layers: list[list[str]] = [[] for _ in range(1 + max(layer.values(), default=-1))]
    for name, at in layer.items():
        layers[at].append(name)
    ways = [_way(need, name, layer, layers) for need, name in _direct(known)]
    links = [link for way in ways for link in pairwise(way)]
    _sort(layers, links)
    across = _across(layers, links, known)
    at_layer = {name: at for at, row in enumerate(layers) for name in row}
    places = {name: Place(across[name], at) for name, at in at_layer.items()}
    width = max((across[n] + _wide(n, known) / 2 for n in places), default=0.0)
    return Plot(
        {name: places[name] for name in known},
        tuple(tuple(places[stop] for stop in way) for way in ways),
        width,
        len(layers),
    )


def _direct(needs: Mapping[str, Sequence[str]]) -> Iterator[Edge]:
    """Give the edges that no other way implies."""
    above: dict[str, set[str]] = {}
    for name, wanted in needs.items():
        implied = set[str]().union(*(above[need] for need in wanted))
        above[name] = implied | set(wanted)
        direct = [need for need in dict.fromkeys(wanted) if need not in implied]
        yield from ((need, name) for need in direct)


def _way(
    need: str, name: str, layer: Mapping[str, int], layers: list[list[str]]
) -> list[str]:
    """Give the stops of an edge, which gets a place in each layer that it passes."""
    between = []
    for at in range(layer[need] + 1, layer[name]):
        between.append(f"{need}\0{name}\0{at}")
        layers[at].append(between[-1])
    return [need, *between, name]


def _sort(layers: list[list[str]], links: Sequence[Edge]) -> None:
    """Order each layer by the middles of its neighbours, down and up again."""
    up: dict[str, list[str]] = {}
    down: dict[str, list[str]] = {}
    for above, below in links:
        up.setdefault(below, []).append(above)
        down.setdefault(above, []).append(below)
    for sweep in range(_SWEEPS):
        near = down if sweep % 2 else up
        for row in reversed(layers) if sweep % 2 else layers:
            place = {name: at for one in layers for at, name in enumerate(one)}

            row.sort(key=functools.partial(_middle, near=near, place=place))


def _middle(
    name: str, near: Mapping[str, Sequence[str]], place: Mapping[str, int]
) -> float:
    found = [place[other] for other in near.get(name, ())]
    return sum(found) / len(found) if found else place[name]


def _wide(name: str, boxes: Mapping[str, object]) -> float:
    return 1.0 if name in boxes else _PASSING


def _across(
    layers: Sequence[Sequence[str]], links: Sequence[Edge], boxes: Mapping[str, object]
) -> dict[str, float]:
    """Give each name its middle: below what it follows, as far as there is room."""
    up: dict[str, list[str]] = {}
    for above, below in links:
        up.setdefault(below, []).append(above)
    across: dict[str, float] = {}
    for row in layers:
        edge = float("-inf")
        for name in row:
            half = _wide(name, boxes) / 2
            near = [across[other] for other in up.get(name, ())]
            wish = sum(near) / len(near) if near else max(edge, 0.0) + half
            across[name] = max(wish, edge + half)
            edge = across[name] + half
        _centre(row, up, across)
    least = min((across[n] - _wide(n, boxes) / 2 for n in across), default=0.0)
    return {name: at - least for name, at in across.items()}


def _centre(
    row: Sequence[str], up: Mapping[str, Sequence[str]], across: dict[str, float]
) -> None:
    """Move a whole layer so that it stands, in the mean, below what it follows."""
    wishes = [
        sum(across[o] for o in up[name]) / len(up[name]) - across[name]
        for name in row
        if name in up
    ]
    shift = sum(wishes) / len(wishes) if wishes else 0.0
    for name in row:
        across[name] += shift
