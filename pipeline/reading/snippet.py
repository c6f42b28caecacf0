"""A line of a text with a caret below the place that is meant.

    14 |   gates: [acuracy => 0.8]
       |           ^

Whatever the line holds, it comes out as wide as it looks: a tab as spaces, a wide
character as two cells, and what a terminal would obey, or would not show, as a mark.
"""

from __future__ import annotations

import re
import unicodedata

# YAML ends a line at each of these, and so do its line numbers.
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_TAB = "    "
_UNSEEN = "\ufffd"
_WIDEST = 76
_BEFORE = 50  # of a longer line, so much is shown before the place
_CUT = "..."


def lines(text: str) -> list[str]:
    """Give the lines of `text` as YAML counts them."""
    return _LINE_END.split(text)


def shown(line: str, number: int, column: int) -> list[str]:
    """Show `line`, its place at `column` (counted from 1) marked; blank, nothing."""
    if not line.strip():
        return []
    start = max(0, column - 1 - _BEFORE) if len(line) > _WIDEST else 0
    head = (_CUT if start else "") + _seen(line[start : column - 1])
    tail = _seen(line[column - 1 : start + _WIDEST])
    more = _CUT if start + _WIDEST < len(line) else ""
    gutter = f"{number} | "
    below = f"{' ' * (len(gutter) - 2)}| {' ' * _width(head)}^"
    return [(gutter + head + tail).rstrip() + more, below]


def _seen(text: str) -> str:
    shown_as = (_TAB if c == "\t" else c if c.isprintable() else _UNSEEN for c in text)
    return "".join(shown_as)


def _width(text: str) -> int:
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    """Give how many cells of a terminal a character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
