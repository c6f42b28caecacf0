"""Small figures as SVG text: bars, and ribbons of coloured states over time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from models.shapes import Array, IntArray

WIDTH, HEIGHT, MARGIN = 640, 160, 24
RIBBON = 14
GOLDEN_ANGLE = 137.508
FONT = 'font-family="sans-serif" font-size="12"'


def bars(heights: Array, title: str) -> str:
    """Draw one bar per entry of heights, the highest as high as there is room."""
    room = (WIDTH - 2 * MARGIN) / len(heights)
    tallest = max(float(heights.max()), 1e-12)
    tops = heights / tallest * (HEIGHT - 2 * MARGIN)
    shapes = [
        _box(MARGIN + i * room, HEIGHT - MARGIN - top, 0.85 * room, top, "steelblue")
        for i, top in enumerate(tops)
    ]
    return _page(HEIGHT, title, shapes)


def ribbons(rows: Sequence[IntArray], title: str) -> str:
    """Draw one ribbon per row, coloured by state, time from left to right."""
    height = 2 * MARGIN + RIBBON * len(rows)
    shapes = [
        _box(left, MARGIN + i * RIBBON, width, RIBBON - 3, _colour(state))
        for i, row in enumerate(rows)
        for left, width, state in _runs(row)
    ]
    return _page(height, title, shapes)


def _runs(row: IntArray) -> Iterator[tuple[float, float, int]]:
    """Left edge, width and state of each run of equal states."""
    edges = np.flatnonzero(np.diff(row)) + 1
    starts = np.concatenate([[0], edges, [len(row)]])
    frame = (WIDTH - 2 * MARGIN) / len(row)
    for start, end in itertools.pairwise(starts.tolist()):
        yield MARGIN + start * frame, (end - start) * frame, int(row[start])


def _colour(state: int) -> str:
    """Neighbouring numbers are far apart in hue."""
    return f"hsl({state * GOLDEN_ANGLE % 360:.0f} 60% 50%)"


def _box(left: float, top: float, width: float, height: float, colour: str) -> str:
    place = f'x="{left:.2f}" y="{top:.2f}" width="{width:.2f}" height="{height:.2f}"'
    return f'<rect {place} fill="{colour}"/>'


def _page(height: int, title: str, shapes: Sequence[str]) -> str:
    size = f'width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{MARGIN}" y="16" {FONT}>{title}</text>',
        *shapes,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
