"""Start a run of the code as it stands, and watch it.

What git tracks and does not ignore is taken as it lies there, uncommitted work too. On
the host, each stage whose code, params, inputs and environment are those of an older
seal is sealed anew from it, and not executed; `plan` says which, and why. Where one run
holds all stages already, nothing is started.

^C detaches; the run goes on. It needs this machine no more once it has begun.

Examples:
  pipeline run
  pipeline run --host ec2 --detach
  pipeline run --set train.epochs=5 --until train
  pipeline run --force train
  pipeline run --host ec2 --queue        once the runs that are there have ended
  pipeline run --host ec2 --dry-run
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.clock import SystemClock
from pipeline.commands import prospect
from pipeline.commands.document import put
from pipeline.errors import DONE, INTERRUPTED

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.commands.prospect import Around
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.schema import Host
    from remote.links.link import Link
    from remote.start import Started


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Start a run and watch it."""
    if args.dry_run:
        from pipeline.commands.plan import do as plan

        return plan(args, paths)
    try:
        started = _start(args, paths)
    except KeyboardInterrupt:
        said = "interrupted while starting; whether a run began: pipeline attach"
        print(said, file=sys.stderr)
        return INTERRUPTED
    if isinstance(started, str):
        return _say_sealed(started, args)
    if args.detach:
        return _say_started(started.record, args)
    from pipeline.commands.watching import watch

    return watch(started.far, started.record, paths, as_json=args.json)


def _start(args: Namespace, paths: LaptopPaths) -> Started | str:
    """Start a run; or give the one that holds all stages already."""
    links: list[Link] = []
    choice = prospect.choice_of(args)
    found = prospect.prospect(args, paths, choice, around=_connecting(links))
    for note in found.taken.notes:
        print(f"note: {note}", file=sys.stderr)
    # What is to be executed in any case cannot be sealed already.
    may_be_done = not found.plan.force or found.plan.settled
    if found.host is None and may_be_done:
        # Asked in this very process: nothing is started where nothing changed.
        sealed_in = prospect.planned_here(found, paths).sealed_in
        if sealed_in:
            prospect.forget(found, paths)
            return sealed_in
    from remote import hosts
    from remote.start import start

    if found.host is not None:
        from pipeline.reading import overlooked

        for said in overlooked.notes(found.plan.pipeline, paths.root):
            print(f"note: {said}", file=sys.stderr)
    link = links[0] if links else hosts.link_to(found.host)
    clock = SystemClock()
    plan = replace(found.plan, queue=args.queue)
    started = start(plan, found.taken, found.host, link, paths, clock)
    if started.sealed_in:
        prospect.forget(found, paths)
    return started.sealed_in or started


def _connecting(links: list[Link]) -> Around:
    """Log in to a box while this machine is busy with the snapshot."""

    def around(host: Host | None) -> contextlib.AbstractContextManager[None]:
        if host is None:
            return contextlib.nullcontext()
        from remote import hosts
        from remote.start import connecting

        links.append(hosts.link_to(host))
        return connecting(links[0])

    return around


def _say_started(record: RunRecord, args: Namespace) -> int:
    if args.json:
        put({"run": record.run, "host": record.host_name})
        return DONE
    print(f"run {record.run} started on {record.host_name}")
    print(f"  watch it with: pipeline attach {record.run}")
    return DONE


def _say_sealed(run: str, args: Namespace) -> int:
    if args.json:
        put({"sealed_in": run})
        return DONE
    print(f"all of it is sealed already, in run {run}; nothing was started")
    print("  once more all the same: pipeline run --force")
    return DONE
