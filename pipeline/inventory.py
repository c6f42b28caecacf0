"""What a box knows that decides what is to be done: gathered for one plan."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pipeline import scope
from pipeline.data import datasets
from pipeline.errors import HostError
from pipeline.fingerprint import ABSENT
from pipeline.frozen import dataclass
from pipeline.layout import RunPaths
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
        declared, home = declared_as(plan, name), home_of(plan, name, box)
        if home is None:
            return ABSENT
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
        data=lambda name: _look_at(plan, name, box, clock),
        at_once=at_once,
        whole=whole,
        listed=lambda digest: datasets.listed(box.cache, digest),
    )


def _look_at(
    plan: Resolved, name: str, box: BoxPaths, clock: Clock
) -> Mapping[str, str]:
    home = home_of(plan, name, box)
    if home is None:
        return ABSENT
    return datasets.look_at(declared_as(plan, name), home, box.cache, clock)


def declared_as(plan: Resolved, name: str) -> Data:
    """Give a data set as pipeline.yaml declares it."""
    return next(one for one in plan.pipeline.data if one.name == name)


def home_of(plan: Resolved, name: str, box: BoxPaths) -> Path | None:
    """Give where a data set lies on this box, or refuse one that is not here.

    None is an optional one that is absent. To a run that has begun, it is as it was
    then: what comes later is linked nowhere, and what goes was there.
    """
    if declared_as(plan, name).is_optional and not _is_expected(plan, name, box):
        return None
    home = Path(plan.data[name]).expanduser()
    if home.exists():
        return home
    message = f"data {name!r} is not on host {plan.host!r}: {plan.data[name]}"
    if home.is_symlink():
        raise HostError(f"{message} is a link that leads nowhere", hint="mend it")
    way = f"pipeline data push {name} --host {plan.host}"
    put = "put it there" if plan.host == "local" else f"put it there: {way}"
    raise HostError(message, hint=f"{put}\nor correct data.{name}")


def _is_expected(plan: Resolved, name: str, box: BoxPaths) -> bool:
    """Tell whether an optional data set should be here: the run has it linked."""
    paths = RunPaths(box.run(plan.run), PurePosixPath(plan.prefix))
    if paths.plan.exists():
        return is_linked(paths, declared_as(plan, name))
    return name in plan.data and os.path.lexists(Path(plan.data[name]).expanduser())


def is_linked(paths: RunPaths, data: Data) -> bool:
    """Tell whether a run that has begun found a data set there."""
    return (paths.base / data.path).is_symlink()


def linked(plan: Resolved, paths: RunPaths) -> list[str]:
    """Give the homes of the data sets that a run found when it began."""
    sets = (data for data in plan.pipeline.data if data.name in plan.data)
    return [plan.data[data.name] for data in sets if is_linked(paths, data)]


def _anything(listing: Listing, prefix: str) -> str:
    """Name all that is code, for a stage that may have read any of it."""
    return scope.whole(listing, prefix=prefix, spoken=frozenset()).digest
