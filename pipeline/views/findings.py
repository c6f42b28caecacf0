"""What the doctor found, as lines: found, wanted, and what to type.

In a terminal long lines are folded below their own column; elsewhere each finding is
one line, and what to type follows on its own.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Protocol

from pipeline.views import ink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

_STYLES = {"ok": "dim", "warn": "yellow", "fail": "bold"}
_LEVEL, _WHAT = 6, 15  # cells of the first two columns
_LEAST = 40


class Finding(Protocol):
    """One thing that was looked at."""

    @property
    def level(self) -> str:
        """ok, warn or fail."""
        ...

    @property
    def what(self) -> str:
        """What was looked at."""
        ...

    @property
    def found(self) -> str:
        """What was found."""
        ...

    @property
    def wanted(self) -> str:
        """What it should be; nothing where it is so."""
        ...

    @property
    def todo(self) -> str:
        """What to type, in lines; nothing where nothing is to be done."""
        ...


def table(name: str, findings: Sequence[Finding], out: TextIO) -> str:
    """Draw all findings about one place, and sum them up."""
    width = max(ink.width_of(out), _LEAST) if out.isatty() else 0
    lines = [line for one in findings for line in _rows(one, width)]
    return ink.printed([*lines, [("", "")], [(_sum(name, findings), "bold")]], out)


def _rows(one: Finding, width: int) -> Iterator[ink.Line]:
    style = _STYLES[one.level]
    head = f"{one.level.upper() if one.level == 'fail' else one.level:<{_LEVEL}}"
    indent = " " * (_LEVEL + _WHAT + 1)
    body = _folded(one.found, width)
    yield [(head, style), (f"{one.what:<{_WHAT}} ", ""), (body[0], "")]
    yield from ([(indent + line, "")] for line in body[1:])
    for label, text in (("wanted", one.wanted), ("type", one.todo)):
        for at, paragraph in enumerate(text.splitlines()):
            # What is to be typed is never folded: it would not be what it was.
            folded = [paragraph] if label == "type" else _folded(paragraph, width - 8)
            for row, line in enumerate(folded):
                mark = f"{label}:" if at == 0 and row == 0 else ""
                yield [(indent, ""), (f"{mark:<8}", "dim"), (line, "cyan")]


def _folded(text: str, width: int) -> list[str]:
    room = width - _LEVEL - _WHAT - 1
    if width <= 0 or len(text) <= room:
        return [text]
    return textwrap.wrap(text, max(room, 20), break_on_hyphens=False) or [""]


def _sum(name: str, findings: Sequence[Finding]) -> str:
    failed = sum(one.level == "fail" for one in findings)
    warned = sum(one.level == "warn" for one in findings)
    place = "this machine" if name == "local" else f"host {name}"
    if not failed:
        also = f"; {warned} to look at" if warned else ""
        return f"{place}: fit for runs{also}"
    return f"{place}: not fit for runs yet: mend what says FAIL"
