"""The published files of a results folder: how they look, and which look new.

The box says so with each stamp of its tree, so that the laptop asks for those files and
no others, and for none where it has them all.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from typing import TYPE_CHECKING

from pipeline.layout import EVENTS, HEARTBEAT, LOG, PROGRESS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# What the stream itself carries: bytes as they come, or drawn anew on the laptop.
GROWING = frozenset({EVENTS, LOG})
LIVE = frozenset({PROGRESS, HEARTBEAT})
MOST_OFFERED = 20_000  # in one stamp; of more it only says that there are some
MOST_LOOKED = 200_000  # no laptop takes more than half of them

Look = tuple[int, int]  # size, and time of the last change in nanoseconds


def published(root: Path) -> dict[str, Look]:
    """Give how each file of a tree looks, less what the stream carries and drafts."""
    found = dict(itertools.islice(_files(str(root)), MOST_LOOKED))
    return {name: found[name] for name in sorted(found)}


def _files(root: str) -> Iterator[tuple[str, Look]]:
    begin = len(root) + 1
    ahead = [root]
    while ahead:
        try:
            entries = list(os.scandir(ahead.pop()))
        except OSError:
            continue  # it was renamed meanwhile
        for entry in entries:
            name = entry.name
            if name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                ahead.append(entry.path)
            elif name not in GROWING and name not in LIVE:
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                yield entry.path[begin:], (status.st_size, status.st_mtime_ns)


def stamp_of(found: Mapping[str, Look]) -> str:
    """Hash the look of a tree."""
    digest = hashlib.sha256()
    for name, (size, changed_ns) in found.items():
        row = f"{name}\0{size}\0{changed_ns}\n"
        digest.update(row.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:16]


def encode_offers(before: Mapping[str, Look], now: Mapping[str, Look]) -> bytes:
    """Say what is new: a size and the seconds of its time, or nothing where it went.

    Nothing at all is said of more than can be said.
    """
    changed = ((name, look) for name, look in now.items() if before.get(name) != look)
    some = itertools.islice(changed, MOST_OFFERED + 1)
    offered: dict[str, list[int] | None] = {
        name: [size, changed_ns // 10**9] for name, (size, changed_ns) in some
    }
    offered |= dict.fromkeys(before.keys() - now.keys())
    if len(offered) > MOST_OFFERED:
        return b""
    return json.dumps(offered, separators=(",", ":")).encode()


def decode_offers(body: bytes) -> dict[str, tuple[int, int] | None] | None:
    """Read what is new; None where the box did not say, or not in our words."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or not all(map(_is_look, told.values())):
        return None
    return {name: (look[0], look[1]) if look else None for name, look in told.items()}


def _is_look(look: object) -> bool:
    """Tell a size and a time, or nothing, from all else that JSON can say."""
    if look is None:
        return True
    is_pair = isinstance(look, list) and len(look) == 2
    return is_pair and all(type(number) is int for number in look)  # type: ignore[attr-defined]  # a list
