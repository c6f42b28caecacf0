"""What a box knows that decides what is to be done: gathered for one plan."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import datasets, scope
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
    from pipeline.schema import Resolved
    from pipeline.scope import Listing
    from pipeline.seal import Seal


_SURELY_IN_GIT = 100_000  # bytes; and what is lost all the same, the runner notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a box knows that decides: asked for by the planner, as late as can be.

    environment: its identity, or the words for what must be built first. data: what
    stands for a data set. whole: whether the files of a seal are still to be had. now:
    what lies behind a path of the snapshot, whose files `listing` gives. listed: the
    files of a large data set, by what stood for it.
    """

    archive: Archive
    listing: Callable[[], Listing]
    now: Callable[[str], str]
    environment: Mapping[str, Any] | str
    data: Callable[[str], Mapping[str, str]]
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

    def data(name: str) -> Mapping[str, str]:
        declared = next(one for one in plan.pipeline.data if one.name == name)
        return datasets.look_at(declared, home_of(plan, name), box.cache, clock)

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
        data=data,
        whole=whole,
        listed=lambda digest: datasets.listed(box.cache, digest),
    )


def home_of(plan: Resolved, name: str) -> Path:
    """Give where a data set lies on this box, or refuse one that is not here."""
    home = Path(plan.data[name]).expanduser()
    if not home.exists():
        message = f"data {name!r} is not on host {plan.host!r}: {plan.data[name]}"
        raise HostError(message, hint=f"put it there, or correct data.{name}")
    return home


def _anything(listing: Listing, prefix: str) -> str:
    """Name all that is code, for a stage that may have read any of it."""
    return scope.whole(listing, prefix=prefix, spoken=frozenset()).digest
