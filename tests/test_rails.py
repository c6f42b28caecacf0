"""The rails of a graph: one row per stage, and no line without a meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.rails import rails

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Graph = dict[str, tuple[str, ...]]

CHAIN: Graph = {"a": (), "b": ("a",), "c": ("a", "b"), "d": ("a", "c")}
FORK: Graph = {"a": (), "leaf": ("a",), "b": ("a",), "c": ("b",)}
DIAMOND: Graph = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
FAN: Graph = {"a": (), **dict.fromkeys("bcd", ("a",)), "end": ("b", "c", "d")}
CROSSED: Graph = {"a": (), "b": (), "c": ("a",), "d": ("b", "c"), "e": ("a",)}
TWO_CHAINS: Graph = {"a": (), "b": ("a",), "x": (), "y": ("x",)}

ROWS: dict[str, tuple[Graph, str]] = {
    "a chain is a chain": (CHAIN, "o a/o b/o c/o d"),
    "a leaf stands aside": (FORK, "o   a/├─o leaf/o   b/o   c"),
    "branches come together": (DIAMOND, "o   a/├─o b/o │ c/o─╯ d"),
    "a fan": (FAN, "o     a/├─o   b/├─│─o c/o │ │ d/o─┴─╯ end"),
    "passing is not joining": (CROSSED, "o     a/│ o   b/├─│─o c/│ o─╯ d/o     e"),
    "a root is not a child": (TWO_CHAINS, "o   a/o   b/  o x/  o y"),
}


def drawn(
    graph: Mapping[str, tuple[str, ...]],
    shown: Collection[str] | None = None,
    most: int = 8,
) -> list[str]:
    """Draw a graph as text, its marks as `o`."""
    found = rails(graph, graph if shown is None else shown, most=most)
    return [f"{rail.before}o{rail.after} {name}" for name, rail in found.items()]


@pytest.mark.parametrize(("graph", "picture"), ROWS.values(), ids=ROWS)
def test_how_a_graph_is_drawn(graph: Graph, picture: str) -> None:
    """Each row: a graph, and its picture line by line."""
    assert drawn(graph) == picture.split("/")


def test_what_is_not_shown_is_passed_through() -> None:
    """The order of the shown stages is drawn, whoever stands between them."""
    assert drawn(FORK, shown={"a", "c"}) == ["o a", "o c"]


def test_too_many_lanes_give_bare_marks() -> None:
    """Rails as wide as the text would help nobody."""
    assert drawn(FAN, most=2) == ["o a", "o b", "o c", "o d", "o end"]


def test_needs_that_make_no_sense_are_passed_over() -> None:
    """The shape of a graph comes from a box: a picture is drawn of any."""
    assert drawn({"a": ("a", "b", "gone"), "b": ("a", "a")}) == ["o a", "o b"]


@given(st.lists(st.sets(st.integers(0, 20), max_size=4), max_size=20), st.data())
def test_every_graph_has_a_picture(needs: list[set[int]], data: st.DataObject) -> None:
    """Whatever the graph and whoever is shown: a row for each, all equally wide."""
    graph = {str(at): tuple(map(str, near)) for at, near in enumerate(needs)}
    shown = [name for name in graph if data.draw(st.booleans())]

    found = rails(graph, shown, most=30)

    assert list(found) == shown
    assert len({(rail.width, len(rail.below)) for rail in found.values()}) <= 1
