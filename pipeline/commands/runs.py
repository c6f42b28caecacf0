"""List the runs that were started from here.

The latest stands last: name, host, state, how many stages are sealed, the pipeline's
name. It asks nobody: a run on a box is `running?` until an `attach` has seen more. A
run on this machine whose runner is gone is `dead`, and `resume` goes on with it.

Examples:
  pipeline runs
  pipeline runs --json | jq -r '.runs[] | select(.state == "failed").run'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.document import put
from pipeline.commands.known import runner_lives, seen, told
from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.codec import Json
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.progress import RunState


def do(args: Namespace, paths: LaptopPaths) -> int:
    """List the runs that were started from here, the latest last."""
    found = [(record, seen(record, paths)) for record in memory.read_runs(paths)]
    if args.json:
        put({"runs": [_document(record, state) for record, state in found]})
    elif not found:
        print("no runs yet; start one with: pipeline run")
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


def _sealed(state: RunState) -> int:
    return sum(bool(stage.commit) for stage in state.stages.values())


def _word(record: RunRecord, state: RunState) -> tuple[str, bool]:
    """Say how a run stands, and whether that is a guess, for nobody was asked."""
    if not state.run:
        return "not heard of", False
    if state.has_ended or record.host is not None:
        return state.word, not state.has_ended
    return state.word if runner_lives(record) else "dead", False
