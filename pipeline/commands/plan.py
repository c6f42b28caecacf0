"""Say what a run would do with each stage, and why; start nothing.

reuse    a seal holds what the stage would make; it is sealed anew, and not executed
execute  no seal does; the reason is what differs from the newest one
wait     what an earlier stage will give decides

It is asked of the host where the run would be, which knows its data, its environment
and what was sealed there. Nothing is sent there but the question.

Examples:
  pipeline plan
  pipeline plan --host ec2 --set seed=3
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pipeline.commands import prospect
from pipeline.errors import DONE
from pipeline.views import ink
from pipeline.views.tame import tame

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Mapping

    from pipeline.codec import Json
    from pipeline.commands.prospect import Prospect
    from pipeline.decision import Decision, Planned
    from pipeline.layout import LaptopPaths
    from pipeline.views.ink import Line

_SIGNS = {"reuse": ("✓", "dim"), "execute": ("●", ""), "wait": ("○", "dim")}
_MOST_NAMED = 20


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Plan, and print."""
    found = prospect.prospect(args, paths, prospect.choice_of(args))
    prospect.forget(found, paths)
    made = prospect.planned(found, paths)
    is_dry_run = getattr(args, "dry_run", False)
    if getattr(args, "json", False):
        from pipeline.commands.document import put

        travels = {"travels": _travels(found, paths)} if is_dry_run else {}
        put({**_document(found, made), **travels})
        return DONE
    lines = list(_lines(found, made))
    if is_dry_run:
        lines += [[], *([(line, "")] for line in _told(_travels(found, paths), found))]
    sys.stdout.write(ink.printed(lines, sys.stdout))
    return DONE


def _document(found: Prospect, made: Planned) -> dict[str, Json]:
    from pipeline import codec

    decisions = [codec.encode(one) for one in made.decisions]
    return {
        "host": found.plan.host,
        "snapshot": found.plan.snapshot,
        "sealed_in": made.sealed_in,
        "stages": decisions,
    }


def _lines(found: Prospect, made: Planned) -> Iterator[Line]:
    decisions = made.decisions
    width = max(len(one.stage) for one in decisions)
    title = f"{found.plan.pipeline.name} on {found.plan.host}"
    yield [(title, "bold"), (f": {_count(decisions)}", "")]
    for one in decisions:
        sign, style = _SIGNS[one.kind]
        head = f"{sign} {one.stage:<{width}}  {one.kind:<7}  "
        yield [(head, style), (tame(one.because.replace("\r", " ")), style)]
    if made.sealed_in:
        yield [(f"all of it is sealed already, in run {made.sealed_in}", "")]
    elif first := next((one for one in decisions if one.changes), None):
        yield []
        host = "" if found.host is None else f" --host {found.host.name}"
        yield [(f"what differs: pipeline explain{host} {first.stage}", "dim")]


def _count(decisions: tuple[Decision, ...]) -> str:
    kinds = [one.kind for one in decisions]
    words = {"reuse": "to reuse", "execute": "to execute", "wait": "to be seen"}
    said = [f"{kinds.count(k)} {words[k]}" for k in words if k in kinds]
    return ", ".join(said)


def _travels(found: Prospect, paths: LaptopPaths) -> dict[str, Json]:
    """Say what would be sent: the very pack is made, and counted."""
    from pipeline import memory
    from pipeline.snapshots import snapshot

    if found.host is None:
        return {"files": [], "bytes": 0}
    key = f"{found.plan.host}.{found.plan.project}"
    known = memory.read_host(paths, key).snapshot
    have = [known] if known else []
    size = sum(map(len, snapshot.pack(found.taken, scratch=paths.scratch, have=have)))
    names = snapshot.changed_files(found.taken, known, scratch=paths.scratch)
    return {"files": names, "bytes": size}


def _told(travels: Mapping[str, Any], found: Prospect) -> Iterator[str]:
    from pipeline import pulse

    if found.host is None:
        yield f"nothing travels; the snapshot holds {found.taken.files} files"
        return
    names = travels["files"]
    what = pulse.many(len(names), "file")
    size = pulse.size(travels["bytes"])
    yield f"would travel to {found.plan.host}: {what}, {size} packed"
    for name in names[:_MOST_NAMED]:
        yield f"  {tame(name.replace(chr(13), ' '))}"
    if len(names) > _MOST_NAMED:
        yield f"  and {len(names) - _MOST_NAMED} more"
