"""What a script reads: one JSON document, or one to a line. Told in docs/json.md."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from pipeline import codec

if TYPE_CHECKING:
    from pipeline.codec import Json

# JSON itself spells out the older half of them.
_ORDERS = {number: f"\\u{number:04x}" for number in range(0x7F, 0xA0)}


def put(document: Json) -> None:
    """Print a document: on one line for a program, on many for a person."""
    if sys.stdout.isatty():
        print(_spelled(json.dumps(document, ensure_ascii=False, indent=2)))
    else:
        put_line(document)


def put_line(document: Json) -> None:
    """Print one of many documents, and let it out at once."""
    line = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    print(_spelled(line), flush=True)


def _spelled(text: str) -> str:
    """Spell out what is no text, and what a terminal would obey: JSON allows it raw."""
    return codec.escaped(text).translate(_ORDERS)
