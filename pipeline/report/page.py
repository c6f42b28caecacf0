"""Write the blocks of a report as one page: no script, no network, nothing beside it.

The page forbids itself all but its own style and pictures that lie in it. A figure is
shown as a picture in any case, so that what an SVG would run is never run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pipeline.report import blocks, plain
from pipeline.report.blocks import Code, Link, Mark
from pipeline.report.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pipeline.report.blocks import Block, Piece, Text

_ENDS = re.compile(r"[_/](?=\w)")  # where a name may be broken
_MOST_CONTENTS = 40
_LEAST_CONTENTS = 5


def written(document: Sequence[Block], title: str) -> str:
    """Write the page."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}';"
        " base-uri 'none'; form-action 'none'"
    )
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{_escaped(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            *_contents(document),
            "<main>",
            *(line for block in document for line in _lines(block)),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _contents(document: Iterable[Block]) -> Iterator[str]:
    """List the chapters, where there are enough of them to get lost."""
    found = [block for block in _headings(document) if block.level == 2]
    if len(found) < _LEAST_CONTENTS:
        return
    yield '<nav aria-label="contents"><ul>'
    for heading in found[:_MOST_CONTENTS]:
        to = plain.escaped(quote(heading.place))
        yield f'<li><a href="#{to}">{_text(heading.text)}</a></li>'
    yield "</ul></nav>"


def _headings(document: Iterable[Block]) -> Iterator[blocks.Heading]:
    for block in document:
        if isinstance(block, blocks.Callout):
            yield from _headings(block.blocks)
        elif isinstance(block, blocks.Heading):
            yield block


def _lines(block: Block) -> Iterator[str]:
    return _WRITERS[type(block)](block)


def _heading(block: blocks.Heading) -> Iterator[str]:
    place, tag = plain.escaped(quote(block.place)), f"h{block.level}"
    yield f'<{tag} id="{place}">{_text(block.text)}</{tag}>'


def _paragraph(block: blocks.Paragraph) -> Iterator[str]:
    yield f"<p>{_text(block.text)}</p>"


def _bullets(block: blocks.Bullets) -> Iterator[str]:
    items = "".join(f"<li>{_text(item)}</li>" for item in block.items)
    yield f"<ul>{items}</ul>"


def _pairs(block: blocks.Pairs) -> Iterator[str]:
    yield "<dl>"
    for name, value in block.rows:
        yield f"<div><dt>{_escaped(name)}</dt><dd>{_text(value)}</dd></div>"
    yield "</dl>"


def _callout(block: blocks.Callout) -> Iterator[str]:
    yield f'<section class="callout {block.verdict}">'
    for inner in block.blocks:
        yield from _lines(inner)
    yield "</section>"


def _table(table: blocks.Table) -> Iterator[str]:
    yield '<div class="wide"><table>'
    if table.caption:
        yield f"<caption>{_text(table.caption)}</caption>"
    sides = [' class="n"' if at in table.numeric else "" for at in range(99)]
    names = zip(sides, table.head, strict=False)
    head = "".join(f"<th{side}>{_escaped(name)}</th>" for side, name in names)
    yield f"<thead><tr>{head}</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        cells = zip(sides, row, strict=False)
        tds = "".join(f"<td{side}>{_text(cell)}</td>" for side, cell in cells)
        yield f"<tr>{tds}</tr>"
    yield "</tbody></table></div>"


def _numbers(numbers: blocks.Numbers) -> Iterator[str]:
    if numbers.caption:
        yield f'<p class="over">{_text(numbers.caption)}</p>'
    yield '<dl class="numbers">'
    for name, value in numbers.rows:
        said = f"<dt>{_piece(Code(name))}</dt><dd>{_escaped(value)}</dd>"
        yield f"<div>{said}</div>"
    yield "</dl>"


def _folded(block: blocks.Folded) -> Iterator[str]:
    yield f"<details><summary>{_text(block.summary)}</summary>"
    for inner in block.blocks:
        yield from _lines(inner)
    yield "</details>"


def _listing(listing: blocks.Listing) -> Iterator[str]:
    if listing.caption:
        yield f'<p class="over">{_text(listing.caption)}</p>'
    yield f"<pre>{plain.escaped(plain.shaped(listing.text))}</pre>"


def _picture(picture: blocks.Picture) -> Iterator[str]:
    figure = picture.figure
    if figure.left_out:
        link = _piece(Link(figure.path, figure.path))
        yield f'<p class="out">{link} is not shown: {_escaped(figure.left_out)}.</p>'
        return
    data = base64.b64encode(figure.data).decode()
    size = f' width="{figure.width}"' if figure.width else ""
    alt = _escaped(
        "".join(p if isinstance(p, str) else "" for p in picture.caption[:1])
    )
    yield "<figure>"
    yield f'<img src="data:{figure.kind};base64,{data}" alt="{alt}"{size}>'
    yield f"<figcaption>{_text(picture.caption)}</figcaption></figure>"


def _drawing(drawing: blocks.Drawing) -> Iterator[str]:
    if drawing.svg:
        yield f'<figure class="drawing">{drawing.svg}'
    else:
        yield f"<figure><pre>{plain.escaped(plain.shaped(drawing.letters))}</pre>"
    yield f"<figcaption>{_text(drawing.caption)}</figcaption></figure>"


def _text(pieces: Text) -> str:
    return "".join(map(_piece, pieces))


def _piece(piece: Piece) -> str:
    match piece:
        case Code():
            return f"<code>{_escaped(piece.text)}</code>"
        case Link():
            path = piece.path.encode("utf-8", "surrogateescape")
            is_inside = piece.path.startswith("#")
            to = plain.escaped(quote(path, safe="#/" if is_inside else "/"))
            said = _ENDS.sub(r"\g<0><wbr>", _escaped(piece.text))
            return f'<a href="{to}">{said}</a>'
        case Mark():
            sign, word = blocks.VERDICTS[piece.verdict]
            return f'<span class="mark {piece.verdict}">{sign} {word}</span>'
        case _:
            return _escaped(piece)


def _escaped(text: str) -> str:
    lead = " " if text[:1] == " " else ""
    tail = " " if text[-1:] == " " and text.strip() else ""
    return lead + plain.escaped(plain.line(text)) + tail


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
    blocks.Callout: _callout,
}
