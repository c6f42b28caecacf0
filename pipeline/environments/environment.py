"""What a declared `env` is on this box: found, or built.

ready    find it, or build it (and tell while it is built)
look     what is known of it now, without building: None when it must be built first

none said    the Python of the runner
python       that Python, as it is
conda        an environment conda made, found without activating it
lock         a venv with what the file says, by uv where there is one, else by pip
setup        a fresh venv, in which the commands were run
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Container, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.environments import packages
from pipeline.environments.packages import Installed
from pipeline.errors import HostError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from pipeline.clock import Clock
    from pipeline.environments.recipe import Read, Recipe
    from pipeline.layout import BoxPaths
    from pipeline.schema import Env


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment that is there: how to start in it, and what it has.

    title: what messages call it. name: its folder in envs/, when we built it. asked:
    what went into it that its packages do not tell, by name.
    """

    kind: str
    title: str
    python: str
    installed: Installed
    name: str = ""
    asked: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        """The folder of its programs, which comes first on PATH."""
        return Path(self.python).parent

    @property
    def packages(self) -> Mapping[str, str]:
        """The version of each package."""
        return self.installed.packages

    def over(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Give a process environment in which this one is on."""
        path = environment.get("PATH", os.defpath)
        kept = _without_others(self.kind, environment)
        return {**kept, **self.variables, "PATH": f"{self.bin}{os.pathsep}{path}"}

    def identity(self) -> dict[str, Any]:
        """Give all that is known to shape what runs in it, as plain JSON.

        No time and no place is in it. Two with the same identity are the same.
        """
        probed = self.installed.probed
        parts = {
            "python": f"{probed.implementation} {probed.version}",
            "platform": probed.platform,
            "packages": dict(self.packages),
            "contents": self.installed.contents,
            "sources": self.installed.source_digests(),
            "conda": dict(self.installed.conda),
            "asked": dict(self.asked),
        }
        return {name: part for name, part in parts.items() if part}

    def record(self) -> dict[str, Any]:
        """Give what results/environment.json says: the identity and how it was had."""
        return {"kind": self.kind or "runner", "title": self.title, **self.identity()}

    def freeze(self) -> str:
        """List its packages as pip does; where one came from is a remark."""
        lines = []
        for one in self.installed.distributions:
            remarks = ["editable"] if one.editable else []
            remarks += [f"from {one.origin}"] if one.origin else []
            tail = f"  # {', '.join(remarks)}" if remarks else ""
            lines.append(f"{one.name}=={one.version}{tail}\n")
        return "".join(lines)


def seen_by_module(
    identity: Mapping[str, Any], modules: Container[str]
) -> Mapping[str, Any]:
    """Give the identity as a module stage sees it, less sources it can never read.

    modules: the first names of modules that lie in the worktree where such a stage
    looks first. An editable install of the same name is not reached: an edit in the
    user's own checkout changes nothing for it.
    """
    sources = identity.get("sources", {})
    kept = {k: v for k, v in sources.items() if k.partition(" ")[0] not in modules}
    less = {k: v for k, v in identity.items() if k != "sources"}
    return {**less, "sources": kept} if kept else less


# Of an environment that is on where the runner was started from; ours takes its place.
_OTHERS = ("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "CONDA_PREFIX", "CONDA_DEFAULT_ENV")
_OF_ONE_PYTHON = ("PYTHONHOME", "__PYVENV_LAUNCHER__")


def _without_others(kind: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what is said for another environment than one of this kind."""
    others = {*_OTHERS, *(_OF_ONE_PYTHON if kind not in ("", "python") else ())}
    return {k: v for k, v in environment.items() if k not in others}


def ready(
    env: Env,
    *,
    box: BoxPaths,
    python: str,
    read: Read,
    base: Path,
    clock: Clock,
    tell: Callable[[str], None] = lambda _: None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Environment:
    """Give the environment, built first if need be.

    box: the project's folder. python: the runner's own. read: gives a file of the
    snapshot by its path from the folder of pipeline.yaml, and the tree's name of a
    folder (see `recipe.reader`). base: that folder in the worktree, where commands run.
    """
    place = _Place(box, base, clock)
    if env.kind not in ("lock", "setup"):
        return _found(env, python, place)
    from pipeline.environments import building, recipe

    plan = recipe.read_recipe(env, place.look(python, _bare()), read)
    venv = place.built(plan.name)
    if venv is None:
        recipe.check_worktree(plan, read, base)
        site = building.Site(
            envs=box.envs, clock=clock, tell=tell, is_stopping=is_stopping
        )
        work = recipe.work(plan, base, lambda venv: _check_apart(venv, box, place))
        venv = building.build(work, site)
    return _made(env, plan, venv, place)


def look(
    env: Env, *, box: BoxPaths, python: str, read: Read, base: Path, clock: Clock
) -> Environment | None:
    """Give what is known of the environment now; None when it is to be built first.

    base: any folder will do here that the stages' Python may be asked in.
    """
    place = _Place(box, base, clock)
    if env.kind not in ("lock", "setup"):
        return _found(env, python, place)
    from pipeline.environments import recipe

    plan = recipe.read_recipe(env, place.look(python, _bare()), read)
    venv = place.built(plan.name)
    return _made(env, plan, venv, place) if venv else None


def title(env: Env) -> str:
    """Say what messages call it."""
    if env.kind == "setup":
        return "made by env.setup"
    return env.lock or env.conda or env.python or "of the runner"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where it is looked for."""

    box: BoxPaths
    base: Path
    clock: Clock

    def built(self, name: str) -> Path | None:
        """Give the venv that was built under `name`, if it is there."""
        from pipeline.environments import building

        return building.built(self.box.envs, name)

    def look(self, python: str, environment: Mapping[str, str]) -> Installed:
        return packages.look(
            python,
            cache=self.box.cache / "pythons",
            environment=environment,
            clock=self.clock,
        )


def _bare() -> dict[str, str]:
    from pipeline.environments import recipe

    return recipe.bare_environment(os.environ)


def _found(env: Env, python: str, place: _Place) -> Environment:
    """Find what somebody else made."""
    variables: dict[str, str] = {}
    if env.kind == "conda":
        from pipeline.environments import conda

        prefix = conda.find(env.conda)
        start = str(prefix / "bin" / "python")
        variables = {"CONDA_PREFIX": str(prefix), "CONDA_DEFAULT_ENV": prefix.name}
    else:
        start = _program(env.python or python, place.base)
    installed = place.look(start, _without_others(env.kind, os.environ))
    prefix_cfg = Path(installed.probed.prefix, "pyvenv.cfg")
    if env.kind != "conda" and prefix_cfg.exists():
        variables = {"VIRTUAL_ENV": installed.probed.prefix}
    return Environment(
        kind=env.kind,
        title=title(env),
        python=start,
        installed=installed,
        variables=variables,
    )


def _check_apart(venv: Path, box: BoxPaths, place: _Place) -> None:
    """Refuse an environment that reads the sources of one run: others will share it."""
    python = str(venv / "bin" / "python")
    runs = os.path.realpath(box.runs)
    for source in place.look(python, _bare()).sources:
        if os.path.realpath(source).startswith(runs + os.sep):
            message = "env.setup installs the worktree of one run as editable (-e)"
            hint = "all runs share what it makes: install it without -e"
            raise HostError(message, hint=hint)


def _program(python: str, base: Path) -> str:
    """Give the absolute path of a Python: by name, by path, or behind a script."""
    found = shutil.which(str(Path(python).expanduser()))
    if found is None:
        message = f"this machine has no {python!r}"
        raise HostError(message, hint="name another Python: env: {python: PATH}")
    path = os.path.abspath(found)  # noqa: PTH100 - a venv's Python stays a link
    with contextlib.suppress(OSError), open(path, "rb") as file:  # noqa: PTH123 - two bytes
        if file.read(2) == b"#!":
            # A shim picks its Python by the folder it is started in: that one is meant.
            return packages.executable(path, base)
    return path


def _made(env: Env, plan: Recipe, venv: Path, place: _Place) -> Environment:
    variables = {"VIRTUAL_ENV": str(venv)}
    python = str(venv / "bin" / "python")
    installed = place.look(python, _without_others(env.kind, os.environ))
    # The digests of what was installed say all, where its installers noted them.
    is_told = env.lock and all(one.content for one in installed.distributions)
    return Environment(
        kind=env.kind,
        title=title(env),
        python=python,
        installed=installed,
        name=plan.name,
        asked={} if is_told else plan.asked,
        variables=variables,
    )
