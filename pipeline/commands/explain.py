"""Say what changed since a stage was sealed: each file, param, input and package.

What is here now is held against the stage's newest seal, or against that of RUN. Small
files are shown by a difference. Where an earlier stage is the reason, the way up is
shown, and what changed at its top.

Examples:
  pipeline explain train
  pipeline explain train 20261120-1710-a3f9
  pipeline explain train --host ec2 --set seed=3
"""

from __future__ import annotations

import contextlib
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands import prospect
from pipeline.errors import DONE
from pipeline.frozen import dataclass
from pipeline.views import ink
from pipeline.views.tame import tame

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence

    from pipeline.blobs import Blobs
    from pipeline.changes import Change
    from pipeline.codec import Json
    from pipeline.commands.prospect import Prospect
    from pipeline.decision import Decision, Planned
    from pipeline.layout import LaptopPaths
    from pipeline.views.ink import Line

_MOST_CAUSES = 3
_SHORT = 12  # of a commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """An earlier stage that is a reason, and the way up to it, itself at the end."""

    decision: Decision
    way: tuple[str, ...]


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Compare, and print."""
    from pipeline.resolve import Choice

    against = ""
    if args.run:
        record = memory.find_run(paths, args.run)
        against = record.run
        if args.host is None and record.host is not None:
            args.host = record.host.name
    # What comes after it is none of the question; what it needs may decide.
    found = prospect.prospect(args, paths, Choice(until=args.stage))
    prospect.forget(found, paths)
    made = prospect.planned(found, paths, against=against)
    decision = _decisions(made)[args.stage]
    causes = list(_causes(args.stage, found, made, paths))
    if args.json:
        from pipeline.commands.document import put

        put(_document(decision, causes))
        return DONE
    with contextlib.ExitStack() as opened:
        sources = _sources(found.plan.project, paths, opened)
        lines = [*_page(decision, against, causes, sources), *_next(decision, args)]
    sys.stdout.write(ink.printed(lines, sys.stdout))
    return DONE


def _decisions(made: Planned) -> dict[str, Decision]:
    return {one.stage: one for one in made.decisions}


def _document(decision: Decision, causes: list[Cause]) -> Json:
    from pipeline import codec

    own = codec.encode(decision)
    assert isinstance(own, dict), "a decision is a mapping"
    return {**own, "causes": [codec.encode(cause.decision) for cause in causes]}


def _causes(
    stage: str, found: Prospect, made: Planned, paths: LaptopPaths
) -> Iterator[Cause]:
    """Walk up to the stages that are the reason, the nearest first."""
    decision = _decisions(made)[stage]
    if decision.kind != "wait":
        if not any(one.kind == "input" for one in decision.changes):
            return
        # It was given something else: what made that differ since then?
        made = prospect.planned(found, paths, against=decision.run)
    decided = _decisions(made)
    givers = {
        one.name: list(dict.fromkeys(ref.stage for ref in one.inputs if ref.stage))
        for one in found.plan.pipeline.stages
    }
    ways: list[tuple[str, ...]] = [(name,) for name in givers[stage]]
    seen: set[str] = set()
    for way in ways:  # it grows meanwhile
        one = decided[way[-1]]
        if one.stage in seen:
            continue
        seen.add(one.stage)
        is_own = any(change.kind != "input" for change in one.changes)
        is_lost = one.kind == "reuse" and not one.commit
        if is_own or is_lost or one.kind == "execute":
            yield Cause(decision=one, way=way)
        ways += [(*way, name) for name in givers[one.stage]]


def _page(
    decision: Decision, run: str, causes: list[Cause], sources: Sequence[Blobs]
) -> Iterator[Line]:
    shown: set[Change] = set()
    yield from _about(decision, sources, shown=shown, against=run)
    for cause in causes[:_MOST_CAUSES]:
        yield []
        steps = [decision.stage, *cause.way]
        needs = [f"{below} needs {above}" for below, above in pairwise(steps)]
        yield [(f"{', '.join(needs)}:", "dim")]
        yield from _about(cause.decision, sources, shown=shown)
    if len(causes) > _MOST_CAUSES:
        names = ", ".join(one.decision.stage for one in causes[_MOST_CAUSES:])
        yield []
        yield [(f"likewise: {names}", "dim")]
    if not causes and any(one.kind == "input" for one in decision.changes):
        yield []
        said = "nothing that determines the earlier stages differs: they were executed"
        yield [(f"{said} again, and gave other files", "")]


def _about(
    decision: Decision,
    sources: Sequence[Blobs],
    *,
    shown: set[Change],
    against: str = "",
) -> Iterator[Line]:
    """Tell of one stage: what would become of it, and each thing that differs.

    shown: what was told in full already, of another stage.
    """
    from pipeline.views.contrast import contrast

    yield [(decision.stage, "bold"), (f" {_fate(decision)}", "")]
    if decision.commit:
        seal = f"its seal {decision.commit[:_SHORT]} of run {decision.run}"
        same = "" if decision.changes else ": nothing differs"
        yield [(f"  compared with {seal}{same}", "dim")]
    elif against:
        yield [(f"  run {against} holds no seal of it", "dim")]
    for change in decision.changes:
        again = " (see above)" if change in shown else ""
        yield [(f"  {_tamed(change.text())}{again}", "")]
        if not again:
            shown.add(change)
            yield from ([("      ", ""), *line] for line in contrast(change, sources))


def _fate(decision: Decision) -> str:
    because = _tamed(decision.because)
    if decision.kind == "reuse":
        return f"is reused: {because}"
    if decision.kind == "wait":
        return because.partition(";")[0]
    return f"is executed: {because}"


def _tamed(text: str) -> str:
    """Give foreign names as one line that draws only where it stands."""
    return tame(text.replace("\r", " ").replace("\n", " "))


def _next(decision: Decision, args: Namespace) -> Iterator[Line]:
    """Say what to do about it."""
    host = f" --host {args.host}" if args.host else ""
    force = " --force" if decision.kind == "reuse" else " --until"
    what = "execute it all the same" if decision.kind == "reuse" else "run it"
    yield []
    yield [(f"{what}: pipeline run{host}{force} {decision.stage}", "dim")]


def _sources(
    project: str, paths: LaptopPaths, opened: contextlib.ExitStack
) -> list[Blobs]:
    """Give the repositories in which objects may lie: the snapshots', and the box's."""
    from pipeline.blobs import Blobs
    from pipeline.git import Git
    from pipeline.layout import BOX_HOME, BoxPaths

    code = BoxPaths(Path.home() / BOX_HOME / project).code
    found = [Blobs(Git(folder)) for folder in (paths.scratch, code) if folder.exists()]
    for one in found:
        opened.callback(one.close)
    return found
