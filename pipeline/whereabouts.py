"""Where we lie on the box: this very .pyz, the folder of its project, its runs.

A name of a run comes from a command line, and is checked before it becomes a path.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath

from pipeline import schema
from pipeline.errors import HostError
from pipeline.layout import PLAN, BoxPaths, RunPaths, is_safe_name

# Said by a relative path from the home, which is left when a runner is detached.
PYZ = Path(sys.argv[0]).absolute()


def project() -> BoxPaths:
    """Find the project's folder: this file lies in its runner/."""
    return BoxPaths(PYZ.parent.parent)


def self_argv() -> tuple[str, ...]:
    """Give how this program is started once more."""
    # Nothing but the standard library is needed, so nothing else is looked for: that
    # halves the start. A child, which needs all there is, is started without these.
    return (sys.executable, "-I", "-S", str(PYZ))


def run_folder(run: str) -> Path:
    """Give the folder of a run that is there, whatever version began it."""
    if not is_safe_name(run):
        message = f"{run!r} cannot be the name of a run"
        raise HostError(message)
    folder = project().run(run)
    if not (folder / PLAN).exists():
        message = f"run {run!r} is not on this box"
        raise HostError(message, hint="see which runs are known: pipeline runs")
    return folder


def run_paths(run: str) -> RunPaths:
    """Give the paths of a run that is there."""
    folder = run_folder(run)
    try:
        plan = schema.read_plan((folder / PLAN).read_bytes())
    except HostError as error:
        raise HostError(f"run {run!r}: {error.message}", hint=error.hint) from error
    return RunPaths(folder, PurePosixPath(plan.prefix))


def go_on_as_begun(verb: str, run: str, *, umask: int) -> None:
    """Become the program that began the run, where that is another and still here.

    A run is one code, and that is the runner's too: what its seals mean was settled by
    the version that made the first of them. Where that is gone, ours goes on, if it
    knows the plan's format.
    """
    try:
        program = RunPaths(run_folder(run), PurePosixPath()).program
        name = program.read_text("utf-8", "replace").strip()
    except OSError:
        return  # begun before this was written down
    # After a power cut it may be an empty file, of which nothing can be said.
    if name == PYZ.name or not is_safe_name(name):
        return
    theirs = PYZ.with_name(name)
    if not theirs.exists():
        return
    os.umask(umask)
    argv = (sys.executable, "-I", "-S", str(theirs), verb, run)
    os.execv(sys.executable, argv)  # noqa: S606 - no shell is meant
