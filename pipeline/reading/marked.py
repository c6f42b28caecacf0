"""YAML as a tree that knows where each of its words stands.

Built from the parser's events and never by recursion, so that neither depth nor aliases
can hurt: an alias shares what it names, and what all of them would come to when written
out is counted and bounded. Words are resolved by `scalar`, not by YAML 1.1.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from pipeline.frozen import dataclass
from pipeline.reading import scalar, snippet
from pipeline.reading.mistakes import Mark, Mistakes

if TYPE_CHECKING:
    from collections.abc import Iterator

# Room for 5,000 stages of a dozen keys each, twice; a bomb ends within a second.
MOST_BYTES = 2_000_000
_MOST_NODES = 250_000
_DEEPEST = 40

# The C parser is ten times as fast; PyYAML may have been built without it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# No command line can hold the one, no file the others; escapes can write them.
_UNSPEAKABLE = re.compile("[\0\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Scalar(NamedTuple):
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
    if len(raw) > MOST_BYTES:
        raise _refusal(mistakes, at or Mark(1, 1), too_large(len(raw)))
    try:
        text = raw if isinstance(raw, str) else raw.decode()
    except UnicodeDecodeError as error:
        if error.object.startswith(_UTF16):
            sentence, hint = "is UTF-16 text", "save it as UTF-8"
            raise _refusal(mistakes, at or Mark(1, 1), sentence, hint) from error
        before = error.object[: error.start].decode()
        sentence = f"is not UTF-8 text: byte 0x{error.object[error.start]:02x}"
        raise _refusal(mistakes, at or _mark_after(before), sentence) from error
    text = text.removeprefix("\ufeff")
    if found := _UNPRINTABLE.search(text):
        mark = at or _mark_after(text[: found.start()])
        sentence = f"is not plain text: it holds the character U+{ord(found[0]):04X}"
        raise _refusal(mistakes, mark, sentence)
    if at is None:
        mistakes.quote(text)
    return text


def too_large(size_bytes: int) -> str:
    """Say that nobody writes so much by hand."""
    return f"holds {size_bytes} bytes; more than {MOST_BYTES} are not read"


def _mark_after(before: str) -> Mark:
    lines = snippet.lines(before)
    return Mark(len(lines), len(lines[-1]) + 1)


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
        lines = snippet.lines(text)[mark.line - 1 : mark.line]
        is_tab = bool(lines) and lines[0][mark.column - 1 : mark.column] == "\t"
        hint = "YAML is indented by spaces, never by tabs" if is_tab else ""
        raise _refusal(mistakes, at or mark, sentence, hint) from error
    # Without the C parser, an escape such as "\UFFFFFFFF" ends in one of the others.
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        sentence = f"is not YAML: {' '.join(str(error).split())}"
        raise _refusal(mistakes, at or Mark(1, 1), sentence) from error


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end was not seen yet."""

    event: yaml.CollectionStartEvent
    mark: Mark
    began: int  # how many values there were before it
    height: int = 1
    nodes: list[Node] = field(default_factory=list)


class _Anchored(NamedTuple):
    """What an anchor names, and what it comes to when its aliases are written out."""

    mark: Mark
    node: Node | None = None  # nothing yet: it is still open
    size: int = 1
    height: int = 1


class _Composer:
    """Puts events together: a stack of what is open, and the anchors seen so far."""

    def __init__(self, mistakes: Mistakes, at: Mark | None) -> None:
        self.root: Node | None = None
        self._mistakes = mistakes
        self._at = at
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}
        self._size = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        mark = self._at or _mark(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            self._size += 1
            node = self._scalar(event, mark)
            if event.anchor:
                self._anchors[event.anchor] = _Anchored(mark, node)
            self._put(node, mark)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open.append(_Open(event, mark, self._size))
            self._bound(mark, height=1)
            if event.anchor:
                self._anchors[event.anchor] = _Anchored(mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(self._open.pop())
        elif isinstance(event, yaml.AliasEvent):
            known = self._aliased(str(event.anchor), mark)
            self._size += known.size
            if known.node is not None:
                self._put(known.node, mark, known.height)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise _refusal(self._mistakes, mark, "holds a second document")

    def _close(self, done: _Open) -> None:
        self._size += 1
        node = self._collected(done)
        if done.event.anchor:
            size = self._size - done.began
            known = _Anchored(done.mark, node, size, done.height)
            self._anchors[done.event.anchor] = known
        self._put(node, done.mark, done.height)

    def _put(self, node: Node, mark: Mark, height: int = 1) -> None:
        self._bound(mark, height=height)
        if self._open:
            above = self._open[-1]
            above.nodes.append(node)
            above.height = max(above.height, height + 1)
        else:
            self.root = node

    def _bound(self, mark: Mark, *, height: int) -> None:
        if self._size > _MOST_NODES:
            sentence = (
                f"more than {_MOST_NODES} values once all aliases are written out"
            )
            raise _refusal(self._mistakes, mark, sentence)
        if len(self._open) + height > _DEEPEST:
            sentence = f"nested more than {_DEEPEST} deep"
            raise _refusal(self._mistakes, mark, sentence)

    def _aliased(self, name: str, mark: Mark) -> _Anchored:
        known = self._anchors.get(name)
        if known is None:
            places = {anchor: one.mark for anchor, one in self._anchors.items()}
            sentence = f"alias {name!r} has no anchor above it"
            hint = self._mistakes.near(name, places)
            raise _refusal(self._mistakes, mark, sentence, hint)
        if known.node is None:
            line = known.mark.line
            sentence = f"alias {name!r} stands inside what it names (line {line})"
            raise _refusal(self._mistakes, mark, sentence)
        return known

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> Scalar:
        text: str = event.value
        value = scalar.resolve(text) if event.implicit[0] else text
        if found := _UNSPEAKABLE.search(text):
            sentence = f"a text cannot hold the character U+{ord(found[0]):04X}"
            self._mistakes.add(mark, sentence)
        self._check_tag(event, mark, "str")
        return Scalar(mark, text, value)

    def _collected(self, done: _Open) -> Node:
        self._check_tag(done.event, done.mark, "map", "seq")
        if isinstance(done.event, yaml.SequenceStartEvent):
            return Items(mark=done.mark, nodes=tuple(done.nodes))
        pairs = self._pairs(zip(done.nodes[::2], done.nodes[1::2], strict=True))
        return Entries(mark=done.mark, pairs=pairs)

    def _check_tag(self, event: yaml.Event, mark: Mark, *fitting: str) -> None:
        tag: str = getattr(event, "tag", None) or "!"
        if tag != "!" and tag not in [_TAG + name for name in fitting]:
            sentence = f"tag {tag.replace(_TAG, '!!')!r} means nothing here"
            self._mistakes.add(mark, sentence)

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
