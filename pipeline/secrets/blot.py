"""Secrets in what a stage prints: known by where they come from, or by their look.

A value is put out in every way that programs spell it, also where white space stands
inside: a line that was broken, base64 in rows. So it is looked for in the text without
any, and what is found there has its place in the text itself.
"""

from __future__ import annotations

import re
from array import array
from functools import lru_cache
from itertools import compress
from typing import TYPE_CHECKING

from pipeline.secrets.spelling import SPACE, quoted, spellings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_SECRET_NAME = re.compile(
    r"(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL)",
    re.IGNORECASE,
)
_SECRET_SHAPES = re.compile(
    rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    rb"|\bgh[pousr]_[A-Za-z0-9]{30,}\b"
    rb"|\bhf_[A-Za-z0-9]{30,}\b"
    rb"|\bsk-[A-Za-z0-9_-]{30,}\b"
)
_SECRET_HEADS = (b"AKIA", b"ASIA", b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"hf_")
_SECRET_BEGUN = re.compile(rb"\b(?:AKIA|ASIA|gh[pousr]_|hf_|sk-)[A-Za-z0-9_-]*$")
SHORTEST = 8  # shorter values are words like "true", and would blot the log
# Letters at the end of a line that a secret may begin with, by how many of it may have
# been shown before: one letter alone ends every other line.
_LEAST_BEGUN = ((0, 2), (1, 4))
BLOT = b"***"

_STARS = bytes(sign if sign in SPACE else ord("*") for sign in range(256))
_IS_LETTER = bytes(sign not in SPACE for sign in range(256))

Secrets = tuple[bytes, ...]


def secret_values(environment: Mapping[str, str], named: Iterable[str] = ()) -> Secrets:
    """Give the values that must not be shown, longest first.

    A key of many lines is one value per line, as a log is read. Variables of `named`
    are secrets whatever they are called, and also as a whole.
    """
    sure = frozenset(named)
    values = {environment[name].strip() for name in sure if name in environment}
    for name, value in environment.items():
        if name in sure or _SECRET_NAME.search(name):
            values |= {line.strip() for line in re.split(r"[\r\n]+", value)}
    return _longest_first(value for value in values if len(value) >= SHORTEST)


def _longest_first(values: Iterable[str]) -> Secrets:
    encoded = {value.encode("utf-8", "surrogateescape") for value in values}
    return tuple(sorted(encoded, key=len, reverse=True))


def blot(text: bytes, secrets: Secrets) -> bytes:
    """Put out what looks like a secret, in one line or many."""
    text = _replaced(text, secrets, _blotted)
    if b"sk-" in text or any(head in text for head in _SECRET_HEADS):
        return _SECRET_SHAPES.sub(BLOT, text)
    return text


def blot_text(text: str, secrets: Secrets) -> str:
    """Put out what looks like a secret in a text."""
    blotted = blot(text.encode("utf-8", "surrogateescape"), secrets)
    return blotted.decode("utf-8", "replace")


def masked(text: bytes, secrets: Secrets) -> bytes:
    """Put a star for each letter of a secret: the text is as long as before."""
    return _replaced(text, secrets, lambda found: found.translate(_STARS))


def holds(text: bytes, secrets: Secrets) -> bool:
    """Tell whether one of the secrets stands in `text`, in whatever spelling."""
    return bool(_places(text, secrets)) or any(one in text for one in _airy(secrets))


def _replaced(text: bytes, secrets: Secrets, change: Callable[[bytes], bytes]) -> bytes:
    if places := _places(text, secrets):
        pieces, at = [], 0
        for begin, end in places:
            pieces += [text[at:begin], change(text[begin:end])]
            at = end
        text = b"".join([*pieces, text[at:]])
    for secret in _airy(secrets):
        text = text.replace(secret, change(secret))
    return text


def _blotted(found: bytes) -> bytes:
    """Put it out on each of its lines: there are as many afterwards."""
    return b"\n".join([BLOT] * (found.count(b"\n") + 1))


def _places(text: bytes, secrets: Secrets) -> list[tuple[int, int]]:
    """Give where secrets begin and end in `text`, whatever white space is in them."""
    if not secrets:
        return []
    dense = text.translate(None, SPACE)
    found = sorted(
        place for spelled in _spelled(secrets) for place in _found(dense, spelled)
    )
    if not found:
        return []
    letters = array("Q", compress(range(len(text)), text.translate(_IS_LETTER)))
    places: list[tuple[int, int]] = []
    for first, after in found:
        begin, end = letters[first], letters[after - 1] + 1
        if places and begin < places[-1][1]:
            begin, end = places[-1][0], max(end, places.pop()[1])
        places.append((begin, end))
    return places


def _found(dense: bytes, spelled: bytes) -> Iterator[tuple[int, int]]:
    """Find a spelling; its first letter may stand in what was shown before."""
    first, rest = spelled[0], spelled[1:]
    at = dense.find(rest)
    while at >= 0:
        after = at + len(rest)
        yield at - (at > 0 and dense[at - 1] == first), after
        at = dense.find(rest, after)


# There are the secrets of a few stages; what is cached here lives in memory only.
@lru_cache(maxsize=64)
def _spelled(secrets: Secrets) -> Secrets:
    """Give every spelling without its white space, longest first.

    Of a value of many lines, a line by itself is known as it is.
    """
    lines = {line.strip() for secret in secrets for line in secret.splitlines()[1:]}
    lines |= {secret.splitlines()[0].strip() for secret in secrets if b"\n" in secret}
    every = {
        dense
        for secret in secrets
        for spelled in (quoted if secret in lines else spellings)(secret)
        if len(dense := spelled.translate(None, SPACE)) >= SHORTEST
    }
    return tuple(sorted(every, key=lambda one: (-len(one), one)))


@lru_cache(maxsize=64)
def _airy(secrets: Secrets) -> Secrets:
    """Give those of which too little is left without white space."""
    return tuple(s for s in secrets if len(s.translate(None, SPACE)) < SHORTEST)


def begun_at(text: bytes, secrets: Secrets) -> int:
    """Say from where on `text` may be the beginning of a secret that goes on after it.

    That is its end where there is none.
    """
    spelled = _spelled(secrets)
    if not spelled:
        return len(text)
    longest = len(spelled[0]) - 1
    dense = text[-4 * longest :].translate(None, SPACE)[-longest:]
    size = max(_begun(dense, one) for one in spelled)
    at = len(text)
    while size:
        at -= 1
        size -= text[at] not in SPACE
    return at


def _begun(dense: bytes, spelled: bytes) -> int:
    """Give how much of the end of `dense` is the beginning of a spelling."""
    for shown, least in _LEAST_BEGUN:
        whole = spelled[shown:]
        at = dense.find(whole[:least], -len(whole) + 1)
        while at >= 0:
            if whole.startswith(dense[at:]):
                return len(dense) - at
            at = dense.find(whole[:least], at + 1)
    return 0


def blot_unfinished(line: bytes, secrets: Secrets) -> bytes:
    """Put out secrets of a line that is not whole: one may have begun at its end."""
    line = _SECRET_BEGUN.sub(b"", blot(line, secrets))
    line = line[: begun_at(line, secrets)]
    for secret in secrets:
        if line.endswith(secret[:1]):
            return line[:-1]
    return line
