"""The names in a pipeline.yaml at a glance, however unfinished the file is.

For completion, which has no time to read YAML and no use for its mistakes: the keys of
one section, found by their indentation. Whoever wants the truth asks `spec`.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

from pipeline.layout import is_safe_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY = re.compile(r"""(?P<indent> *)(?P<quote>["']?)(?P<key>[^\s"':]+)(?P=quote)\s*:""")


def names(text: str, section: str) -> list[str]:
    """Give the keys of a section of the top level, in the order of the file."""
    found = list(dict.fromkeys(_keys(text, section)))
    return [name for name in found or _read(text, section) if is_safe_name(name)]


def _keys(text: str, section: str) -> Iterator[str]:
    """Find the lines that begin with a key, one step inside of the section."""
    step: int | None = None
    is_inside = False
    for line in text.splitlines():
        key = _KEY.match(line)
        if key and not key["indent"]:
            is_inside, step = key["key"] == section, None
        elif is_inside and key:
            step = len(key["indent"]) if step is None else step
            if len(key["indent"]) == step:
                yield key["key"]


def _read(text: str, section: str) -> list[str]:
    """Read it as YAML after all: the section may be in braces."""
    if not re.search(rf"""^["']?{section}["']?\s*:""", text, re.MULTILINE):
        return []
    # yaml takes as long to import as everything else here together.
    from pipeline.errors import PipelineError
    from pipeline.reading.marked import Entries, compose
    from pipeline.reading.mistakes import Mistakes

    with contextlib.suppress(PipelineError):
        root = compose(text, Mistakes("a glance"))
        if isinstance(root, Entries):
            inside = (node for key, node in root.pairs if key.text == section)
            if isinstance(found := next(inside, None), Entries):
                return [key.text for key, _ in found.pairs]
    return []
