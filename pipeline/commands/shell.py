"""Open a shell where a run's stages run: its worktree, on its host, environment on.

With CMD, run that there instead, and end in its exit code. RUN may also be a host, for
the newest run there. The command is given word by word: no shell reads it.

With --forward, a port of the host can be reached from here, as long as the shell or the
command runs; where there is neither, until ^C. It is for this machine alone.

Examples:
  pipeline shell gpu
  pipeline shell latest nvidia-smi
  pipeline shell --forward 6006 latest tensorboard --logdir artifacts
  pipeline shell --forward 8889:8888 gpu     8888 there, 8889 here
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.known import far_of
from pipeline.errors import SpecError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord

_FORWARD = "--forward"


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Open the shell or run the command; give its exit code."""
    from remote.forward import read_port
    from remote.terminal import hand_over, hold_open

    forward, words = _with_those_behind(args.forward, args.words)
    ports = [read_port(text) for text in forward]
    record = _record(args.where, paths)
    far = far_of(record)
    far.visit(record.run)
    if ports and not words and not sys.stdin.isatty():
        return hold_open(record.host, ports, _say)
    argv = far.attended("shell", record.run, *words)
    return hand_over(record.host, argv, ports=ports, say=_say)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _with_those_behind(
    forward: list[str], words: list[str]
) -> tuple[list[str], list[str]]:
    """Take what stands behind the run's name and before the command as meant for us."""
    found, rest = list(forward), list(words)
    while rest and rest[0].partition("=")[0] == _FORWARD:
        said, equals, port = rest.pop(0).partition("=")
        if not equals and not rest:
            raise SpecError(f"pipeline shell: {said} needs a port", hint="such as 6006")
        found.append(port if equals else rest.pop(0))
    return found, rest[1:] if rest[:1] == ["--"] else rest


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
