"""Foreign text made harmless, and numbers and spans as a reader wants them. Pure."""

from __future__ import annotations

import math
import re

from pipeline.sketch import number_text

_MOST = 2000  # characters of one text; a longer one is cut, and says so
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
# What has no shape, what turns the reading direction, and halves of signs.
_SHAPELESS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\uffff\ud800-\udfff]"
)
# The module `html` would bring a table of 2,000 names along.
_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
)


def line(text: str, most: int = _MOST) -> str:
    """Give a text as one line."""
    if len(text) <= most and _is_plain(text) and "  " not in text:
        return text.strip()
    text = " ".join(shaped(text[: 4 * most]).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def shaped(text: str) -> str:
    """Give a text of many lines with nothing in it that has no shape."""
    if _is_plain(text):
        return text
    text = _ESCAPE.sub("", text.replace("\r\n", "\n").replace("\t", "    "))
    return _SHAPELESS.sub("\N{REPLACEMENT CHARACTER}", text)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def escaped(text: str) -> str:
    """Write a text so that HTML shows it, in an attribute too."""
    return text.translate(_ENTITIES)


def number(value: float) -> str:
    """Say a number by four digits, and one that is none by its name."""
    try:
        value = float(value)
    except OverflowError:
        return "too large"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return "not finite" if math.isnan(value) else number_text(value)
