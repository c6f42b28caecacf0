"""Texts with `{placeholders}`: shell commands, and the subjects of seals.

A placeholder is `{name}`, `{stage/file}` or `{data:name}`, with nothing else between
the braces, so that most braces of a shell mean what they meant: `${VAR}` (whole, with
all it holds), `{a,b}`, `{1..5}`, `awk '{print $1}'`. A doubled pair `{{...}}` stands
for a single one. What it holds is filled in by the caller, who never gives a shell the
value itself, but a quoted reference to a variable of its environment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(
    r"\$\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"  # a shell's ${VAR:-${OTHER}}
    r"|(?P<open>\{\{)"
    r"|(?P<close>\}\})"
    r"|\{(?P<name>"
    r"data:[A-Za-z0-9_][\w.-]*"
    r"|[A-Za-z0-9_][\w.-]*/[^{},;|&<>$`'\"\\\x00-\x1f]+"
    r"|[A-Za-z_][\w-]*(?:\.[\w-]+)*"
    r")\}",
    re.ASCII,
)
_QUOTED = re.compile(
    r"\\."
    r"|(?<![^\s;|&(])#[^\n]*"  # a comment may hold one apostrophe: don't
    r"|(?P<piece>'[^']*'|\"(?:\\.|[^\"\\])*\")",
    re.DOTALL,
)
# Inside these a quote means something else, and telling what takes a whole shell.
_BEYOND_US = ("$(", "`", "<<")


def placeholders(text: str) -> tuple[str, ...]:
    """Name the placeholders of `text`, each once, in order."""
    names = (found["name"] for found in _TOKEN.finditer(text))
    return tuple(dict.fromkeys(name for name in names if name))


def quoted(text: str) -> frozenset[str]:
    """Name the placeholders that surely stand inside quotes of a shell.

    There a quoted reference would end the quotes, or not be a reference at all.
    """
    if any(sign in text for sign in _BEYOND_US):
        return frozenset()
    pieces = (found["piece"] for found in _QUOTED.finditer(text))
    return frozenset(n for piece in pieces if piece for n in placeholders(piece))


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put `values` in the place of their names; a name without a value stays as it is.

    `}}` becomes `}` only where a `{{` is open: `awk '{if (x) {print $1}}'` stays whole.
    """
    depth = 0

    def put(found: re.Match[str]) -> str:
        nonlocal depth
        if found["open"]:
            depth += 1
            return "{"
        if found["close"] and depth:
            depth -= 1
            return "}"
        return values.get(found["name"], found[0])

    return _TOKEN.sub(put, text)
