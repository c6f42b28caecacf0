"""The ways in which programs write one value: as it is, quoted, escaped, encoded.

What a value becomes inside a longer text that was encoded whole is among them: base64
of three bytes is four letters, and so the value looks in one of three ways.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")
SPACE = b" \t\n\r\v\f"


def spellings(value: bytes) -> Iterator[bytes]:
    """Give all ways to write `value` that are known here, some of them twice."""
    yield from quoted(value)
    yield from _escaped(value)
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for before in range(3):
        spelled = _in_base64(value, before)
        yield spelled
        yield spelled.translate(_URL_ALPHABET)


def quoted(value: bytes) -> Iterator[bytes]:
    r"""As it is; as Python, JSON and a shell write it between quotes, without those."""
    yield value
    text = value.decode("utf-8", "surrogateescape")
    yield repr(value)[2:-1].encode()
    for written in (repr(text), json.dumps(text), json.dumps(text, ensure_ascii=False)):
        yield written[1:-1].encode("utf-8", "surrogateescape")
    yield json.dumps(text)[1:-1].replace("/", r"\/").encode()
    for quote_sign in (b"'\"'\"'", b"'\\''"):
        yield value.replace(b"'", quote_sign)


def _escaped(value: bytes) -> Iterator[bytes]:
    """As a URL has it: with and without its slashes, in both cases of letters."""
    for written in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield written.encode()
        yield _lower_escapes(written).encode()


def _lower_escapes(text: str) -> str:
    head, *parts = text.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts)


def _in_base64(value: bytes, before: int) -> bytes:
    """Give the letters that are the same whatever stands around the value.

    before: how many bytes of a group of three stand before it.
    """
    whole = base64.b64encode(b"\0" * before + value)
    first = -(-before * 8 // 6)
    last = (before + len(value)) * 8 // 6
    return whole[first:last]
