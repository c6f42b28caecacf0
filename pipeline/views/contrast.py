"""How two versions of a thing differ, as lines to be read: texts by a difference.

What cannot be shown is said in words: bytes that are no text, what is too large, and
what does not lie on this machine.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from typing import TYPE_CHECKING

from pipeline import pulse
from pipeline.views.tame import tame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.blobs import Blobs
    from pipeline.changes import Change
    from pipeline.views.ink import Line

_LARGEST = 100_000  # bytes of a file whose difference is shown
_MOST_LINES = 40
_AROUND = 2  # lines that did not change, shown beside those that did
_OBJECT = re.compile(r"([0-7]{6}):([0-9a-f]{40}|[0-9a-f]{64})")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHORT = 12
_LONG = 40  # letters of a value that its own line may have cut
_STYLES = {"+": "cyan", "-": "yellow", "@": "dim"}


def contrast(change: Change, sources: Sequence[Blobs]) -> Iterator[Line]:
    """Show both sides of a change, below the line that names it."""
    if change.kind in ("code", "read"):
        yield from _of_objects(change, sources)
    elif change.kind in ("input", "data"):
        if change.old and change.new:
            was, now = map(_short, (change.old, change.new))
            yield [(f"was {was}, is {now}", "dim")]
    elif any("\n" in text or len(text) > _LONG for text in (change.old, change.new)):
        yield from _difference(change.old.splitlines(), change.new.splitlines())


def _short(value: str) -> str:
    return value[:_SHORT] if _SHA256.fullmatch(value) else tame(value)[:60]


def _of_objects(change: Change, sources: Sequence[Blobs]) -> Iterator[Line]:
    sides = [_OBJECT.fullmatch(value) for value in (change.old, change.new)]
    if not any(sides):
        return
    old, new = (_read(side, sources) if side else b"" for side in sides)
    modes = [side[1] if side else "" for side in sides]
    if all(modes) and modes[0] != modes[1]:
        yield [(f"its mode was {modes[0]}, is {modes[1]}", "dim")]
    if old is None or new is None:
        which = "what it was" if old is None else "what it is"
        yield [(f"{which} does not lie on this machine", "dim")]
    elif max(len(old), len(new)) > _LARGEST:
        yield [(f"too large to show: {_sizes(old, new)}", "dim")]
    elif b"\0" in old or b"\0" in new:
        yield [(f"no text: {_sizes(old, new)}", "dim")]
    else:
        yield from _difference(_lines_of(old), _lines_of(new))


def _read(side: re.Match[str], sources: Sequence[Blobs]) -> bytes | None:
    for source in sources:
        data = source.read(side[2])
        if data is not None:
            return data
    return None


def _sizes(old: bytes, new: bytes) -> str:
    return f"{pulse.size(len(old))} -> {pulse.size(len(new))}"


def _lines_of(data: bytes) -> list[str]:
    # Not by splitlines(): to a difference, a form feed is a sign like any other.
    text = data.decode("utf-8", "replace")
    lines = text.split("\n")
    with contextlib.suppress(IndexError):
        if not lines[-1]:
            lines.pop()
        elif lines:
            lines[-1] += "\\ no newline at the end"
    return lines


def _difference(old: list[str], new: list[str]) -> Iterator[Line]:
    found = difflib.unified_diff(old, new, lineterm="", n=_AROUND)
    shown = [line for line in found if not line.startswith(("--- ", "+++ "))]
    while shown and not shown[-1].strip():  # blank, and not changed
        shown.pop()
    for line in shown[:_MOST_LINES]:
        yield [
            (line[:1] + tame(line[1:].replace("\r", "␍")), _STYLES.get(line[:1], ""))
        ]
    if len(shown) > _MOST_LINES:
        yield [(f"and {len(shown) - _MOST_LINES} lines more", "dim")]
