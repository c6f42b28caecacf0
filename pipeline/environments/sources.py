"""Modules that nobody installed and that may be edited at any time, by their looks.

Editable installs and folders on PYTHONPATH: names, sizes and times of their source
files stand for what is in them.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ENDINGS = (".py", ".so", ".pyd", ".pth")


def digests(sources: Mapping[str, str]) -> dict[str, str]:
    """Give a digest of each module.

    sources: places, each with the name of the module there; without one it is a folder
    in which every module counts.
    """
    found: dict[str, str] = {}
    for name, place in _modules(sources):
        if digest := _look_of(place):
            found[_unused(name, found)] = digest
    return found


def _modules(sources: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Give each module of the sources with its place, in the order of the path."""
    for place, name in sources.items():
        if name:
            yield name, Path(place)
            continue
        try:
            found = sorted(os.listdir(place))  # noqa: PTH208 - names only
        except OSError:
            continue
        for entry in found:
            if not _is_aside(entry) and not _is_toolkit(Path(place, entry)):
                yield entry.partition(".")[0], Path(place, entry)


def _is_toolkit(place: Path) -> bool:
    """Tell whether this is our own checkout: a stage has the toolkit from the .pyz."""
    names = {"pipeline": "box.py", "remote": "far.py"}
    return place.name in names and (place / names[place.name]).exists()


def _is_aside(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__"


def _unused(name: str, taken: Mapping[str, str]) -> str:
    """Tell two modules of one name apart: it is not looked into which one counts."""
    numbers = (f"{name} ({n})" for n in range(2, len(taken) + 2))
    return next(n for n in (name, *numbers) if n not in taken)


def _look_of(place: Path) -> str:
    """Digest how the source files at a place look; nothing where there is none."""
    digest = hashlib.sha256()
    empty = digest.hexdigest()
    for name, size, changed_ns in sorted(_sources(place)):
        line = f"{name}\0{size} {changed_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16] if digest.hexdigest() != empty else ""


def _sources(place: Path) -> Iterator[tuple[str, int, int]]:
    """Say how the source files at a place look; other trees in it are left out."""
    if place.name.endswith(_ENDINGS) and place.is_file():
        status = place.stat()
        yield place.name, status.st_size, status.st_mtime_ns
        return
    waiting = [(str(place), "")]
    while waiting:
        folder, below = waiting.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        for entry in entries:
            if _is_aside(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append((entry.path, f"{below}{entry.name}/"))
            elif entry.name.endswith(_ENDINGS) and entry.is_file():
                status = entry.stat()
                yield below + entry.name, status.st_size, status.st_mtime_ns
