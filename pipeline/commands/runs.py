"""List the runs that were started from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import files, memory
from pipeline.commands.known import local_run, seen
from pipeline.errors import DONE

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord


def do(args: Namespace, paths: LaptopPaths) -> int:  # noqa: ARG001 - a verb
    """List the runs that were started from here, the latest last."""
    records = memory.read_runs(paths)
    if not records:
        print("no runs yet; start one with: pipeline run")
    for record in records:
        state = seen(record, paths)
        sealed = sum(bool(stage.commit) for stage in state.stages.values())
        word = state.word if state.run else "not heard of"
        if state.run and not state.has_ended:
            word = _word_unasked(record, word)
        count = f"{sealed}/{len(state.stages)}"
        where = f"{record.host_name:<10}  {word:<12}"
        print(f"{record.run}  {where}  {count:>7}  {record.name}")
    return DONE


def _word_unasked(record: RunRecord, word: str) -> str:
    """Say how a run stands that told no end: of one on a box, it is only a guess."""
    if record.host is not None:
        return f"{word}?"
    return word if files.is_locked(local_run(record).runner_lock) else "dead"
