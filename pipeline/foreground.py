"""A person at work in a run's worktree, on its box: a shell there, or one command.

They see what a stage would: the folder of pipeline.yaml, the environment on, the run's
name. Nothing of the run is changed by us; what they change in the worktree is theirs.
"""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import files, schema, supervise
from pipeline.environments import environment, recipe
from pipeline.errors import HostError
from pipeline.git import Git

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.clock import Clock
    from pipeline.environments.environment import Environment
    from pipeline.layout import RunPaths
    from pipeline.schema import Resolved

_NOT_EXECUTABLE = 126
_NOT_FOUND = 127
_FIRST = "PIPELINE_BIN"
# The user's own start files come first, as they may put other programs before ours.
_BASH = f'[ -f ~/.bashrc ] && . ~/.bashrc\nPATH="${_FIRST}:$PATH"\n'
_ZSH = f'ZDOTDIR="$HOME"\n[ -f ~/.zshrc ] && . ~/.zshrc\nPATH="${_FIRST}:$PATH"\n'
_FISH = f"set -gx PATH ${_FIRST} $PATH"


def shell(paths: RunPaths, words: Sequence[str], *, umask: int, clock: Clock) -> int:
    """Open a shell in the run's worktree, or run `words` there; give its exit code."""
    plan = schema.read_plan(paths.plan.read_bytes())
    if not paths.base.is_dir():
        message = f"run {plan.run} has no worktree any more on this machine"
        raise HostError(message, hint="its seals are in git: git log " + plan.branch)
    found = stages_environment(plan, paths, clock)
    variables = {**seen_by_stages(found), "PIPELINE_RUN": plan.run}
    if words:
        return _run(words, paths, variables, umask)
    if sys.stdin.isatty():
        where = f"run {plan.run} on {plan.host}: {paths.base}"
        print(f"{where}\nenvironment {found.title}; `exit` leaves", file=sys.stderr)
    variables[_FIRST] = str(found.bin)
    return _run(_shell(paths), paths, variables, umask)


def stages_environment(plan: Resolved, paths: RunPaths, clock: Clock) -> Environment:
    """Give the environment of the run's stages; it is built if it is gone."""
    return environment.ready(
        plan.env,
        box=paths.box,
        python=sys.executable,
        read=recipe.reader(Git(paths.box.code), plan.snapshot, plan.prefix),
        base=paths.base,
        clock=clock,
        tell=lambda line: print(line, file=sys.stderr),
    )


def seen_by_stages(found: Environment) -> dict[str, str]:
    """Give the process environment as stages have it, less what is of one attempt."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return {**found.over(kept), "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "0"}


def _run(
    words: Sequence[str], paths: RunPaths, variables: dict[str, str], umask: int
) -> int:
    program = words[0]
    if "/" not in program:  # else it is meant from the folder the command starts in
        program = shutil.which(program, path=variables["PATH"]) or program
    argv = [program, *words[1:]]
    try:
        return supervise.attend(
            argv, cwd=paths.base, environment=variables, umask=umask
        )
    except FileNotFoundError:
        print(f"{words[0]!r} was not found on that machine", file=sys.stderr)
        return _NOT_FOUND
    except PermissionError:
        print(f"{words[0]!r} cannot be executed on that machine", file=sys.stderr)
        return _NOT_EXECUTABLE


def _shell(paths: RunPaths) -> list[str]:
    """Give the user's login shell, made to keep our programs first on PATH."""
    shell = os.environ.get("SHELL") or pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    if not sys.stdin.isatty():
        return [shell]
    kind = Path(shell).name
    starts = paths.root / "shell"
    starts.mkdir(exist_ok=True)
    if kind == "bash":
        files.replace_text(starts / "bashrc", _BASH)
        return [shell, "--rcfile", str(starts / "bashrc"), "-i"]
    if kind == "zsh":
        files.replace_text(starts / ".zshrc", _ZSH)
        return ["env", f"ZDOTDIR={starts}", shell, "-i"]
    if kind == "fish":
        return [shell, "-i", "-C", _FISH]
    return [shell, "-i"]
