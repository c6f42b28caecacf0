"""YAML as a tree that knows where each of its words stands.

Built from the parser's events and never by recursion, so that neither depth nor aliases
can hurt: an alias shares what it names, and what all of them would come to when written
out is counted and bounded. Words are resolved by `scalar`, not by YAML 1.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from pipeline import scalar
from pipeline.mistakes import Mark, Mistakes

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_BYTES = 1_000_000
_MOST_NODES = 20_000
_DEEPEST = 40

# The C parser is ten times as fast; PyYAML may have been built without it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# No command line can hold the one, no file the others; escapes can write them.
_UNSPEAKABLE = re.compile("[\0\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One word: its text as written, and the value that text has."""

    mark: Mark
    text: str
    value: scalar.Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    mark: Mark
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """A mapping, its keys each once, merge keys (`<<`) already merged."""

    mark: Mark
    pairs: tuple[tuple[Scalar, Node], ...]


Node = Scalar | Items | Entries


def compose(text: bytes | str, mistakes: Mistakes, *, at: Mark | None = None) -> Node:
    """Read the one document of `text`, or raise SpecError; `at` stands for all places.

    Keys that are doubled, or are no words, go to `mistakes` and are left out.
    """
    plain = _decode(text, mistakes, at)
    composer = _Composer(mistakes, at)
    for event in _events(plain, mistakes, at):
        composer.take(event)
    if composer.root is None:
        said = "holds nothing but comments" if plain.strip() else "is empty"
        raise _refusal(mistakes, at or Mark(1, 1), said)
    return composer.root


def is_flow(text: str) -> bool:
    """Tell whether `text` begins like a list or mapping in brackets."""
    return text.lstrip().startswith(("[", "{"))


def _refusal(
    mistakes: Mistakes, mark: Mark, sentence: str, hint: str = ""
) -> Exception:
    mistakes.add(mark, sentence, hint)
    return mistakes.error()


def _decode(raw: bytes | str, mistakes: Mistakes, at: Mark | None) -> str:
    if len(raw) > _MOST_BYTES:
        sentence = f"holds {len(raw)} bytes; more than {_MOST_BYTES} are not read"
        raise _refusal(mistakes, at or Mark(1, 1), sentence)
    try:
        text = raw if isinstance(raw, str) else raw.decode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        sentence = f"is not UTF-8 text: byte 0x{error.object[error.start]:02x}"
        raise _refusal(mistakes, at or _mark_after(before), sentence) from error
    text = text.removeprefix("\ufeff")
    if found := _UNPRINTABLE.search(text):
        mark = at or _mark_after(text[: found.start()])
        sentence = f"is not plain text: it holds the character U+{ord(found[0]):04X}"
        raise _refusal(mistakes, mark, sentence)
    return text


def _mark_after(before: str) -> Mark:
    return Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _events(text: str, mistakes: Mistakes, at: Mark | None) -> Iterator[yaml.Event]:
    """Parse, and say the parser's own errors in our words."""
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = _mark(error.problem_mark)
        sentence = f"is not YAML: {' '.join(str(error.problem).split())}"
        if error.context:
            began = _mark(error.context_mark).line
            where = f" (line {began})" if began != mark.line and at is None else ""
            sentence += f", {error.context}{where}"
        lines = text.split("\n")[mark.line - 1 : mark.line]
        is_tab = bool(lines) and lines[0][mark.column - 1 : mark.column] == "\t"
        hint = "YAML is indented by spaces, never by tabs" if is_tab else ""
        raise _refusal(mistakes, at or mark, sentence, hint) from error
    # Without the C parser, an escape such as "\UFFFFFFFF" ends in one of the others.
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        sentence = f"is not YAML: {' '.join(str(error).split())}"
        raise _refusal(mistakes, at or Mark(1, 1), sentence) from error


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)


@dataclass(frozen=True, slots=True)
class _Built:
    """A node, and what it comes to when its aliases are written out."""

    node: Node
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end was not seen yet."""

    event: yaml.CollectionStartEvent
    mark: Mark
    parts: list[_Built] = field(default_factory=list)


class _Composer:
    """Puts events together: a stack of what is open, and the anchors seen so far."""

    def __init__(self, mistakes: Mistakes, at: Mark | None) -> None:
        self.root: Node | None = None
        self._mistakes = mistakes
        self._at = at
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Mark, _Built | None]] = {}
        self._size = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        mark = self._at or _mark(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise _refusal(self._mistakes, mark, "holds a second document")
        if isinstance(event, yaml.AliasEvent):
            self._put(self._aliased(str(event.anchor), mark), mark)
        elif isinstance(event, yaml.ScalarEvent):
            self._close(event, mark, _Built(self._scalar(event, mark)))
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append(_Open(event, mark))
            self._bound(mark, height=1)
            if event.anchor:
                self._anchors[event.anchor] = (mark, None)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._close(done.event, done.mark, self._collected(done))

    def _close(self, event: yaml.NodeEvent, mark: Mark, built: _Built) -> None:
        if event.anchor:
            self._anchors[event.anchor] = (mark, built)
        self._size += 1
        self._put(built, mark)

    def _put(self, built: _Built, mark: Mark) -> None:
        self._bound(mark, height=built.height)
        if self._open:
            self._open[-1].parts.append(built)
        else:
            self.root = built.node

    def _bound(self, mark: Mark, *, height: int) -> None:
        if self._size > _MOST_NODES:
            sentence = (
                f"more than {_MOST_NODES} values once all aliases are written out"
            )
            raise _refusal(self._mistakes, mark, sentence)
        if len(self._open) + height > _DEEPEST:
            sentence = f"nested more than {_DEEPEST} deep"
            raise _refusal(self._mistakes, mark, sentence)

    def _aliased(self, name: str, mark: Mark) -> _Built:
        if name not in self._anchors:
            known = {anchor: place for anchor, (place, _) in self._anchors.items()}
            sentence = f"alias {name!r} has no anchor above it"
            raise _refusal(
                self._mistakes, mark, sentence, self._mistakes.near(name, known)
            )
        began, built = self._anchors[name]
        if built is None:
            sentence = f"alias {name!r} stands inside what it names (line {began.line})"
            raise _refusal(self._mistakes, mark, sentence)
        self._size += built.size
        return built

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> Scalar:
        text: str = event.value
        value = scalar.resolve(text) if event.implicit[0] else text
        if found := _UNSPEAKABLE.search(text):
            sentence = f"a text cannot hold the character U+{ord(found[0]):04X}"
            self._mistakes.add(mark, sentence)
        if event.tag not in {None, "!", _TAG + "str"}:
            tag = event.tag.replace(_TAG, "!!")
            self._mistakes.add(mark, f"tag {tag!r} means nothing here")
        return Scalar(mark=mark, text=text, value=value)

    def _collected(self, done: _Open) -> _Built:
        if done.event.tag not in {None, "!", _TAG + "map", _TAG + "seq"}:
            tag = done.event.tag.replace(_TAG, "!!")
            self._mistakes.add(done.mark, f"tag {tag!r} means nothing here")
        nodes = tuple(part.node for part in done.parts)
        size = 1 + sum(part.size for part in done.parts)
        height = 1 + max((part.height for part in done.parts), default=0)
        if isinstance(done.event, yaml.SequenceStartEvent):
            return _Built(Items(mark=done.mark, nodes=nodes), size, height)
        pairs = self._pairs(zip(nodes[::2], nodes[1::2], strict=True))
        return _Built(Entries(mark=done.mark, pairs=pairs), size, height)

    def _pairs(
        self, written: Iterator[tuple[Node, Node]]
    ) -> tuple[tuple[Scalar, Node], ...]:
        own: dict[str, tuple[Scalar, Node]] = {}
        merged: dict[str, tuple[Scalar, Node]] = {}
        for key, node in written:
            if not isinstance(key, Scalar):
                self._mistakes.add(key.mark, "a key should be one word")
            elif key.text == "<<":
                for pair in self._merged(node):
                    merged.setdefault(pair[0].text, pair)
            elif key.text in own:
                first = own[key.text][0].mark.line
                sentence = f"key {key.text!r} is there twice; first in line {first}"
                self._mistakes.add(key.mark, sentence)
            else:
                own[key.text] = (key, node)
        return tuple({**merged, **own}.values())

    def _merged(self, node: Node) -> Iterator[tuple[Scalar, Node]]:
        for part in node.nodes if isinstance(node, Items) else (node,):
            if isinstance(part, Entries):
                yield from part.pairs
            else:
                self._mistakes.add(part.mark, "'<<' should name a mapping to merge")
