"""Secrets in what a stage prints: known by where they come from, or by their look."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

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
_SHORTEST_SECRET = 8  # shorter values are words like "true", and would blot the log
BLOT = b"***"


def secret_values(environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """Give the values that must not be shown, longest first.

    A key of many lines is one value per line, as a log is read.
    """
    values = {
        line.strip().encode("utf-8", "surrogateescape")
        for name, value in environment.items()
        if _SECRET_NAME.search(name)
        for line in re.split(r"[\r\n]+", value)
        if len(line.strip()) >= _SHORTEST_SECRET
    }
    return tuple(sorted(values, key=len, reverse=True))


def blot(text: bytes, secrets: tuple[bytes, ...]) -> bytes:
    """Put out what looks like a secret, in one line or many."""
    for secret in secrets:
        text = text.replace(secret, BLOT)
    if b"sk-" in text or any(head in text for head in _SECRET_HEADS):
        return _SECRET_SHAPES.sub(BLOT, text)
    return text


def blot_unfinished(line: bytes, secrets: tuple[bytes, ...]) -> bytes:
    """Put out secrets of a line that is not whole: one may have begun at its end."""
    line = _SECRET_BEGUN.sub(b"", blot(line, secrets))
    for secret in secrets:
        for size in range(min(len(secret) - 1, len(line)), 0, -1):
            if line.endswith(secret[:size]):
                line = line[:-size]
                break
    return line
