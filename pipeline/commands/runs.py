"""List the runs that were started from here, or lie on a box.

The latest stands last: name, host, state, how many stages are sealed, the pipeline's
name. It asks nobody: a run on a box is `running?` until an `attach` has seen more. A
run on this machine whose runner is gone is `dead`, and `resume` goes on with it.

With --host the box itself is asked, in one round trip: which runs of this project lie
there, whoever started them, how each stands, since when, and how large it is. With
--all, those of all projects of your user there. `adopt` takes one of them up.

Examples:
  pipeline runs
  pipeline runs --host ec2                   also those that another laptop started
  pipeline runs --json | jq -r '.runs[] | select(.state == "failed").run'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.document import put
from pipeline.commands.known import host_named, runner_lives, seen, told
from pipeline.errors import DONE, SpecError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.codec import Json
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.progress import RunState
    from pipeline.wire import Listed


def do(args: Namespace, paths: LaptopPaths) -> int:
    """List the runs that were started from here, or lie on a host, the latest last."""
    if args.host:
        return _ask(args, paths)
    if args.all:
        message = "pipeline runs: --all is of a box, and no host is named"
        raise SpecError(message, hint="pipeline runs --all --host HOST")
    found = [(record, seen(record, paths)) for record in memory.read_runs(paths)]
    if args.json:
        put({"runs": [_document(record, state) for record, state in found]})
    elif not found:
        print("no runs yet; start one with: pipeline run")
        print("  those that lie on a box: pipeline runs --host HOST")
    else:
        _print_table(found)
    return DONE


def _print_table(found: list[tuple[RunRecord, RunState]]) -> None:
    rows = []
    for record, state in found:
        word, is_guess = _word(record, state)
        count = f"{_sealed(state)}/{len(state.stages)}"
        said = f"{word}?" if is_guess else word
        rows.append((record.run, record.host_name, said, count, record.name))
    wide = [max(len(row[at]) for row in rows) for at in range(4)]
    for run, host, word, count, name in rows:
        left = f"{run:<{wide[0]}}  {host:<{wide[1]}}  {word:<{wide[2]}}"
        print(f"{left}  {count:>{wide[3]}}  {name}")


def _document(record: RunRecord, state: RunState) -> Json:
    word, is_guess = _word(record, state)
    return {
        **told(record),
        "started_at": record.started_at,
        "state": word,
        "is_guess": is_guess,
        "exit_code": state.exit_code,
        "sealed": _sealed(state),
        "stages": len(state.stages),
    }


def _ask(args: Namespace, paths: LaptopPaths) -> int:
    """Have the host say which runs lie there."""
    from pipeline.reading import spec
    from pipeline.wire import Asking
    from remote import hosts, roster
    from remote.far import Far

    pipeline = spec.load(paths.pipeline_file)
    host = host_named(pipeline, args.host, paths)
    project = roster.project_here(pipeline.name, paths)
    far = Far(hosts.link_to(host), project, host)
    found = roster.listed(far, Asking(everywhere=args.all))
    known = set(memory.run_names(paths))
    if args.json:
        put({"runs": [_asked(one, args.host, known) for one in found]})
    elif not found:
        what = "no runs" if args.all else "no runs of this project"
        print(f"{what} on {args.host}; start one with: pipeline run --host {args.host}")
    else:
        _print_asked(found, known, args, project)
    return DONE


def _print_asked(
    found: list[Listed], known: set[str], args: Namespace, project: str
) -> None:
    from pipeline.pulse import size
    from pipeline.views.tame import tame

    rows = [
        (
            one.run,
            tame(one.state),
            f"{one.sealed}/{one.stages}",
            f"{tame(one.started_at)[:16].replace('T', ' ')}Z"
            if one.started_at
            else "-",
            size(one.size) if one.size >= 0 else "large",
            tame(one.project if args.all else one.name),
        )
        for one in found
    ]
    wide = [max(len(row[at]) for row in rows) for at in range(6)]
    for one, row in zip(found, rows, strict=True):
        left = "  ".join(f"{row[at]:<{wide[at]}}" for at in (0, 1))
        right = f"{row[2]:>{wide[2]}}  {row[3]:<{wide[3]}}  {row[4]:>{wide[4]}}"
        said = tame(one.error or (one.said if one.state == "waiting" else ""))
        print(f"{left}  {right}  {row[5]}{f'  ({said})' if said else ''}")
    new = [one for one in found if one.project == project and one.run not in known]
    if new:
        what = "1 of them is" if len(new) == 1 else f"{len(new)} of them are"
        print(f"{what} not known here; take one up with:")
        print(f"  pipeline adopt {new[-1].run} --host {args.host}")


def _asked(one: Listed, host: str, known: set[str]) -> Json:
    from pipeline import codec

    told = codec.encode(one)
    assert isinstance(told, dict)
    kept = {key: value for key, value in told.items() if key != "plan"}
    return {**kept, "host": host, "is_known": one.run in known}


def _sealed(state: RunState) -> int:
    return sum(bool(stage.commit) for stage in state.stages.values())


def _word(record: RunRecord, state: RunState) -> tuple[str, bool]:
    """Say how a run stands, and whether that is a guess, for nobody was asked."""
    if not state.run:
        return "not heard of", False
    if state.has_ended or record.host is not None:
        return state.word, not state.has_ended
    return state.word if runner_lives(record) else "dead", False
