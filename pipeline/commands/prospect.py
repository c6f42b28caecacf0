"""What `run`, `plan` and `explain` share: a run thought through, and not started.

read      pipeline.yaml, or recall what it came to
take      the snapshot of the code as it stands
resolve   what the host is to do, as plan.json
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import files, memory, recall, resolve, scope
from pipeline.clock import SystemClock
from pipeline.commands.known import host_named
from pipeline.errors import SpecError
from pipeline.frozen import dataclass
from pipeline.git import Git
from pipeline.recall import Recollection
from pipeline.snapshots import snapshot

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.decision import Planned
    from pipeline.layout import LaptopPaths
    from pipeline.resolve import Choice
    from pipeline.schema import Host, Pipeline, Resolved
    from pipeline.scope import Listing
    from pipeline.snapshots.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """A run that was not started: its plan.json, and the files of its snapshot."""

    plan: Resolved
    listing: Listing
    taken: Snapshot
    host: Host | None


Around = Callable[["Host | None"], contextlib.AbstractContextManager[None]]


def _nothing(_: Host | None) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


def prospect(
    args: Namespace, paths: LaptopPaths, choice: Choice, *, around: Around = _nothing
) -> Prospect:
    """Think a run of the code as it stands through; nothing is sent anywhere.

    around: what goes on while the snapshot is taken.
    """
    said = [args.host or "", *args.set]
    known = recall.recall(paths, mark := recall.mark_of(paths.pipeline_file, said))
    pipeline = known.pipeline if known else _load(args, paths)
    host = host_named(pipeline, args.host, paths)
    resolve.choose(pipeline, choice)
    files.own_ignored_folder(paths.memory)
    clock = SystemClock()
    run = memory.new_run_id(clock.now(), set(memory.run_names(paths)))
    with around(host):
        rules, scratch = pipeline.ship, paths.scratch
        taken = snapshot.take(paths.root, rules, run=run, scratch=scratch)
    listing = scope.listing_of(Git(paths.scratch), taken.commit)
    digest = scope.digest_of(listing)
    if known is None or known.listing != digest:
        if known is not None:  # a module that a stage names may be another now
            pipeline = _load(args, paths)
        known = _read_codes(pipeline, listing, taken, paths, mark=mark, digest=digest)
        recall.remember(paths, known)
    if jobs := jobs_of(args):
        known = replace(known, pipeline=replace(known.pipeline, jobs=jobs))
    plan = resolve.resolve(
        known, host, taken, paths, run=run, clock=clock, choice=choice
    )
    plan = replace(plan, asked=_asked(args.set, choice))
    return Prospect(plan=plan, listing=listing, taken=taken, host=host)


def _asked(overrides: Sequence[str], choice: Choice) -> tuple[str, ...]:
    """Give the options that shape a run, but for its host."""
    is_all = resolve.ALL in choice.force
    said = {
        "--set": overrides,
        "--force": () if is_all else choice.force,
        "--only": choice.only,
        "--from": (choice.since,) if choice.since else (),
        "--until": (choice.until,) if choice.until else (),
    }
    words = [
        word for key, all_of in said.items() for one in all_of for word in (key, one)
    ]
    return (*words, *(["--force"] if is_all else []))


def _load(args: Namespace, paths: LaptopPaths) -> Pipeline:
    from pipeline.reading import grammar, spec

    grammar.refresh(paths)
    return spec.load(paths.pipeline_file, overrides=args.set, host=args.host or "")


def _read_codes(
    pipeline: Pipeline,
    listing: Listing,
    taken: Snapshot,
    paths: LaptopPaths,
    *,
    mark: str,
    digest: str,
) -> Recollection:
    """Find the code of each stage in the snapshot."""
    from pipeline import closure
    from pipeline.blobs import Blobs

    with contextlib.closing(Blobs(Git(paths.scratch))) as blobs:
        closures = closure.Closures(
            listing,
            prefix=taken.prefix,
            read=lambda name: blobs.read(name) or b"",
            kept=paths.imports,
        )
        codes, whose = closure.codes_of(
            pipeline, listing, closures, prefix=taken.prefix
        )
        closures.keep()
    return Recollection(
        mark=mark, listing=digest, pipeline=pipeline, codes=codes, code=whose
    )


def planned_here(found: Prospect, paths: LaptopPaths, *, against: str = "") -> Planned:
    """Make the plan of a run on this machine, with no process started for it."""
    from pipeline import planning
    from pipeline.layout import BOX_HOME, BoxPaths

    plan = found.plan
    return planning.planned(
        plan,
        BoxPaths(Path.home() / BOX_HOME / plan.project),
        listing=lambda: found.listing,
        read=_reader(plan, paths),
        clock=SystemClock(),
        run=against,
    )


def _reader(plan: Resolved, paths: LaptopPaths) -> Callable[[str], bytes | None]:
    """Read the snapshot where an environment is made of files, and only then."""

    @functools.cache
    def reader() -> Callable[[str], bytes | None]:
        from pipeline.environments import recipe

        return recipe.reader(Git(paths.scratch), plan.snapshot, plan.prefix)

    def read(path: str) -> bytes | None:
        return reader()(path)

    return read


def planned(found: Prospect, paths: LaptopPaths, *, against: str = "") -> Planned:
    """Have the host say what the run would do; the snapshot itself stays here.

    Where much data must be read for that, it is read first, and that is told.
    """
    made = _planned(found, paths, against)
    if not made.unhashed:
        return made
    from remote.data.hashing import hash_sets

    homes = {name: found.plan.data[name] for name in made.unhashed}
    hash_sets(found.host, found.plan.project, homes, sys.stderr)
    return _planned(found, paths, against)


def _planned(found: Prospect, paths: LaptopPaths, against: str) -> Planned:
    if found.host is None:
        return planned_here(found, paths, against=against)
    from remote import hosts
    from remote.appraise import planned_there
    from remote.far import Far

    far = Far(hosts.link_to(found.host), found.plan.project, found.host)
    return planned_there(far, found.plan, found.listing, paths, against)


def forget(found: Prospect, paths: LaptopPaths) -> None:
    """Let go of a snapshot that no run will ever want."""
    ref = paths.scratch / "refs" / "heads" / "ship" / found.plan.run
    ref.unlink(missing_ok=True)


def jobs_of(args: Namespace) -> int | None:
    """Read how many stages may run at the same time, where that can be said."""
    jobs: int | None = getattr(args, "jobs", None)
    if jobs is not None and jobs < 1:
        message = f"--jobs should be 1 or more, found {jobs}"
        raise SpecError(message)
    return jobs


def choice_of(args: Namespace) -> Choice:
    """Read which stages were asked for."""
    return resolve.Choice(
        force=tuple(args.force),
        only=tuple(args.only),
        since=args.since,
        until=args.until,
    )
