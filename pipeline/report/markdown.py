"""Write the blocks of a report as Markdown that reads well as text, too. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline.report import blocks, plain
from pipeline.report.blocks import Code, Link, Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.report.blocks import Block, Piece, Text

# What would begin or end something; `_` inside of a word does not.
_SIGNS = re.compile(
    r"[\\`*\[\]<|~]|^[>#]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|(?<=!)\["
)
_ACROSS = 3  # numbers beside each other
_MOST_WIDE = 40  # letters that a column of a table is padded to
_TICKS = re.compile("`+")


def written(document: Iterable[Block]) -> str:
    """Write all blocks."""
    written = ("\n".join(_lines(block)) for block in document)
    return "\n\n".join(one for one in written if one) + "\n"


def _lines(block: Block) -> Iterator[str]:
    return _WRITERS[type(block)](block)


def _heading(block: blocks.Heading) -> Iterator[str]:
    yield f"{'#' * block.level} {text(block.text)}"


def _paragraph(block: blocks.Paragraph) -> Iterator[str]:
    yield text(block.text)


def _bullets(block: blocks.Bullets) -> Iterator[str]:
    yield from (f"- {text(item)}" for item in block.items)


def _pairs(block: blocks.Pairs) -> Iterator[str]:
    yield from _rows(("", ""), [((name,), value) for name, value in block.rows])


def _table(block: blocks.Table) -> Iterator[str]:
    if block.caption:
        yield from (text(block.caption), "")
    yield from _rows(block.head, block.rows, block.numeric)


def _numbers(block: blocks.Numbers) -> Iterator[str]:
    """Write them in columns, downward as one reads a list."""
    if block.caption:
        yield from (text(block.caption), "")
    across = min(_ACROSS, len(block.rows))
    deep = -(-len(block.rows) // across)
    cells: list[tuple[Text, Text]] = [
        ((Code(name),), (value,)) for name, value in block.rows
    ]
    cells += [((), ())] * (across * deep - len(cells))
    rows = [
        tuple(cell for pair in cells[at::deep] for cell in pair) for at in range(deep)
    ]
    values = frozenset(range(1, 2 * across, 2))
    yield from _rows(("metric", "value") * across, rows, values)


def _folded(block: blocks.Folded) -> Iterator[str]:
    yield from (text(block.summary), "", written(block.blocks).rstrip("\n"))


def _listing(block: blocks.Listing) -> Iterator[str]:
    if block.caption:
        yield from (text(block.caption), "")
    yield from _fenced(block.text)


def _drawing(block: blocks.Drawing) -> Iterator[str]:
    if block.letters:
        yield from _fenced(block.letters)
        yield from ("", text(block.caption))


def _quoted(block: blocks.Callout) -> Iterator[str]:
    for line in written(block.blocks).splitlines():
        yield f"> {line}".rstrip()


def _picture(block: blocks.Picture) -> Iterator[str]:
    figure = block.figure
    if figure.left_out:
        said = f" is not shown: {plain.line(figure.left_out)}"
        yield _link(Link(figure.path, figure.path)) + _escaped(said)
        return
    yield f"!{_link(Link(plain.line(figure.path), figure.path))}"
    yield from ("", f"*{text(block.caption)}*")


def _rows(
    head: Iterable[str],
    rows: Iterable[tuple[Text, ...]],
    numeric: frozenset[int] = frozenset(),
) -> Iterator[str]:
    """Write a table whose columns stand below each other, as far as they are short."""
    cells = [[_escaped(name) for name in head]]
    cells += [[text(cell) for cell in row] for row in rows]
    columns = zip(*cells, strict=True)
    widths = [min(max(map(len, column)), _MOST_WIDE) for column in columns]
    for at, row in enumerate(cells):
        padded = (
            cell.rjust(width) if column in numeric else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield f"| {' | '.join(padded)} |"
        if not at:
            rules = (
                f"{'-' * (width + 1)}:" if column in numeric else "-" * (width + 2)
                for column, width in enumerate(widths)
            )
            yield f"|{'|'.join(rules)}|"


def _fenced(lines: str) -> Iterator[str]:
    lines = plain.shaped(lines)
    longest = max((len(found) for found in _TICKS.findall(lines)), default=0)
    fence = "`" * max(longest + 1, 3)
    yield from (f"{fence}text", lines.rstrip("\n"), fence)


def text(pieces: Text) -> str:
    """Write a text of one line."""
    return "".join(map(_piece, pieces))


def _piece(piece: Piece) -> str:
    match piece:
        case Code():
            return _code(plain.line(piece.text))
        case Link():
            return _link(piece)
        case Mark():
            return " ".join(blocks.VERDICTS[piece.verdict])
        case _:
            return _escaped(piece)


def _link(link: Link) -> str:
    to = link.path if link.path.startswith("#") else quote(_bytes(link.path))
    return f"[{_escaped(link.text)}]({to})"


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _escaped(said: str) -> str:
    lead = said[: len(said) - len(said.lstrip(" "))]
    tail = said[len(said.rstrip(" ")) :] if said.strip(" ") else ""
    return lead + _SIGNS.sub(r"\\\g<0>", plain.line(said)) + tail


def _code(said: str) -> str:
    """Write a code span; a bar would end a table's cell even in there."""
    longest = max((len(found) for found in _TICKS.findall(said)), default=0)
    ticks = "`" * (longest + 1)
    edge = " " if said[:1] == "`" or said[-1:] == "`" else ""
    return f"{ticks}{edge}{said.replace('|', chr(92) + '|') or ' '}{edge}{ticks}"


_WRITERS: dict[type, Callable[[Any], Iterator[str]]] = {
    blocks.Heading: _heading,
    blocks.Paragraph: _paragraph,
    blocks.Bullets: _bullets,
    blocks.Pairs: _pairs,
    blocks.Table: _table,
    blocks.Numbers: _numbers,
    blocks.Folded: _folded,
    blocks.Listing: _listing,
    blocks.Picture: _picture,
    blocks.Drawing: _drawing,
    blocks.Callout: _quoted,
}
