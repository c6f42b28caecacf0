"""Push a data set to a box, or pull it home: compare, send what differs, hold it.

    look     both sides list what they have                        one round trip
    settle   files of one size and two times are hashed, both sides
    send     what differs, in one stream; what was cut off goes on where it ended
    verify   the side that took it reads it again, by its hashes
    drop     what only that side has, where that was asked for

Nothing of a set that is whole is touched; a file is replaced by a whole one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.data import holding
from pipeline.data.intake import Intake
from pipeline.data.parcel import Giver, Wanted
from pipeline.errors import HostError, IntegrityError
from pipeline.frozen import dataclass
from pipeline.pulse import size
from remote.data import difference
from remote.data.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import BinaryIO, TextIO

    from pipeline.codec import Json
    from pipeline.data.holding import Holding
    from pipeline.data.intake import Taken
    from remote.data.difference import Difference
    from remote.data.sides import Here, Side, There

_SPARE = 50_000_000  # what a disk keeps for others
_SPARE_FILES = 100
_MOST_AT_ONCE = 50_000  # names in one request
_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A data set by its name, with its home here and there."""

    name: str
    here: str
    there: str
    is_optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was done for one data set.

    sent is less than the size of `files` where some went on from where they ended.
    verified: files whose hashes are the same on both sides. extra: what only the side
    that took has; `dropped` of those are deleted.
    """

    name: str
    files: int = 0
    links: int = 0
    bytes: int = 0
    sent: int = 0
    same: int = 0
    verified: int = 0
    took_s: float = 0.0
    extra: tuple[str, ...] = ()
    dropped: int = 0

    def document(self) -> Json:
        """Say all of it to a program."""
        return {
            "name": self.name,
            "files": self.files,
            "links": self.links,
            "bytes": self.bytes,
            "sent": self.sent,
            "same": self.same,
            "verified": self.verified,
            "took_s": round(self.took_s, 3),
            "extra": list(self.extra),
            "deleted": self.dropped,
        }


class Transfer:
    """Moves data sets one way."""

    def __init__(
        self, here: Here, there: There, *, is_push: bool, err: TextIO | None
    ) -> None:
        """Move from here to there, or the other way; tell `err` how far it is."""
        self._here, self._there = here, there
        self._is_push = is_push
        self._err = err
        self._source: Side = here if is_push else there
        self._target: Side = there if is_push else here

    def move(
        self, place: Place, here: Holding, there: Holding, *, is_dropping: bool
    ) -> Moved:
        """Move one data set, of which both sides are known already."""
        source, target = (here, there) if self._is_push else (there, here)
        difference.check(place.name, source, target, self._called(place))
        found, source, target = self._settled(place, source, target)
        moved = Moved(name=place.name, same=found.same, extra=found.extra)
        if not found.is_none:
            _check_unused(place.name, target)
            wanted = difference.wanted_of(found, source, target)
            self._check_room(place, wanted, source, target)
            moved = self._moved(place, wanted, source, moved)
        if is_dropping and found.extra:
            home = self._homes(place)[1]
            gone = self._target.drop(place.name, home, found.extra)
            moved = replace(moved, dropped=gone)
        return moved

    def _homes(self, place: Place) -> tuple[str, str]:
        """Give the homes that are read and written."""
        ways = (place.here, place.there)
        return ways if self._is_push else (ways[1], ways[0])

    def _called(self, place: Place) -> dict[str, str]:
        source, target = self._homes(place)
        return {"source": source, "target": target}

    def _settled(
        self, place: Place, source: Holding, target: Holding
    ) -> tuple[Difference, Holding, Holding]:
        """Tell by their hashes which files of one size and two times are the same."""
        found = difference.between(source, target)
        if not found.touched:
            return found, source, target
        homes = self._homes(place)
        one = self._hashed(self._source, place, homes[0], found.touched)
        other = self._hashed(self._target, place, homes[1], found.touched)
        source = replace(source, hashes={**source.hashes, **one.hashes})
        target = replace(target, hashes={**target.hashes, **other.hashes})
        return difference.between(source, target), source, target

    def _hashed(
        self, side: Side, place: Place, home: str, only: Collection[str] | None
    ) -> Holding:
        where = "here" if side is self._here else "there"
        meter = Meter(f"hashing {where}", place.name, 0, self._err)
        try:
            return side.hash(place.name, home, meter.show, only)
        finally:
            meter.end()

    def _check_room(
        self, place: Place, wanted: Wanted, source: Holding, target: Holding
    ) -> None:
        need = wanted.size
        lacks = []
        if need and target.free < need + _SPARE:
            spare = f"{size(_SPARE)} to be left"
            lacks.append(f"{size(target.free)} free, {size(need)} to come, {spare}")
        count = len(wanted.files)
        if 0 <= target.free_files < count + _SPARE_FILES and count:
            lacks.append(f"{target.free_files} inodes free, {count} files to come")
        if lacks:
            home = self._homes(place)[1]
            what = f"{place.name!r} ({size(source.size)})"
            message = f"no room for data {what}: {' and '.join(lacks)}, in {home}"
            raise HostError(message, hint="nothing was sent; make room first")

    def _moved(
        self, place: Place, wanted: Wanted, source: Holding, moved: Moved
    ) -> Moved:
        act = "pushing" if self._is_push else "pulling"
        meter = Meter(act, place.name, wanted.size, self._err)
        hashes: dict[str, str] = {}
        try:
            for _ in range(_TRIES):
                torn = self._send(place, wanted, source, meter, hashes)
                if not torn:
                    break
                # A draft of an older file that looked the same: from the beginning.
                files = {n: (*wanted.files[n][:2], 0) for n in torn}
                wanted = Wanted(files=files)
        finally:
            took_s = meter.end()
        self._verify(place, hashes)
        return replace(
            moved,
            files=len(hashes),
            links=len(wanted.links),
            bytes=sum(source.files[name][0] for name in hashes if name in source.files),
            sent=meter.done,
            verified=len(hashes),
            took_s=took_s,
        )

    def _send(
        self,
        place: Place,
        wanted: Wanted,
        source: Holding,
        meter: Meter,
        hashes: dict[str, str],
    ) -> tuple[str, ...]:
        """Send one stream, or some for very many files; give what arrived torn."""
        torn: list[str] = []
        for some in _parted(wanted):
            send = self._push if self._is_push else self._pull
            taken = send(place, some, meter, hashes, is_file=source.kind == "file")
            torn += [name for name in taken.torn if name in some.files]
        return tuple(torn)

    def _push(
        self,
        place: Place,
        wanted: Wanted,
        meter: Meter,
        hashes: dict[str, str],
        *,
        is_file: bool,
    ) -> Taken:
        home = holding.home_at(place.here)
        contents, giver = self._here.depot.contents(home), Giver(home, meter.add)
        taken = self._there.take(
            place.name, place.there, wanted, giver, is_file=is_file
        )
        hashes |= giver.hashes
        contents.learn(giver.hashes)
        return taken

    def _pull(
        self,
        place: Place,
        wanted: Wanted,
        meter: Meter,
        hashes: dict[str, str],
        *,
        is_file: bool,
    ) -> Taken:
        home = holding.home_at(place.here)
        asked = dict.fromkeys([*wanted.links, *wanted.folders], 0)
        asked |= {name: look[0] for name, look in wanted.files.items()}

        def into(stream: BinaryIO) -> Intake:
            return Intake(
                home,
                stream,
                is_file=is_file,
                told=meter.add,
                asked=asked,
            )

        with self._here.depot.changing(home):
            taken = self._there.give(place.name, place.there, wanted, into)
        hashes |= taken.hashes
        return taken

    def _verify(self, place: Place, hashes: dict[str, str]) -> None:
        """Have the side that took it read it again, and hold it against what was sent.

        What it learns there, a run need not read a second time.
        """
        home = self._homes(place)[1]
        found = self._hashed(self._target, place, home, None)
        wrong = [n for n, sha256 in hashes.items() if found.hashes.get(n) != sha256]
        if wrong:
            more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
            message = f"data {place.name!r}: {wrong[0]!r} is not what was sent{more}"
            hint = "somebody wrote to it meanwhile, or the disk there is bad"
            raise IntegrityError(message, hint=hint)


def _check_unused(name: str, target: Holding) -> None:
    """Refuse to change what a run reads at this moment."""
    if target.used_by:
        run = target.used_by[0]
        message = f"data {name!r} is used by run {run}, which is running"
        hint = f"nothing was sent; wait for it, or: pipeline stop {run}"
        raise HostError(message, hint=hint)


def _parted(wanted: Wanted) -> list[Wanted]:
    names = list(wanted.files)
    if len(names) <= _MOST_AT_ONCE:
        return [wanted]
    parts = []
    for at in range(0, len(names), _MOST_AT_ONCE):
        some = {name: wanted.files[name] for name in names[at : at + _MOST_AT_ONCE]}
        is_last = at + _MOST_AT_ONCE >= len(names)
        parts.append(replace(wanted, files=some) if is_last else Wanted(files=some))
    return parts
