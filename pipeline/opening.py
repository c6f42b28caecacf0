"""Open all that a runner writes with, to be closed in the opposite order."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.blobs import Blobs
from pipeline.git import Git
from pipeline.layout import ResultPaths
from pipeline.ledger import Ledger
from pipeline.objects import Objects, hash_name_of
from pipeline.store import Store
from pipeline.story import Story
from pipeline.workshop import Workshop

if TYPE_CHECKING:
    import contextlib

    from pipeline.clock import Clock
    from pipeline.keeper import Keeper
    from pipeline.layout import RunPaths
    from pipeline.schema import Resolved


def open_workshop(
    plan: Resolved,
    paths: RunPaths,
    clock: Clock,
    keeper: Keeper,
    opened: contextlib.ExitStack,
) -> Workshop:
    """Make the folders that are not there yet, and open the run."""
    for folder in (paths.results, paths.artifacts, paths.attempts):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (paths.raw, paths.control, paths.checkpoints):
        folder.mkdir(exist_ok=True)
    results = ResultPaths(paths.results)
    story = Story(results, clock)
    opened.callback(story.close)
    repository = Git(paths.box.code)
    draft = paths.root / "commit.draft"
    objects = Objects(repository, draft, hash_name=hash_name_of(plan.snapshot))
    opened.callback(objects.close)
    blobs = Blobs(repository)
    opened.callback(blobs.close)
    ledger = Ledger(
        repository,
        objects,
        branch=plan.branch,
        snapshot=plan.snapshot,
        prefix=PurePosixPath(plan.prefix),
    )
    return Workshop(
        plan=plan,
        paths=paths,
        results=results,
        clock=clock,
        keeper=keeper,
        ledger=ledger,
        story=story,
        blobs=blobs,
        store=Store(paths.box.store),
    )
