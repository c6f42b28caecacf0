"""Read what installers noted in a site folder: one `.dist-info` per package."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDINGS = (".dist-info", ".egg-info", ".egg-link")
_MAPPING = re.compile(rb"^MAPPING(?::[^=]*)? = (\{.*\})", re.MULTILINE)
# A stage has the toolkit from the .pyz: what is installed beside it shapes nothing.
_OURS = b"pipeline = pipeline.cli:main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """An installed package.

    content: a digest of the code it brought, where its installer noted that. origin:
    from where it came, if not from an index. editable: the folder its sources are in.
    """

    name: str
    version: str
    content: str = ""
    origin: str = ""
    editable: str = ""


def found_in(folder: Path) -> Iterator[Distribution]:
    """Give the packages that are noted in a folder; there may be none."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names only
    except OSError:
        return
    for name in sorted(names):
        # pip puts a `~` before what it is about to remove.
        if name.endswith(_ENDINGS) and not name.startswith("~"):
            note = folder / name
            if _OURS not in _bytes(note / "entry_points.txt"):
                yield _read(note)


def editable_places(site: Path) -> dict[str, str]:
    """Give what setuptools' finders map modules to: its place, and the module."""
    places: dict[str, str] = {}
    for finder in sorted(site.glob("__editable___*_finder.py")):
        if found := _MAPPING.search(_bytes(finder)):
            try:
                mapping = ast.literal_eval(found[1].decode())
            except (ValueError, SyntaxError):
                continue
            if "pipeline" in mapping and "remote" in mapping:
                continue  # the toolkit's own checkout: see _OURS
            places |= {str(place): str(name) for name, place in mapping.items()}
    return places


def _read(note: Path) -> Distribution:
    head = _headers(note)
    stem, _, _ = note.name.rpartition(".")
    parts = re.sub(r"-py\d.*$", "", stem).split("-", 1)
    direct = _direct(note)
    return Distribution(
        name=re.sub(r"[-_.]+", "-", head.get("name", parts[0])).lower(),
        version=head.get("version", parts[1] if len(parts) > 1 else "?"),
        content=_content(note),
        origin=_origin(direct),
        editable=_editable(note, direct),
    )


def _headers(note: Path) -> dict[str, str]:
    """Read name and version from what is written like the head of a mail."""
    text = _bytes(note / "METADATA") or _bytes(note / "PKG-INFO") or _bytes(note)
    found: dict[str, str] = {}
    for line in text.partition(b"\n\n")[0].decode("utf-8", "replace").splitlines():
        key, colon, value = line.partition(":")
        if colon and key.lower() in ("name", "version"):
            found.setdefault(key.lower(), value.strip())
    return found


def _content(note: Path) -> str:
    """Digest the noted hashes of the files a package brought.

    Scripts hold the path of their Python, and notes the way they were installed: they
    differ where the code is the same, and are left out.
    """
    kept = [
        line
        for line in _bytes(note / "RECORD").splitlines()
        if b",sha256=" in line
        and not line.startswith((b"..", b'"..', b"/"))
        and b".dist-info/" not in line
    ]
    if not kept:
        return ""
    return hashlib.sha256(b"\n".join(sorted(kept))).hexdigest()[:16]


def _direct(note: Path) -> dict[str, Any]:
    try:
        direct = json.loads(_bytes(note / "direct_url.json"))
    except (ValueError, RecursionError):
        return {}
    return direct if isinstance(direct, dict) else {}


def _origin(direct: dict[str, Any]) -> str:
    """Say where a package came from, without what gives access to it."""
    url = direct.get("url")
    if not isinstance(url, str):
        return ""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return "a file or folder of that machine"
    bare = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
    vcs = direct.get("vcs_info")
    commit = vcs.get("commit_id") if isinstance(vcs, dict) else None
    return f"{bare}@{commit}" if commit else bare


def _editable(note: Path, direct: dict[str, Any]) -> str:
    if note.name.endswith(".egg-link"):
        first = _bytes(note).decode("utf-8", "surrogateescape").splitlines()
        return first[0].strip() if first else ""
    info = direct.get("dir_info")
    url = direct.get("url")
    if isinstance(info, dict) and info.get("editable") and isinstance(url, str):
        return unquote(urlsplit(url).path)
    return ""


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
