"""The two sides that a data set lies on, behind one face: this machine, and a box."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, Protocol

from pipeline.data import holding
from pipeline.data.intake import Intake, Taken
from pipeline.data.parcel import Giver
from pipeline.data.tending import Tended, Tending
from pipeline.errors import HostError, TransportError
from remote.watching.lines import lines, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from pipeline.data.holding import Holding
    from pipeline.data.parcel import Wanted
    from pipeline.depot import Depot
    from remote.far import Far
    from remote.links.link import Stream


_PATIENCE_S = 600.0  # a disk there that is busy says nothing for a while
_ROOM = 1 << 20


class Side(Protocol):
    """Where a data set lies."""

    def look(self, homes: Mapping[str, str]) -> dict[str, Holding]:
        """List homes, with the hashes that are known."""
        ...

    def hash(
        self,
        name: str,
        home: str,
        told: Callable[[int, int], None],
        only: Collection[str] | None = None,
    ) -> Holding:
        """List a home with its hashes; `told` hears how much of how much is read."""
        ...

    def drop(self, name: str, home: str, names: Collection[str]) -> int:
        """Delete files of a home; give how many are gone."""
        ...


class Here:
    """This machine."""

    def __init__(self, depot: Depot) -> None:
        """Find homes by `depot`."""
        self.depot = depot

    def look(self, homes: Mapping[str, str]) -> dict[str, Holding]:
        """List homes of this machine."""
        return {n: self.depot.look(holding.home_at(h)) for n, h in homes.items()}

    def hash(
        self,
        name: str,  # noqa: ARG002 - a box is told it
        home: str,
        told: Callable[[int, int], None],
        only: Collection[str] | None = None,
    ) -> Holding:
        """Hash a home of this machine."""
        return self.depot.hash(holding.home_at(home), told, only)

    def drop(self, name: str, home: str, names: Collection[str]) -> int:  # noqa: ARG002
        """Delete files of this machine."""
        place = holding.home_at(home)
        with self.depot.changing(place):
            return self.depot.drop(place, names)


class There:
    """A box."""

    def __init__(self, far: Far) -> None:
        """Ask the box behind `far`."""
        self._far = far

    def look(self, homes: Mapping[str, str]) -> dict[str, Holding]:
        """List homes of the box, all in one round trip."""
        return self._holdings(Tending(act="look", homes=homes))

    def hash(
        self,
        name: str,
        home: str,
        told: Callable[[int, int], None],
        only: Collection[str] | None = None,
    ) -> Holding:
        """Have the box hash a home."""
        asked = Tending(act="hash", homes={name: home}, only=tuple(only or ()))
        return self._holdings(asked, told)[name]

    def drop(self, name: str, home: str, names: Collection[str]) -> int:
        """Have the box delete files."""
        asked = Tending(act="drop", homes={name: home}, only=tuple(names))
        said = list(self._lines(asked))
        return said[-1].dropped if said else 0

    def take(
        self,
        name: str,
        home: str,
        wanted: Wanted,
        giver: Giver,
        *,
        is_file: bool,
    ) -> Taken:
        """Send files of `giver` there."""
        asked = Tending(act="take", homes={name: home}, is_file=is_file)
        said = self._far.take(asked, giver.give(wanted))
        for line in reversed(said.splitlines()):
            found = parse(Tended, line)
            if found is not None and found.taken is not None:
                return found.taken
        message = f"host {self._far.link.name!r} did not say what came of {name!r}"
        raise HostError(message)

    def give(
        self,
        name: str,
        home: str,
        wanted: Wanted,
        into: Callable[[BinaryIO], Intake],
    ) -> Taken:
        """Have the box send files, to be taken `into` a home of this machine."""
        asked = Tending(act="give", homes={name: home}, wanted=wanted)
        stream = self._far.data(asked)
        try:
            try:
                return into(io.BufferedReader(_Reading(stream), _ROOM)).take()
            except TransportError:
                if refusal := self._far.refusal(stream.err):
                    raise refusal from None
                raise
        finally:
            stream.close()

    def _holdings(
        self,
        asked: Tending,
        told: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> dict[str, Holding]:
        parts: dict[str, list[Holding]] = {name: [] for name in asked.homes}
        for line in self._lines(asked):
            if line.holding is not None:
                parts[line.name].append(line.holding)
            elif line.done >= 0:
                told(line.done, line.total)
        if lost := [name for name, found in parts.items() if not found]:
            message = f"host {self._far.link.name!r} said nothing of data {lost[0]!r}"
            raise TransportError(message, hint="nothing was changed; do it again")
        return {name: holding.added(found) for name, found in parts.items()}

    def _lines(self, asked: Tending) -> Iterator[Tended]:
        for line in lines(self._far, lambda: self._far.data(asked), Tended):
            if line.name in asked.homes:
                yield line


class _Reading(io.RawIOBase):
    """A stream of a box, as a file that `Intake` reads."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a writable one
        if not self._rest:
            data = self._stream.read(_PATIENCE_S)
            if data is None:
                message = f"the box said nothing for {_PATIENCE_S:g} s"
                raise TransportError(message, hint="what came is kept; do it again")
            self._rest = data
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
