"""Pieces of a terminal line: what fits stays whole, and what does not is left out.

Half a number would be a wrong number, so nothing is cut but the last words of a text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from pipeline.clock import spoken

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

_GAP = "  "
_LEAST_TEXT = 24  # cells of a line's last words, before its other parts make room
_MINUTE, _HOUR = 60.0, 3600.0


class Part(NamedTuple):
    """A piece of a line. The highest rank makes room first; 0 never does."""

    text: Text
    rank: int = 0


def fit(parts: Iterable[Part], width: int) -> Text:
    """Join the parts that fit in `width`; the last of those is cut if it must be."""
    return cut(_joined(_fitting(parts, width)), width)


def spread(left: Iterable[Part], right: Iterable[Part], width: int) -> Text:
    """Fill a line from both of its ends, with the parts that fit."""
    left, right = list(left), list(right)
    kept = _fitting([*left, *right], width)
    line, end = (_joined([p for p in side if p in kept]) for side in (left, right))
    line.pad_right(max(width - line.cell_len - end.cell_len, 0))
    return cut(line + end, width)


def _fitting(parts: Iterable[Part], width: int) -> list[Part]:
    kept = [part for part in parts if part.text]
    while _least(kept) > width and any(part.rank for part in kept):
        kept.remove(max(reversed(kept), key=lambda part: part.rank))
    return kept


def _joined(parts: Iterable[Part]) -> Text:
    return Text(_GAP).join(part.text for part in parts)


def _least(parts: Sequence[Part]) -> int:
    """Give the cells the parts need; of words at the end, a piece is enough."""
    if not parts:
        return 0
    *most, last = (part.text.cell_len for part in parts)
    last = last if parts[-1].rank else min(last, _LEAST_TEXT)
    return sum(most) + last + len(_GAP) * len(most)


def cut(line: Text, width: int) -> Text:
    """Shorten `line` to `width`, and show that it was."""
    line.truncate(max(width, 0), overflow="ellipsis")
    return line


def shortened(lines: Sequence[Text], most: int, width: int) -> list[Text]:
    """Give the first `most` lines of a text, and show that there were others."""
    kept = list(lines[: max(most, 1)])
    if len(kept) < len(lines):
        kept[-1] = cut(kept[-1], width - 1) + Text("…")
    return kept


def wrapped(text: Text, console: Console, width: int) -> list[Text]:
    """Break `text` at its spaces."""
    lines = list(text.wrap(console, max(width, 1)))
    for line in lines:
        line.rstrip()
    return lines or [text]


def flowed(parts: Iterable[Text], console: Console, width: int, gap: str) -> list[Text]:
    """Put parts side by side; one that does not fit begins the next line."""
    lines: list[Text] = []
    for part in parts:
        if lines and lines[-1].cell_len + len(gap) + part.cell_len <= width:
            lines[-1].append(gap, "dim").append_text(part)
        else:
            # A line of its own style would lend it to all that is put beside it.
            lines += map(Text.assemble, wrapped(part, console, width))
    return lines


def bar(share: float, width: int, style: str) -> Text:
    """Draw a share of 1, to half a cell."""
    halves = int(share * width * 2)
    full, half = "━" * (halves // 2), "╸" * (halves % 2)
    rest = "─" * (width - len(full) - len(half))
    return Text.assemble((full + half, style), (rest, "dim"))


def about(seconds: float) -> str:
    """Say a span without the digits that only flicker: 42 s, 3 min 05 s, 16 min."""
    if seconds < _MINUTE:
        return f"{max(int(seconds), 0)} s"
    if 10 * _MINUTE <= seconds < _HOUR:
        return f"{int(seconds / _MINUTE)} min"
    return spoken(seconds)


def pace(rate: float) -> str:
    """Say ticks per second, or by a span that has at least one of them."""
    for seconds, word in ((1.0, "s"), (_MINUTE, "min")):
        if rate * seconds >= 1:
            return f"{rate * seconds:.3g}/{word}"
    return f"{rate * _HOUR:.3g}/h"
