"""What one word of YAML means: a value, a duration, a size.

YAML 1.1 reads `no` as false, `12:30:00` as a number to the base of 60, `1e-4` as text
and a date as an object. Here a word is a number only if everybody would take it for
one; all else is the text that was written.
"""

from __future__ import annotations

import re
from fractions import Fraction

Value = None | bool | int | float | str

_WORDS: dict[str, Value] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}
_SWITCHES = {
    **dict.fromkeys(["true", "on", "yes"], True),
    **dict.fromkeys(["false", "off", "no"], False),
}
_INT = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:_[0-9]{3})+)"
    r"|(?P<based>0x[0-9a-fA-F]+|0o[0-7]+)"
)
# As in YAML 1.2, but a number does not begin with a nought that says nothing.
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|(?P<odd>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
# Python reads integers of more than 4300 digits slowly, and then refuses to.
_LONGEST_NUMBER = 256

_DURATION = re.compile(
    r"(?:([0-9]+(?:\.[0-9]+)?) ?d ?)?"
    r"(?:([0-9]+(?:\.[0-9]+)?) ?h ?)?"
    r"(?:([0-9]+(?:\.[0-9]+)?) ?min ?)?"
    r"(?:([0-9]+(?:\.[0-9]+)?) ?s)?"
)
_UNITS_S = (86400, 3600, 60, 1)
_LONGEST_S = 10_000 * 86400  # what every timer of every system still takes

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(?:([kmgt])(i?))?b", re.IGNORECASE)
_MOST_BYTES = 2**63 - 1


def resolve(text: str) -> Value:
    """Give the value of a plain word."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    if found := _INT.fullmatch(text):
        return int(text, 0) if found["based"] else int(text)
    if found := _FLOAT.fullmatch(text):
        return float(text.replace(".", "", 1) if found["odd"] else text)
    return text


def switch(text: str) -> bool | None:
    """Read on or off, in any of the ways people write it."""
    return _SWITCHES.get(text.lower())


def seconds(text: str) -> float | None:
    """Read a duration longer than nothing: `90`, `60s`, `6h`, `1h30min`."""
    found = _DURATION.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    if found and text:
        spans = zip(found.groups(), _UNITS_S, strict=True)
        total = sum(float(many) * unit for many, unit in spans if many)
    else:
        number = resolve(text)
        is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
        total = float(number or 0) if is_number else 0.0
    return total if 0 < total <= _LONGEST_S else None


def size_bytes(text: str) -> int | None:
    """Read a size: `2MB` is 2,000,000 bytes, `1GiB` is 1,073,741,824, `17` is 17."""
    found = _SIZE.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    if found:
        many, prefix, binary = found.groups()
        base = 1024 if binary else 1000
        size = int(Fraction(many) * base ** " kmgt".index((prefix or " ").lower()))
    else:
        number = resolve(text)
        is_whole = isinstance(number, int) and not isinstance(number, bool)
        size = int(number or 0) if is_whole else -1
    return size if 0 <= size <= _MOST_BYTES else None
