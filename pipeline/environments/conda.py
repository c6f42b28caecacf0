"""Find an environment that conda, mamba or micromamba made, without activating it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import supervise
from pipeline.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROGRAMS = ("conda", "mamba", "micromamba")
_FOLDERS = (
    *("miniforge3", "mambaforge", "miniconda3", "anaconda3", "micromamba"),
    *("miniforge", "miniconda", "anaconda", "mamba", "conda"),
)
_ABOVE = ("~", "~/.local/share", "/opt", "/usr/local", "/opt/homebrew/Caskroom")
_ASK_S = 60.0


def find(wanted: str) -> Path:
    """Give the folder of the environment called `wanted`, or that lies there."""
    if "/" in wanted or wanted.startswith("~"):
        prefix = Path(wanted).expanduser()
        if prefix.is_absolute() and _has_python(prefix):
            return prefix
        message = (
            f"{wanted!r} is no conda environment on this machine: it has no bin/python"
        )
        raise HostError(
            message, hint="env.conda is a name, or the absolute path of one"
        )
    roots = list(dict.fromkeys(_roots()))
    known = {_name(p, roots): p for p in _known(roots)}
    if wanted not in known:
        known = {**known, **{_name(p, roots): p for p in _asked()}}
    if wanted in known:
        return known[wanted]
    if not roots and not known:
        message = f"env.conda names {wanted!r}, and this machine has no conda"
        raise HostError(message, hint="looked for conda, mamba and micromamba")
    message = f"no conda environment is called {wanted!r} on this machine"
    names = ", ".join(sorted(known)) or "none"
    hint = f"there are: {names}\nmake it first: conda create -n {wanted} python"
    raise HostError(message, hint=hint)


def _has_python(prefix: Path) -> bool:
    return os.access(prefix / "bin" / "python", os.X_OK)


def _name(prefix: Path, roots: list[Path]) -> str:
    return "base" if prefix in roots else prefix.name


def _roots() -> Iterator[Path]:
    """Give the folders conda itself is in; the user's own wish comes first."""
    for name in ("CONDA_EXE", "MAMBA_EXE"):
        if exe := os.environ.get(name):
            yield Path(exe).parent.parent
    if root := os.environ.get("MAMBA_ROOT_PREFIX"):
        yield Path(root)
    if exe := shutil.which("conda"):
        yield Path(exe).resolve().parent.parent
    for above in _ABOVE:
        for folder in _FOLDERS:
            place = Path(above, folder).expanduser()
            if (place / "conda-meta").is_dir() or (place / "envs").is_dir():
                yield place


def _known(roots: list[Path]) -> Iterator[Path]:
    """Give the environments found by looking; of one name, the last one counts."""
    found = [*_noted()]
    for place in _env_folders(roots):
        with contextlib.suppress(OSError):
            found += sorted(place.iterdir())
    yield from (
        prefix for prefix in [*reversed(found), *reversed(roots)] if _has_python(prefix)
    )


def _env_folders(roots: list[Path]) -> Iterator[Path]:
    for name in ("CONDA_ENVS_DIRS", "CONDA_ENVS_PATH"):
        for place in filter(None, os.environ.get(name, "").split(os.pathsep)):
            yield Path(place)
    yield from (root / "envs" for root in roots)
    yield Path.home() / ".conda" / "envs"


def _noted() -> Iterator[Path]:
    """Give what conda noted in the home: each environment it ever made, by its path."""
    with contextlib.suppress(OSError):
        text = Path.home().joinpath(".conda", "environments.txt").read_text("utf-8")
        yield from (Path(line.strip()) for line in text.splitlines() if line.strip())


def _asked() -> Iterator[Path]:
    """Ask conda itself, which takes its time and knows every setting."""
    for program in _PROGRAMS:
        said = supervise.listen((program, "env", "list", "--json"), timeout_s=_ASK_S)
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            for place in json.loads(said).get("envs", ()):
                if _has_python(Path(place)):
                    yield Path(place)
