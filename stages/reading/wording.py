"""Values of a user in messages: short, whatever they are."""

from __future__ import annotations

import difflib
import reprlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def shown(value: object) -> str:
    """Give a value as text of a bearable length, also when it is deep or huge."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 60
    return short.repr(value)


def near(found: object, known: Iterable[str]) -> str:
    """Ask whether the nearest known name was meant; "" where none is near."""
    close = difflib.get_close_matches(str(found)[:100], list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""
