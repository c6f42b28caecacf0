"""What a box knows that decides what is to be done: gathered for one plan."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import scope
from pipeline.data import datasets
from pipeline.errors import HostError
from pipeline.frozen import dataclass
from pipeline.reads import Places
from pipeline.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.archive import Archive
    from pipeline.artifact import Manifest
    from pipeline.clock import Clock
    from pipeline.layout import BoxPaths
    from pipeline.schema import Data, Resolved
    from pipeline.scope import Listing
    from pipeline.seal import Seal


_SURELY_IN_GIT = 100_000  # bytes; and what is lost all the same, the runner notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a box knows that decides: asked for by the planner, as late as can be.

    environment: its identity, or the words for what must be built first. data: what
    stands for a data set, however long it takes to read it; at_once: the same, or the
    words for how much of it is to be read. whole: whether the files of a seal are still
    to be had. now: what lies behind a path of the snapshot, whose files `listing`
    gives. listed: the files of a large data set, by what stood for it.
    """

    archive: Archive
    listing: Callable[[], Listing]
    now: Callable[[str], str]
    environment: Mapping[str, Any] | str
    data: Callable[[str], Mapping[str, str]]
    at_once: Callable[[str], Mapping[str, str] | str]
    whole: Callable[[Seal, Manifest], bool]
    listed: Callable[[str], Mapping[str, str] | None]


def gather(
    plan: Resolved,
    box: BoxPaths,
    *,
    archive: Archive,
    listing: Callable[[], Listing],
    environment: Mapping[str, Any] | str,
    clock: Clock,
) -> Known:
    """Gather what this box knows; what costs time is looked for when it is asked for.

    listing: the files of the snapshot.
    """
    listing = functools.cache(listing)

    @functools.cache
    def places() -> Places:
        found = listing()
        return Places(found, lambda: _anything(found, plan.prefix))

    def at_once(name: str) -> Mapping[str, str] | str:
        declared, home = declared_as(plan, name), home_of(plan, name)
        found = datasets.at_once(declared, home, box.cache, clock)
        return found.said(name) if isinstance(found, datasets.Unhashed) else found

    store = Store(box.store)

    small = min(plan.pipeline.git.max_file, _SURELY_IN_GIT)

    def whole(seal: Seal, manifest: Manifest) -> bool:
        """Tell whether what may have been too large for git is still to be had.

        What was too large then may not be today, and the other way round.
        """
        every = {"artifacts": manifest.artifacts, "results": manifest.results}
        return all(
            one.size <= small or store.has(one) or archive.has(seal, kind, name)
            for kind, files in every.items()
            for name, one in files.items()
        )

    return Known(
        archive=archive,
        listing=listing,
        now=lambda path: places().now(path),
        environment=environment,
        data=lambda name: look_at(plan, name, box, clock),
        at_once=at_once,
        whole=whole,
        listed=lambda digest: datasets.listed(box.cache, digest),
    )


def look_at(
    plan: Resolved,
    name: str,
    box: BoxPaths,
    clock: Clock,
    told: Callable[[int], None] = lambda _: None,
) -> dict[str, str]:
    """Give what stands for a data set of `plan`; `told` hears of bytes read for it."""
    home = home_of(plan, name)
    return datasets.look_at(declared_as(plan, name), home, box.cache, clock, told)


def declared_as(plan: Resolved, name: str) -> Data:
    """Give a data set as pipeline.yaml declares it."""
    return next(one for one in plan.pipeline.data if one.name == name)


def home_of(plan: Resolved, name: str) -> Path:
    """Give where a data set lies on this box, or refuse one that is not here."""
    home = Path(plan.data[name]).expanduser()
    if not home.exists():
        message = f"data {name!r} is not on host {plan.host!r}: {plan.data[name]}"
        way = f"pipeline data push {name} --host {plan.host}"
        put = "put it there" if plan.host == "local" else f"put it there: {way}"
        raise HostError(message, hint=f"{put}\nor correct data.{name}")
    return home


def _anything(listing: Listing, prefix: str) -> str:
    """Name all that is code, for a stage that may have read any of it."""
    return scope.whole(listing, prefix=prefix, spoken=frozenset()).digest
