"""What an environment is made of, and by which commands: known before it is built.

Its name is a digest of all that goes in: the lock file or the commands, whatever of the
snapshot they name, and the kind of Python. Where a name is the same, nothing is built.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import posixpath
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import codec
from pipeline.environments.building import Work
from pipeline.errors import HostError, SpecError
from pipeline.frozen import dataclass
from pipeline.git import tree_entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.environments.packages import Installed
    from pipeline.git import Git
    from pipeline.schema import Env

_FORMAT = 1
# The first that installs into a venv without a pip of its own.
_PIP_FOR_OTHERS = (22, 3)
_WORD = re.compile(r"[^\s'\"=;|&()<>$`{}]+")
_NESTED = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]*(?P<path>\S+)")
_EDITABLE = re.compile(r"^\s*(?:-e|--editable)[\s=]*(?P<path>(?!git\+|\w+:)\S+)")
# What would send an installer elsewhere than into the venv. Index and network settings
# are the user's own, and stay.
_BENDS = re.compile(
    r"PYTHON.*|GIT_.*|VIRTUAL_ENV.*|CONDA_(?:PREFIX|DEFAULT_ENV)|__PYVENV_LAUNCHER__"
    r"|PIP_(?:TARGET|PREFIX|ROOT|USER|PYTHON|REQUIREMENT|CONSTRAINT|REQUIRE_VIRTUALENV"
    r"|DRY_RUN|NO_DEPS|EDITABLE|LOG)"
    r"|UV_(?:PYTHON|PROJECT.*|SYSTEM_PYTHON|TARGET|PREFIX|CONSTRAINT|OVERRIDE|WORKING_.*)"
)
_QUIET = {
    "PIP_USER": "0",
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_PROGRESS_BAR": "off",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUNBUFFERED": "1",
}

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an environment is made.

    parts: the files of the snapshot that go in, by path, each with its digest; folders
    with their tree. read: those of them whose text was read here.
    """

    env: Env
    name: str
    title: str
    python: str
    base: Installed
    parts: Mapping[str, str]
    read: tuple[str, ...] = ()

    @property
    def asked(self) -> dict[str, str]:
        """Name what goes in that the list of packages would not tell."""
        local = {k: v for k, v in self.parts.items() if k not in self.read}
        if self.env.setup:
            return {"setup": self.name}
        return local


def read_recipe(env: Env, base: Installed, read: Read) -> Recipe:
    """Find all that goes into the environment; `base` is the Python it is made by."""
    if env.kind == "lock":
        parts, texts = _of_lock(env.lock, read)
        title = env.lock
    else:
        parts, texts = _of_commands(env.setup, read), ()
        title = "of env.setup"
    probed = base.probed
    python = [probed.implementation, probed.version, probed.platform]
    whole = {"format": _FORMAT, "kind": env.kind, "parts": parts, "python": python}
    whole["setup"] = env.setup
    return Recipe(
        env=env,
        name=hashlib.sha256(codec.dumps(whole).encode()).hexdigest()[:16],
        title=title,
        python=probed.executable,
        base=base,
        parts=parts,
        read=texts,
    )


def _of_lock(lock: str, read: Read) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read the lock file, the files it names by -r and -c, and theirs."""
    parts: dict[str, str] = {}
    texts: list[str] = []
    waiting = [(lock, "pipeline.yaml: env.lock")]
    while waiting:
        path, by = waiting.pop(0)
        if path in texts:
            continue
        data = read(path)
        if data is None:
            message = f"{by} names {path}, which is not in the snapshot"
            raise SpecError(message, hint="is it there, and not ignored by git?")
        texts.append(path)
        parts[path] = hashlib.sha256(data).hexdigest()
        for number, line in enumerate(_text(data).splitlines(), 1):
            place = f"{path}:{number}"
            _refuse_editable(line, place)
            if (nested := _NESTED.match(line)) and "://" not in nested["path"]:
                waiting.append((_beside(path, nested["path"]), place))
            else:
                parts.update(_local(line, posixpath.dirname(path), read))
    return parts, tuple(texts)


def _text(data: bytes) -> str:
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if is_wide else "utf-8-sig", "replace")


def _beside(path: str, named: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), named))


def _refuse_editable(line: str, place: str) -> None:
    if found := _EDITABLE.match(line):
        what = found["path"]
        message = f"{place}: -e {what} would tie all runs to the folder of one of them"
        raise SpecError(message, hint=f"write it without -e: {what}")


def _local(line: str, folder: str, read: Read) -> dict[str, str]:
    """Find what of the snapshot a line of a lock file names: wheels, folders."""
    found = {}
    for word in line.partition(" #")[0].split():
        path = word.partition("=")[2] if word.startswith("--") else word
        path = path.removeprefix("file:").partition("[")[0]
        if path.startswith(".") or ("/" in path and "://" not in path):
            for place in {posixpath.join(folder, path), path}:
                found.update(_named(place, read))
    return found


def _of_commands(commands: Sequence[str], read: Read) -> dict[str, str]:
    found: dict[str, str] = {}
    for command in commands:
        for word in _WORD.findall(command):
            found.update(_named(word, read))
    return found


def _named(word: str, read: Read) -> dict[str, str]:
    path = posixpath.normpath(word)
    if path.startswith("/") or (data := read(path)) is None:
        return {}
    return {path: hashlib.sha256(data).hexdigest()}


def check_worktree(recipe: Recipe, read: Read, base: Path) -> None:
    """Refuse when the worktree, which installers read, is not the snapshot any more."""
    for path in recipe.read:
        try:
            now = (base / path).read_bytes()
        except OSError:
            now = None
        if now != read(path):
            message = (
                f"{path} in the worktree of this run was changed by one of its stages"
            )
            raise HostError(message, hint="start a new run: pipeline run")


def bare_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the environment without what would bend an installer."""
    kept = {k: v for k, v in environment.items() if not _BENDS.fullmatch(k)}
    return {**kept, **_QUIET}


def work(recipe: Recipe, base: Path, check: Callable[[Path], None]) -> Work:
    """Say what there is to do to build it; `check` has the last word on what came."""

    def commands(venv: Path) -> Iterable[Sequence[str]]:
        return _by_lock(recipe, venv) if recipe.env.lock else _by_setup(recipe, venv)

    def environment(venv: Path) -> dict[str, str]:
        bare = bare_environment(os.environ)
        path = f"{venv / 'bin'}{os.pathsep}{bare.get('PATH', os.defpath)}"
        return {**bare, "VIRTUAL_ENV": str(venv), "PATH": path}

    return Work(
        name=recipe.name,
        title=recipe.title,
        commands=commands,
        cwd=base,
        environment=environment,
        check=check,
    )


def _by_lock(recipe: Recipe, venv: Path) -> Iterator[Sequence[str]]:
    """Make a venv with what the lock file says, and nothing else: not even a pip."""
    python, inside, lock = recipe.python, str(venv / "bin" / "python"), recipe.env.lock
    if uv := _uv():
        yield (uv, "venv", "--python", python, str(venv))
        yield (uv, "pip", "install", "--python", inside, "-r", lock)
        return
    # Isolated: a logging.py of the user's, right here, must not stand in for Python's.
    yield (python, "-I", "-m", "venv", "--without-pip", str(venv))
    if _pip_version(recipe.base) >= _PIP_FOR_OTHERS:
        yield (python, "-I", "-m", "pip", "--python", inside, "install", "-r", lock)
        return
    yield (inside, "-I", "-m", "ensurepip")
    yield (inside, "-I", "-m", "pip", "install", "-r", lock)


def _by_setup(recipe: Recipe, venv: Path) -> Iterator[Sequence[str]]:
    """Make a venv with a pip, and run the user's commands in it."""
    python = recipe.python
    has_pip = any(Path(p, "ensurepip").is_dir() for p in recipe.base.probed.library)
    if not has_pip and (uv := _uv()):
        yield (uv, "venv", "--python", python, str(venv))
    else:
        yield (python, "-I", "-m", "venv", str(venv))
    for command in recipe.env.setup:
        yield ("sh", "-e", "-c", command)


def _uv() -> str | None:
    """Find uv; its own installer puts it where an ssh command's PATH does not look."""
    return shutil.which("uv") or shutil.which(str(Path.home() / ".local/bin/uv"))


def _pip_version(base: Installed) -> tuple[int, ...]:
    numbers = re.findall(r"\d+", base.packages.get("pip", ""))
    return tuple(map(int, numbers[:2]))


def reader(repository: Git, commit: str, prefix: str) -> Read:
    """Read a snapshot by paths from the folder of pipeline.yaml, which is `prefix`."""
    names: dict[str, tuple[str, str]] = {}

    def read(path: str) -> bytes | None:
        if not names:
            names.update(_listing(repository, commit))
        full = posixpath.normpath(posixpath.join(prefix, path))
        kind, oid = names.get(full, ("", ""))
        if kind == "blob":
            return repository.out("cat-file", "blob", oid)
        return oid.encode() or None

    return read


def _listing(repository: Git, commit: str) -> Iterator[tuple[str, tuple[str, str]]]:
    tree = repository.text("rev-parse", f"{commit}^{{tree}}")
    yield ".", ("tree", tree)
    listing = repository.out("ls-tree", "-r", "-t", "-z", commit)
    for path, one in tree_entries(listing):
        yield path, (one.kind, one.name)
