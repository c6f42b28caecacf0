"""The files that the box says look new, and which of them are asked for.

A stamp of the stream names them. What is here already, by size and time, or what the
rules of `sync` leave out, is not asked for; so a pass in which nothing is new starts no
program and sends no byte.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.carry import fits
from pipeline.errors import HostError
from pipeline.offers import decode_offers
from remote.bringing.landing import MOST_FILES, check_inside, is_hidden

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pipeline.frames import Frame
    from remote.bringing.sync import Sync
    from remote.bringing.wanted import Wanted

_MOST_NAMED = 1_000  # of more, one look at the whole folder is quicker

Due = dict[str, tuple[int, int]]


class Offers:
    """What the box offered and did not come home yet."""

    def __init__(self) -> None:
        """Begin with nothing told: until a stamp came, all may be new."""
        self._turn = threading.Lock()
        self._due: Due = {}
        self._is_told = False
        self._untold = 0  # how often the box did not name all that is new
        self._made_up = 0  # up to which of those the whole folder was looked at

    def take(self, frame: Frame) -> None:
        """Take in what a stamp says is new, or that it says nothing."""
        if frame.kind != "stamp":
            return
        offered = decode_offers(frame.body)
        with self._turn:
            self._is_told = True
            if offered is None or len(self._due) + len(offered) > MOST_FILES:
                self._untold += 1
                return
            for name, look in offered.items():
                if look is None:
                    self._due.pop(name, None)
                else:
                    self._due[name] = look

    def bring(self, sync: Sync, wanted: Wanted, target: Path) -> None:
        """Bring home what is new and wanted."""
        with self._turn:
            due, untold, is_told = dict(self._due), self._untold, self._is_told
        names = missing(due, wanted, target)
        if not is_told or untold > self._made_up or len(names) > _MOST_NAMED:
            sync.bring(wanted, target)
        elif names:
            sync.bring(replace(wanted, names=names), target)
        self._made_up = untold
        lost = [name for name in names if not (target / name).is_file()]
        self._forget(due, but=lost)
        if lost:
            more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
            message = f"the box offers {lost[0][:60]!r}{more}, and does not send it"
            raise HostError(message)

    def _forget(self, due: Due, *, but: Collection[str]) -> None:
        """Forget what was brought; what was offered anew meanwhile stays.

        So does what did not come: at the run's end it is still missing.
        """
        with self._turn:
            for name, look in due.items():
                if name not in but and self._due.get(name) == look:
                    del self._due[name]


def missing(due: Due, wanted: Wanted, target: Path) -> tuple[str, ...]:
    """Give the names that the rules want and that are not here as they look there."""
    return tuple(
        name for name, look in due.items() if _is_due(name, look, wanted, target)
    )


def _is_due(name: str, look: tuple[int, int], wanted: Wanted, target: Path) -> bool:
    size = look[0]
    if 0 <= wanted.max_file < size:
        return False
    if not any(fits(name, pattern) for pattern in wanted.include):
        return False
    check_inside(name)
    if is_hidden(name.split("/"), wanted.folder):
        return False
    try:
        status = (target / name).lstat()
    except OSError:
        return True
    return (status.st_size, int(status.st_mtime)) != look
