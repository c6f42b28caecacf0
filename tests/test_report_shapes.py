"""Whatever a text or a graph is, a report of it is well formed."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.report import layers, markdown, page, plain
from pipeline.report.blocks import Code, Link, Table
from tests.reporting import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


@settings(max_examples=60, deadline=None)
@given(TEXT)
def test_a_cell_of_the_page_holds_the_text_itself(cell: str) -> None:
    """In whatever way it is said: as text, as a name, as a link."""
    row = ((cell,), (Code(cell),), (Link(cell, cell),))
    found = Page(page.written([Table(("a", "b", "c"), (row,))], cell))

    assert [one.strip() for one in found.cells] == [plain.line(cell)] * 3


@settings(max_examples=60, deadline=None)
@given(TEXT)
def test_a_cell_of_the_text_stays_one_cell(cell: str) -> None:
    """Bars, ticks, backslashes and line ends of it break no table."""
    row = ((cell,), (Code(cell),), (Link(cell, "x"),))
    lines = markdown.written([Table(("a", "b", "c"), (row,))]).splitlines()

    assert len(lines) == 3
    bars = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines]
    assert bars == [4, 4, 4]


@st.composite
def graphs(draw: st.DrawFn) -> Mapping[str, list[str]]:
    """Give stages in an order in which each follows what it needs."""
    count = draw(st.integers(1, 9))
    names = [f"s{n}" for n in range(count)]
    below = {
        n: st.lists(st.sampled_from(names[:n]), max_size=3) for n in range(1, count)
    }
    return {name: draw(below[n]) if n else [] for n, name in enumerate(names)}


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_boxes_stand_apart_and_below_what_they_need(
    needs: Mapping[str, list[str]],
) -> None:
    """Each edge leads down, a layer at a time, from a box to a box."""
    plot = layers.plotted(needs)

    places = plot.boxes
    assert all(
        places[n].layer > places[o].layer for n, over in needs.items() for o in over
    )
    for one in places.values():
        beside = [o for o in places.values() if o.layer == one.layer and o is not one]
        assert all(abs(one.across - other.across) > 0.999 for other in beside)
    assert all(0.499 <= one.across <= plot.width - 0.499 for one in places.values())
    for way in plot.edges:
        steps = [b.layer - a.layer for a, b in pairwise(way)]
        assert set(steps) == {1}
