"""Open a shell where a run's stages run: its worktree, on its host, environment on.

With CMD, run that there instead, and end in its exit code. RUN may also be a host, for
the newest run there. The command is given word by word: no shell reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.known import far_of
from pipeline.errors import SpecError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Open the shell or run the command; give its exit code."""
    from remote.terminal import hand_over

    record = _record(args.where, paths)
    far = far_of(record)
    far.visit(record.run)
    words = args.words[1:] if args.words[:1] == ["--"] else args.words
    return hand_over(record.host, far.attended("shell", record.run, *words))


def _record(where: str, paths: LaptopPaths) -> RunRecord:
    """Find the run that is named, or the newest of the host that is."""
    there = [run for run in memory.read_runs(paths) if run.host_name == where]
    if there:
        return there[-1]
    try:
        return memory.find_run(paths, where)
    except SpecError:
        if where not in _hosts(paths):
            raise
    message = f"no run is known on host {where!r}"
    raise SpecError(message, hint=f"start one with: pipeline run --host {where}")


def _hosts(paths: LaptopPaths) -> list[str]:
    """Name the hosts of pipeline.yaml, which may be wrong just now."""
    from pipeline.reading import spec

    try:
        return ["local", *(host.name for host in spec.load(paths.pipeline_file).hosts)]
    except SpecError:
        return []
