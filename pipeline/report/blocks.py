"""What a report is made of, before it is written in any language.

Text is foreign until a writer has escaped it: nothing in here is markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.report.exhibits import Figure


class Code(NamedTuple):
    """A name, a path, a command: as it is typed."""

    text: str


class Link(NamedTuple):
    """A file beside the report, by its path from there; or a place in the report."""

    text: str
    path: str


class Mark(NamedTuple):
    """How something stands: a word of VERDICTS."""

    verdict: str


Piece = str | Code | Link | Mark
Text = tuple[Piece, ...]


class Heading(NamedTuple):
    """A heading; `place` is what links lead to."""

    text: Text
    level: int
    place: str


class Paragraph(NamedTuple):
    """A paragraph."""

    text: Text


class Bullets(NamedTuple):
    """A list of short texts."""

    items: tuple[Text, ...]


class Pairs(NamedTuple):
    """Names and what belongs to them."""

    rows: tuple[tuple[str, Text], ...]


class Table(NamedTuple):
    """Rows below a head. numeric: columns that stand to the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    numeric: frozenset[int] = frozenset()
    caption: Text = ()


class Numbers(NamedTuple):
    """Many names, each with a number: shown beside each other, to be looked up."""

    rows: tuple[tuple[str, str], ...]
    caption: Text = ()


class Folded(NamedTuple):
    """What few readers want: a page opens it when asked to, a text just has it."""

    summary: Text
    blocks: tuple[Block, ...]


class Listing(NamedTuple):
    """Lines as they are: a log, commands, a drawing in letters."""

    text: str
    caption: Text = ()


class Picture(NamedTuple):
    """A figure that a stage made."""

    figure: Figure
    caption: Text


class Drawing(NamedTuple):
    """What we draw ourselves: in SVG for a page, in letters for a text."""

    svg: str
    letters: str
    caption: Text


class Callout(NamedTuple):
    """What must not be overlooked."""

    verdict: str
    blocks: tuple[Block, ...]


Block = (
    Heading
    | Paragraph
    | Bullets
    | Pairs
    | Table
    | Numbers
    | Folded
    | Listing
    | Picture
    | Drawing
    | Callout
)

# How each verdict is marked: a sign and a word, so that no colour is needed to tell.
VERDICTS = {
    "pass": ("✓", "passed"),
    "gate": ("▲", "gate failed"),
    "failed": ("✗", "failed"),
    "skipped": ("\N{EN DASH}", "skipped"),
    "waiting": ("○", "not begun"),
    "open": ("○", "not judged"),
    "stopped": ("■", "stopped"),
}


def cleaned(document: Sequence[Block], clean: Callable[[str], str]) -> list[Block]:
    """Give the document with every text in it cleaned, before a writer escapes it."""
    return [_cleaned(block, clean) for block in document]


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if not isinstance(value, tuple):
        return value
    parts = [_cleaned(part, clean) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
