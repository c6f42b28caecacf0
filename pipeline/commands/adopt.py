"""Take up a run that was started elsewhere.

It is then known here as if it had been started here, on any machine that can log in to
the box, in a clone of the repository that the run was started from. What it has so far
is brought home: its story, its logs, its files and its branch. `attach`, `logs`,
`pull`, `stop` and `resume` mean it from then on, here and where it was started: neither
disturbs the other.

RUN is any part of the run's name, or latest. Doing it twice is fine. What comes home,
and whether anything is published, is said by the pipeline.yaml here.

Examples:
  pipeline runs --host ec2               which runs lie there
  pipeline adopt a3f9 --host ec2         take one of them up
  pipeline attach a3f9                   and watch it
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline.commands.document import put
from pipeline.commands.known import far_of, host_named, seen, told
from pipeline.errors import DONE, SpecError
from pipeline.views.tame import tame

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.progress import RunState
    from pipeline.schema import Pipeline


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Remember a run of a box, and bring home what it has."""
    from pipeline.reading import spec
    from remote import hosts, roster
    from remote.far import Far

    pipeline = spec.load(paths.pipeline_file)
    host = host_named(pipeline, _named(args, pipeline), paths)
    project = roster.project_here(pipeline.name, paths)
    far = Far(hosts.link_to(host), project, host)
    one = roster.find(far, args.run, project=project, name=pipeline.name)
    record = roster.adopt(one, pipeline, host, paths)
    roster.take_home(far_of(record), record, paths, err=sys.stderr)
    state = seen(record, paths)
    if args.json:
        put({**told(record), "state": one.state, "results": _results(record, paths)})
    else:
        _print(record, one.state, state)
    return DONE


def _named(args: Namespace, pipeline: Pipeline) -> str:
    if args.host:
        name: str = args.host
        return name
    known = ["local", *(host.name for host in pipeline.hosts)]
    message = "pipeline adopt: on which host is the run?"
    raise SpecError(message, hint=f"say it with --host: {', '.join(known)}")


def _results(record: RunRecord, paths: LaptopPaths) -> str:
    return str(paths.mirror(record.run).root)


def _print(record: RunRecord, word: str, state: RunState) -> None:
    sealed = sum(bool(stage.commit) for stage in state.stages.values())
    count = f"{sealed} of {len(state.stages)} stages sealed"
    said = f"{tame(word)}, {count}"
    print(f"run {record.run} on {record.host_name} is known here now: {said}")
    verb = "attach" if word in ("running", "stopping", "waiting") else "resume"
    if word == "done":
        print(f"  its history: git log {record.branch}")
    else:
        print(f"  go on with:  pipeline {verb} {record.run}")
