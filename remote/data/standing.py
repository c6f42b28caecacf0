"""How data sets here stand to their homes on a box, in words and in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.data.holding import Holding
from pipeline.frozen import dataclass
from pipeline.pulse import many, size
from remote.data import difference
from remote.data.difference import Difference
from remote.data.meter import Meter
from remote.data.transfer import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from pipeline.codec import Json
    from remote.data.difference import Word
    from remote.data.sides import Here, Side, There


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a push would send: files and bytes; `had` of them arrived before."""

    files: int
    size: int
    had: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One data set: what lies here, what lies there, and how they differ."""

    place: Place
    here: Holding
    there: Holding | None
    found: Difference
    by_hash: bool

    @property
    def word(self) -> Word:
        """How the other side stands to this one."""
        assert self.there is not None, "there is another side"
        return difference.word_of(self.found, self.here, self.there)

    def said(self, host: str) -> str:
        """Say how it stands, in a line."""
        need = ", and optional" if self.place.is_optional else ""
        if not host:
            return "here" if self.here.kind != "missing" else f"not here{need}"
        if not self.place.there:
            way = f"add it: data.{self.place.name}.{host}: PATH"
            return f"no home on {host}{need or f'; {way}'}"
        if self.word in ("not here", "missing"):
            where = f"missing on {host}" if self.word == "missing" else "not here"
            return f"{where}{need}"
        return (
            f"{self.word} on {host}, by {'hash' if self.by_hash else 'size and time'}"
        )

    @property
    def amount_here(self) -> str:
        """How much lies here."""
        return _amount(self.here)

    @property
    def amount_there(self) -> str:
        """How much lies there."""
        return _amount(self.there) if self.there else ""

    @property
    def hashed(self) -> str:
        """How much of what lies here is known by its hash."""
        known = len(self.here.hashes)
        left = sum(
            look[0]
            for name, look in self.here.files.items()
            if name not in self.here.hashes
        )
        rest = f"; {size(left)} to be read when a run needs them" if left else ""
        return f"{known} of {len(self.here.files)} files{rest}"

    @property
    def push(self) -> Errand:
        """What a push would send."""
        if self.there is None or self.here.kind == "missing":
            return Errand(files=0, size=0, had=0)
        wanted = difference.wanted_of(self.found, self.here, self.there)
        had = sum(start for _, _, start in wanted.files.values())
        return Errand(files=len(wanted.files), size=wanted.size, had=had)

    @property
    def touched(self) -> int:
        """How many files differ by their times, and perhaps in nothing else."""
        return len(self.found.touched)

    @property
    def extra(self) -> Sequence[str]:
        """What only the other side has."""
        return self.found.extra

    @property
    def outside(self) -> Sequence[str]:
        """Links that lead out of it."""
        return (*self.here.outside, *(self.there.outside if self.there else ()))

    @property
    def used_by(self) -> Sequence[str]:
        """Runs that use it there, or here where there is no other side."""
        return self.there.used_by if self.there else self.here.used_by

    def document(self) -> Json:
        """Say all of it to a program."""
        there: Json = None
        if self.there is not None:
            there = _plain(self.there, self.place.there)
        return {
            "name": self.place.name,
            "state": self.word if self.there is not None else None,
            "is_optional": self.place.is_optional,
            "by_hash": self.by_hash,
            "here": _plain(self.here, self.place.here),
            "there": there,
            "push": {
                "files": self.push.files,
                "bytes": self.push.size,
                "arrived": self.push.had,
            },
            "touched": self.touched,
            "only_there": len(self.extra),
        }


def _plain(found: Holding, home: str) -> Json:
    return {
        "home": home,
        "kind": found.kind,
        "files": len(found.files),
        "bytes": found.size,
        "hashed": len(found.hashes),
        "outside": list(found.outside),
        "used_by": list(found.used_by),
    }


def _amount(found: Holding) -> str:
    if found.kind == "missing":
        came = sum(found.incoming.values())
        return f"nothing but {size(came)} that were cut off" if came else "nothing"
    links = f", {len(found.links)} links" if found.links else ""
    return f"{many(len(found.files), 'file')}{links}, {size(found.size)}"


def standings(
    places: Sequence[Place],
    here: Here,
    there: There | None,
    *,
    verify: bool,
    err: TextIO | None,
) -> list[Standing]:
    """Look at all sets on both sides; with `verify`, read them all."""
    ours = here.look({one.name: one.here for one in places})
    known = {one.name: one.there for one in places if one.there}
    theirs = there.look(known) if there is not None and known else {}
    if verify:
        for one in places:
            ours[one.name] = _read(here, one, one.here, ours[one.name], err)
            if there is not None and one.name in theirs:
                found = _read(there, one, one.there, theirs[one.name], err)
                theirs[one.name] = found
    return list(_compared(places, ours, theirs))


def _compared(
    places: Sequence[Place], ours: dict[str, Holding], theirs: dict[str, Holding]
) -> Iterator[Standing]:
    for one in places:
        mine, other = ours[one.name], theirs.get(one.name)
        found = difference.between(mine, other) if other else Difference()
        by_hash = 0 < found.hashed == len(set(mine.files) & set(_files(other)))
        yield Standing(place=one, here=mine, there=other, found=found, by_hash=by_hash)


def _files(found: Holding | None) -> Sequence[str]:
    return list(found.files) if found else []


def _read(
    side: Side, place: Place, home: str, known: Holding, err: TextIO | None
) -> Holding:
    if known.kind not in ("file", "folder"):
        return known
    meter = Meter("hashing", place.name, 0, err)
    try:
        return side.hash(place.name, home, meter.show)
    finally:
        meter.end()
