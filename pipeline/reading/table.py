"""A mapping of pipeline.yaml, read by its grammar, one key after the other.

Whatever is wrong goes to the mistakes and reads as if it had not been said, so that
reading goes on to the next mistake. Null is the same as not said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, TypeVar

from pipeline.frozen import dataclass
from pipeline.reading import scalar
from pipeline.reading.marked import Entries, Items, Node, Scalar
from pipeline.reading.mistakes import NOWHERE, Mark, Mistakes, meant
from pipeline.reading.naming import (
    PARAM_NAME,
    name_flaw,
    name_hint,
    path_flaw,
    path_hint,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Choice = TypeVar("Choice", bound=str)
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

_MOST_SHOWN = 60
A_DURATION = "a duration such as 90, 60s, 30min, 6h, 1d or 1h30min"
A_SIZE = "a size such as 500000, 2MB or 1GiB"


@dataclass(frozen=True, slots=True)
class Params:
    """Params by name, each a value JSON can hold, and where each was said."""

    values: Mapping[str, Plain] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)

    def having(self, name: str, value: Plain, mark: Mark) -> Params:
        """Give the same params with `name` set to `value`."""
        return Params({**self.values, name: value}, {**self.marks, name: mark})


class Table:
    """One mapping: each key is asked for once, and at the end none may be left."""

    def __init__(
        self, node: Node | None, mistakes: Mistakes, *, what: str = "", mark: Mark
    ) -> None:
        """Begin to read `node`; `what` names it in messages, `mark` is its place."""
        self.what = what
        self.mark = mark
        self.mistakes = mistakes
        self._left: dict[str, tuple[Scalar, Node]] = {}
        self._asked: list[str] = []
        self.is_mapping = node is None or is_null(node) or isinstance(node, Entries)
        if isinstance(node, Entries):
            self._left = {key.text: (key, value) for key, value in node.pairs}
        elif node is not None and not self.is_mapping:
            sentence = f"{what} should be a mapping, found {found(node)}"
            mistakes.add(node.mark, sentence)

    def label(self, key: str) -> str:
        """Name a key of this mapping in a message."""
        return f"{key!r} of {self.what}" if self.what else repr(key)

    def node(self, key: str) -> Node | None:
        """Take what was said under `key`."""
        self._asked.append(key)
        _, node = self._left.pop(key, (None, None))
        return None if node is None or is_null(node) else node

    def says(self, key: str) -> bool:
        """Tell whether something, right or wrong, still stands under `key`."""
        _, node = self._left.get(key, (None, None))
        if isinstance(node, Entries):
            return bool(node.pairs)
        return node is not None and not is_null(node)

    def demand(self, key: str, meaning: str) -> None:
        """Refuse the mapping if nothing stands under `key`."""
        if self.is_mapping and not self.says(key):
            who = self.what or "a pipeline"
            self.mistakes.add(self.mark, f"{who} needs {key!r}, {meaning}")

    def close(self, passed_over: tuple[str, ...] = ()) -> None:
        """Refuse keys that were not asked for, but what begins with `passed_over`."""
        known = dict.fromkeys(self._asked, NOWHERE)
        for key, _ in self._left.values():
            if not (passed_over and key.text.startswith(passed_over)):
                where = f" in {self.what}" if self.what else ""
                hint = (
                    self.mistakes.near(key.text, known)
                    or f"known here: {', '.join(known)}"
                )
                self.mistakes.add(key.mark, f"unknown key {key.text!r}{where}", hint)

    def refuse(self, key: str, node: Node, wanted: str, hint: str = "") -> None:
        """Say what was wanted under `key`, and what was found."""
        sentence = f"{self.label(key)} should be {wanted}, found {found(node)}"
        self.mistakes.add(node.mark, sentence, hint)

    def word(self, key: str, wanted: str = "text") -> Scalar | None:
        """Read one word, as it was written: `python: 3.10` is not 3.1."""
        node = self.node(key)
        if node is None or (isinstance(node, Scalar) and node.text.strip()):
            return node
        self.refuse(key, node, wanted)
        return None

    def text(self, key: str) -> str:
        """Read one word; "" is not said."""
        word = self.word(key)
        return word.text if word else ""

    def path(self, key: str) -> str:
        """Read a path inside the repository."""
        word = self.word(key, "a path")
        return word.text if word and self._stays_inside(key, word) else ""

    def words(self, key: str, wanted: str = "a list of texts") -> tuple[Scalar, ...]:
        """Read a list of words."""
        node = self.node(key)
        if node is None:
            return ()
        if not isinstance(node, Items):
            text = node.text if isinstance(node, Scalar) else ""
            is_plain = text.isprintable() and not re.search(r"[,:#\[\]{}]", text)
            hint = f"write {key}: [{text}]" if text and is_plain else ""
            self.refuse(key, node, wanted, hint)
            return ()
        for item in node.nodes:
            if not _is_text(item):
                sentence = f"{self.label(key)} should hold texts, found {found(item)}"
                self.mistakes.add(item.mark, sentence)
        return tuple(n for n in node.nodes if isinstance(n, Scalar) and _is_text(n))

    def texts(self, key: str, wanted: str) -> tuple[str, ...]:
        """Read a list of words, their places forgotten."""
        return tuple(word.text for word in self.words(key, wanted))

    def paths(self, key: str, wanted: str = "a list of paths") -> tuple[Scalar, ...]:
        """Read a list of paths that stay inside where they begin."""
        words = self.words(key, wanted)
        return tuple(word for word in words if self._stays_inside(key, word))

    def _stays_inside(self, key: str, word: Scalar) -> bool:
        if flaw := path_flaw(word.text):
            sentence = f"{word.text!r} in {self.label(key)} {flaw}"
            self.mistakes.add(word.mark, sentence, path_hint(word.text))
        return not flaw

    def whole(self, key: str, default: int, *, least: int = 0, most: int = 9999) -> int:
        """Read a whole number from `least` to `most`."""
        node = self.node(key)
        value = node.value if isinstance(node, Scalar) else None
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if isinstance(value, int) and is_whole and least <= value <= most:
            return value
        if node is not None:
            self.refuse(key, node, f"a whole number from {least} to {most}")
        return default

    def switch(self, key: str, wanted: str = "true or false") -> bool:
        """Read on or off; not said is off."""
        node = self.node(key)
        said = scalar.switch(node.text) if isinstance(node, Scalar) else None
        if node is not None and said is None:
            self.refuse(key, node, wanted)
        return bool(said)

    def seconds(self, key: str) -> float | None:
        """Read a duration."""
        node = self.node(key)
        text = node.text if isinstance(node, Scalar) else ""
        span_s = scalar.seconds(text)
        if node is not None and span_s is None:
            spelled = re.sub(r"(?<=[0-9])m$", "min", text)
            hint = meant(spelled) if scalar.seconds(spelled) else ""
            self.refuse(key, node, A_DURATION, hint)
        return span_s

    def size(self, key: str, default: int) -> int:
        """Read a size in bytes."""
        node = self.node(key)
        text = node.text if isinstance(node, Scalar) else ""
        size_bytes = scalar.size_bytes(text) if text else None
        if node is not None and size_bytes is None:
            spelled = f"{text}B"
            hint = "" if scalar.size_bytes(spelled) is None else meant(spelled)
            self.refuse(key, node, A_SIZE, hint)
        return default if size_bytes is None else size_bytes

    def choice(self, key: str, options: Sequence[Choice]) -> Choice:
        """Read one of `options`; not said is the first."""
        wanted = f"one of {', '.join(options)}"
        word = self.word(key, wanted)
        if word and word.text not in options:
            known = {str(option): NOWHERE for option in options}
            self.refuse(key, word, wanted, self.mistakes.near(word.text, known))
        said = word.text if word else ""
        return next((option for option in options if option == said), options[0])

    def table(self, key: str) -> Table:
        """Read the mapping under `key`; not said is empty."""
        node = self.node(key)
        mark = node.mark if node else self.mark
        return Table(node, self.mistakes, what=self.label(key), mark=mark)

    def tables(self, key: str, one: str) -> Iterator[tuple[str, Table]]:
        """Read a mapping from names to mappings, each named as `one` in messages."""
        node = self.node(key)
        if node is not None and not isinstance(node, Entries):
            self.refuse(key, node, "a mapping of names")
        for name, value in node.pairs if isinstance(node, Entries) else ():
            what = f"{one} {name.text!r}"
            if flaw := name_flaw(name.text):
                sentence = f"the name of {what} {flaw}"
                self.mistakes.add(name.mark, sentence, name_hint(name.text))
            yield name.text, Table(value, self.mistakes, what=what, mark=name.mark)

    def params(self) -> Params:
        """Read `params`."""
        node = self.node("params")
        if node is not None and not isinstance(node, Entries):
            self.refuse("params", node, "a mapping")
        values, marks = {}, {}
        for key, value in node.pairs if isinstance(node, Entries) else ():
            what = f"param {self.label(key.text)}"
            if PARAM_NAME.fullmatch(key.text) is None:
                sentence = f"{what} should be named by letters, digits, '_' and '-'"
                self.mistakes.add(key.mark, sentence)
            values[key.text] = to_plain(value, what, self.mistakes)
            marks[key.text] = key.mark
        return Params(values, marks)


def is_null(node: Node) -> bool:
    """Tell whether nothing was said."""
    return isinstance(node, Scalar) and node.value is None


def _is_text(node: Node) -> bool:
    return isinstance(node, Scalar) and not is_null(node) and bool(node.text.strip())


def found(node: Node) -> str:
    """Describe what was found where something else was wanted."""
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Entries):
        return "a mapping"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, str):
        more = "..." if len(node.text) > _MOST_SHOWN else ""
        return f"{node.text[:_MOST_SHOWN]!r}{more}"
    return node.text


def to_plain(node: Node, what: str, mistakes: Mistakes) -> Plain:
    """Give the value of `node` as JSON can hold it."""
    if isinstance(node, Items):
        return [to_plain(item, what, mistakes) for item in node.nodes]
    if isinstance(node, Entries):
        return {key.text: to_plain(item, what, mistakes) for key, item in node.pairs}
    if isinstance(node.value, float) and not math.isfinite(node.value):
        mistakes.add(node.mark, f"{what} should be finite, found {node.text}")
        return 0.0  # so that it is one mistake, not also one of its kind
    return node.value
