"""Symbolic links inside a snapshot: what a path leads to, without a worktree.

A link is a file that holds a path. What lies at its end counts as much as the link: a
stage that opens it gets the other file's bytes.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.scope import Listing

_MOST = 40  # links one behind the other, as an operating system has it


class Links:
    """The links of one snapshot, each read once."""

    def __init__(self, listing: Listing, read: Callable[[str], bytes]) -> None:
        """Look into the snapshot; `read` gives an object's bytes by its name."""
        self._listing = listing
        self._ends = {
            path: os.fsdecode(read(value.partition(":")[2]))
            for path, value in listing.items()
            if value.startswith("120000:")
        }

    def way(self, path: str) -> tuple[str, ...]:
        """Give the entries that `path` leads through, its end last.

        Nothing when no entry lies there. What leads out of the snapshot ends with the
        link that does.
        """
        passed: list[str] = []
        place = path
        while self._ends and len(passed) < _MOST and (link := self._first(place)):
            passed.append(link)
            end = posixpath.join(posixpath.dirname(link), self._ends[link])
            place = posixpath.normpath(end + place[len(link) :])
        if place in self._listing and place not in passed:
            return (*passed, place)
        return tuple(passed) if path in self._listing else ()

    def with_ends(self, files: Listing) -> Listing:
        """Give these files, and those that links among them lead to."""
        found = dict(files)
        for path in files.keys() & self._ends.keys():
            way = self.way(path)
            found |= {step: self._listing[step] for step in way}
            found |= self._below(self._end_of(path))
        return found

    def _first(self, path: str) -> str:
        """Give the first link on the way down to `path`."""
        at = path.find("/")
        while at > 0:
            if path[:at] in self._ends:
                return path[:at]
            at = path.find("/", at + 1)
        return path if path in self._ends else ""

    def _end_of(self, link: str) -> str:
        """Give the place a link stands for, be it a file, a folder or nothing."""
        for _ in range(_MOST):
            step = self._first(link)
            if not step:
                break
            end = posixpath.join(posixpath.dirname(step), self._ends[step])
            link = posixpath.normpath(end + link[len(step) :])
        return link

    def _below(self, folder: str) -> Listing:
        return {
            path: name
            for path, name in self._listing.items()
            if path.startswith(f"{folder}/") or folder == "."
        }
