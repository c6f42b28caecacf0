"""A few words in colour, for what is printed once: pieces of lines, each in a style.

The live picture has rich. A page that is printed and done with needs no more than
this, and comes at once.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

Piece = tuple[str, str]  # a text, and its style; "" for none
Line = list[Piece]

_STYLES = {"bold": "1", "dim": "2", "cyan": "36", "yellow": "33"}
_ASCII = str.maketrans("│├┤┼╰╯┴─┊╌○◇…·✓●", "||||`'+-:.o*~-+*")


def printed(lines: Iterable[Line], out: TextIO) -> str:
    """Give the lines as `out` can show them: in colour, plain, or in ASCII."""
    is_coloured = has_colour(out)
    text = "".join(f"{_joined(line, is_coloured=is_coloured)}\n" for line in lines)
    try:
        text.encode(out.encoding or "ascii")
    except UnicodeEncodeError:
        return text.translate(_ASCII)
    return text


def has_colour(out: TextIO) -> bool:
    """Tell whether a person reads this who did not ask for plain text."""
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return out.isatty() and not is_plain


def width_of(out: TextIO) -> int:
    """Give the cells of a line: what COLUMNS says, or the terminal has, or 80."""
    # As shutil does, which takes longer to import than a page takes to print.
    said = os.environ.get("COLUMNS", "")
    with contextlib.suppress(OSError, ValueError):
        return int(said) if said.isdecimal() else os.get_terminal_size(out.fileno())[0]
    return 80


def strong(text: str, out: TextIO) -> str:
    """Make a heading bold where that can be seen."""
    return _painted(text, "bold") if has_colour(out) else text


def _joined(line: Line, *, is_coloured: bool) -> str:
    while line and not line[-1][0].strip():
        line = line[:-1]
    if is_coloured:
        return "".join(_painted(text, style) for text, style in line)
    return "".join(text for text, _ in line).rstrip()


def _painted(text: str, style: str) -> str:
    code = _STYLES.get(style)
    return f"\x1b[{code}m{text}\x1b[0m" if code and text.strip() else text
