"""The figures and small tables that a stage left in its results, as far as they fit.

Each is held against the manifest of its stage: what another stage changed since is no
exhibit. What is left out is named, with the reason.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.pulse import size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.artifact import Artifact

_MOST_TABLE = 1_000_000  # bytes of a table that is read at all
_MOST_ROWS, _MOST_COLUMNS = 20, 12
_MOST_FILES = 40  # figures, and tables, of one stage
_SHARE = 4  # all figures of a report together, in the room of one file
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD = 1024
_AN_INCH = 120  # pixels of the page
_SVG = re.compile(rb"<svg[\s/>]")
_SVG_HEAD = 4096
_KINDS = {"png": "image/png", "svg": "image/svg+xml"}


class Figure(NamedTuple):
    """A picture, or why it is not shown. width: in pixels of the page, 0 for any."""

    path: str
    kind: str = ""
    data: bytes = b""
    width: int = 0
    left_out: str = ""


class Sheet(NamedTuple):
    """A small table, or why it is not shown. rows, columns: how many there are."""

    path: str
    head: tuple[str, ...] = ()
    shown: tuple[tuple[str, ...], ...] = ()
    rows: int = 0
    columns: int = 0
    left_out: str = ""


class Exhibits:
    """Finds what can be shown; all figures of one report share its room."""

    def __init__(self, results: Path, most_file: int) -> None:
        """Look below `results`; a figure may be as large as a file in git."""
        self._results = results
        self._most = most_file
        self._room = _SHARE * most_file

    def figures(
        self, stage: str, files: Mapping[str, Artifact], hidden: tuple[str, ...]
    ) -> tuple[Figure, ...]:
        """Give the figures of a stage, by name."""
        names = [n for n in sorted(files) if _ending(n) in _KINDS and n not in hidden]
        shown = [self._figure(f"{stage}/{n}", files[n]) for n in names[:_MOST_FILES]]
        rest = [
            Figure(f"{stage}/{n}", left_out="one of too many")
            for n in names[_MOST_FILES:]
        ]
        return (*shown, *rest)

    def _figure(self, path: str, sealed: Artifact) -> Figure:
        if sealed.size > self._most:
            return Figure(path, left_out=f"too large: {size(sealed.size)}")
        if sealed.size > self._room:
            return Figure(path, left_out="no room left in this report")
        data = self._read(path, sealed)
        if data is None:
            return Figure(path, left_out="it is not what was sealed any more")
        self._room -= len(data)
        kind = _KINDS[_ending(path)]
        if kind == "image/svg+xml":
            if not _SVG.search(data[:_SVG_HEAD]):
                return Figure(path, left_out="it is no SVG")
            return Figure(path, kind, data)
        width = _png_width(data)
        if not width:
            return Figure(path, left_out="it is no whole PNG")
        return Figure(path, kind, data, width)

    def sheets(
        self, stage: str, files: Mapping[str, Artifact], hidden: tuple[str, ...]
    ) -> tuple[Sheet, ...]:
        """Give the first rows of the tables of a stage, by name."""
        names = [n for n in sorted(files) if _ending(n) == "csv" and n not in hidden]
        return tuple(self._sheet(f"{stage}/{n}", files[n]) for n in names[:_MOST_FILES])

    def _sheet(self, path: str, sealed: Artifact) -> Sheet:
        if sealed.size > _MOST_TABLE:
            return Sheet(path, left_out=f"too large: {size(sealed.size)}")
        data = self._read(path, sealed)
        if data is None:
            return Sheet(path, left_out="it is not what was sealed any more")
        try:
            rows = [r for r in csv.reader(io.StringIO(_text(data), newline="")) if r]
        except csv.Error as error:
            return Sheet(path, left_out=f"it is no table: {error}")
        if not rows:
            return Sheet(path, left_out="it is empty")
        shown = [tuple(row[:_MOST_COLUMNS]) for row in rows[: _MOST_ROWS + 1]]
        columns = max(map(len, rows))
        return Sheet(path, shown[0], tuple(shown[1:]), len(rows) - 1, columns)

    def _read(self, path: str, sealed: Artifact) -> bytes | None:
        place = self._results / path
        try:
            if place.is_symlink() or place.stat().st_size != sealed.size:
                return None
            data = place.read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == sealed.sha256 else None


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")


def _png_width(data: bytes) -> int:
    """Give how wide a PNG wants to be; 0 where its end or its beginning is missing.

    One that says how dense it is was drawn for paper, and has more pixels than a
    screen: it gets the size that it has there, a quarter larger.
    """
    if not data.startswith(_PNG) or data[12:16] != b"IHDR" or b"IEND" not in data[-16:]:
        return 0
    width = int.from_bytes(data[16:20], "big")
    at = data.find(b"pHYs", 0, _PNG_HEAD)
    dense = int.from_bytes(data[at + 4 : at + 8], "big") if at > 0 else 0
    if not dense or data[at + 12 : at + 13] != b"\1":  # it counts in metres
        return width
    inches = width / (dense * 0.0254)
    return max(min(width, round(inches * _AN_INCH)), 1)
