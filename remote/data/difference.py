"""How a data set on one side differs from the other side, and what must travel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pipeline.data import holding
from pipeline.data.parcel import Wanted
from pipeline.errors import HostError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.data.holding import Holding

_SECOND_NS = 1_000_000_000
Word = Literal["same", "differs", "partly", "missing", "not here"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What `target` lacks of `source`, by the names of files, links, empty folders.

    touched: files of the same size and another time, of which only their hashes could
    tell. extra: what only the target has. hashed: how many files were told apart, or
    found the same, by their hashes.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    same: int = 0
    hashed: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """The files that must travel."""
        return (*self.new, *self.changed, *self.touched)

    @property
    def is_none(self) -> bool:
        """Whether nothing must travel."""
        return not (self.files or self.links or self.folders)


def between(source: Holding, target: Holding) -> Difference:
    """Compare two holdings: by hash where both are known, else by size and time."""
    new, changed, touched, same, hashed = [], [], [], 0, 0
    for name, look in source.files.items():
        there = target.files.get(name)
        if there is None:
            new.append(name)
            continue
        one, other = source.hashes.get(name), target.hashes.get(name)
        hashed += bool(one and other)
        if there[0] != look[0] or (one and other and one != other):
            changed.append(name)
        elif (one and other) or _is_as_old(there[1], look[1]):
            same += 1
        else:
            touched.append(name)
    lying = {**target.files, **target.links, **dict.fromkeys(target.folders, "")}
    wanted = {**source.files, **source.links, **dict.fromkeys(source.folders, "")}
    return Difference(
        new=tuple(new),
        changed=tuple(changed),
        touched=tuple(touched),
        links=tuple(n for n, to in source.links.items() if target.links.get(n) != to),
        folders=tuple(set(source.folders) - set(target.folders)),
        extra=tuple(name for name in lying if name not in wanted),
        same=same,
        hashed=hashed,
    )


def _is_as_old(one: int, other: int) -> bool:
    """Tell whether two times are one: some file systems know whole seconds only."""
    if one % _SECOND_NS and other % _SECOND_NS:
        return one == other
    return one // _SECOND_NS == other // _SECOND_NS


def wanted_of(
    found: Difference, source: Holding, target: Holding, *, anew: bool = False
) -> Wanted:
    """Say what is to be sent; of files that were cut off, only what is missing.

    anew: from their beginnings all the same.
    """
    files = {}
    for name in found.files:
        size, mtime_ns = source.files[name]
        draft = holding.draft_name(name, size, mtime_ns)
        start = 0 if anew else min(target.incoming.get(draft, 0), size)
        files[name] = (size, mtime_ns, start)
    links = {name: source.links[name] for name in found.links}
    return Wanted(files=files, links=links, folders=found.folders)


def word_of(found: Difference, source: Holding, target: Holding) -> Word:
    """Say in a word how the target stands to the source."""
    if source.kind == "missing":
        return "not here"
    if target.kind == "missing":
        return "partly" if target.incoming else "missing"
    if found.is_none:
        return "same"
    if found.changed or found.touched or source.kind != target.kind:
        return "differs"
    return "partly"


def check(
    name: str, source: Holding, target: Holding, places: Mapping[str, str]
) -> None:
    """Refuse what cannot travel. places: what to call `source` and `target`."""
    here, there = places["source"], places["target"]
    if source.kind in ("missing", "odd"):
        message = f"data {name!r} is not there: {here}"
        raise HostError(message, hint=f"put it there, or correct data.{name}")
    if source.outside:
        first, more = source.outside[0], len(source.outside) - 1
        also = f", and {more} more" if more else ""
        message = f"data {name!r}: {first!r} is a link that leads out of it{also}"
        hint = "nothing was sent; put the files themselves there, or drop the link"
        raise HostError(message, hint=hint)
    if target.kind not in ("missing", source.kind):
        kinds = f"a {source.kind} here is, and there a {target.kind}"
        message = f"data {name!r}: {kinds}: {there}"
        raise HostError(message, hint="move it away, or correct the path")
