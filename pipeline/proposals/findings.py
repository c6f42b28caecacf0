"""What a repository seems to hold that a pipeline could run.

Nothing is run or imported. Only names, and the texts of scripts, notebooks and lists of
requirements, are looked at; of a large repository the files nearest to its root.
"""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.errors import SpecError
from pipeline.frozen import dataclass
from pipeline.git import Git, zsplit
from pipeline.proposals.script import MOST_BYTES, Script, read_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_MOST_READ = 400  # Python files; a pipeline is not found in the depths
_ASIDE = re.compile(
    r"(^|/)(\.[^/]+|tests?|docs?|third_party|vendor|node_modules|build|dist|site-packages"
    r"|results|artifacts)/"
)
_NO_PROGRAM = frozenset(
    {"setup", "conftest", "noxfile", "tasks", "versioneer", "manage", "__init__"}
)
_DATA = re.compile(
    r"(raw_?|my_?)?(data|datasets?|corpus|corpora|inputs?)", re.IGNORECASE
)
_OTHERS = {
    "dvc.yaml": "DVC stages",
    "Snakefile": "a Snakemake workflow",
    "workflow/Snakefile": "a Snakemake workflow",
    "MLproject": "an MLflow project",
    "dodo.py": "doit tasks",
    "nextflow.config": "a Nextflow workflow",
    "justfile": "a justfile",
}
_VENVS = (".venv", "venv", "env")
_TARGET = re.compile(r"^([A-Za-z0-9][\w.-]*)\s*:(?!=)", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was found below one folder; all paths begin there."""

    name: str
    files: frozenset[str]
    has_commits: bool
    scripts: dict[str, Script] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    notebooks: dict[str, Script] = field(default_factory=dict)
    shells: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    tests: str = ""
    has_pytest: bool = False
    data: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    required: frozenset[str] = frozenset()
    venv: str = ""
    conda: str = ""
    locks: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)


def look(folder: Path) -> Findings:
    """Look at what lies in `folder` of a git repository."""
    git = Git(folder, is_git_dir=False, is_ours=False)
    if git.ask("rev-parse", "--is-inside-work-tree").out.strip() != b"true":
        message = f"{folder} is in no git repository"
        hint = "make one first: git init; every run begins with a snapshot of the code"
        raise SpecError(message, hint=hint)
    names = git.out("ls-files", "-z", "-c", "-o", "--exclude-standard")
    lying = {name for name in zsplit(names) if (folder / name).is_file()}
    # YAML and command lines are text; a name that is none can stand in neither.
    files = {name for name in lying if name.isprintable()}
    found = Findings(
        name=folder.resolve().name,
        files=frozenset(files),
        has_commits=bool(git.resolve("HEAD")),
    )
    tracked = {name.partition("/")[0] for name in zsplit(git.out("ls-files", "-z"))}
    found.taken = [name for name in ("results", "artifacts") if name in tracked]
    _look_at_python(found, folder)
    _look_at_configs(found, folder)
    _look_at_notebooks(found, folder)
    _look_at_commands(found, folder)
    _look_at_environment(found, folder)
    _look_at_ignored(found, folder, git)
    found.others = [
        f"{name} ({what})" for name, what in _OTHERS.items() if name in files
    ]
    return found


def _nearest(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name.count("/"), name))


def text_of(path: Path) -> str:
    """Read a text; what is too large, gone or closed is as good as empty."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _look_at_python(found: Findings, folder: Path) -> None:
    python = [name for name in found.files if name.endswith(".py")]
    aside = [name for name in python if _ASIDE.search(name)]
    tests = [n for n in aside if re.search(r"(^|/)test_[^/]*\.py$|_test\.py$", n)]
    if tests:
        found.tests = _nearest(tests)[0].partition("/")[0]
    for name in _nearest(set(python) - set(aside))[:_MOST_READ]:
        source = text_of(folder / name)
        if source and (script := read_script(name, source)):
            found.scripts[name] = script
            found.sources[name] = source


def _look_at_configs(found: Findings, folder: Path) -> None:
    names = [n for n in found.files if n.endswith((".yaml", ".yml"))]
    for name in _nearest(n for n in names if not _ASIDE.search(n))[:_MOST_READ]:
        found.sources[name] = text_of(folder / name)


def programs(found: Findings) -> Iterator[Script]:
    """Give the scripts that are meant to be started."""
    for script in found.scripts.values():
        if PurePosixPath(script.path).stem not in _NO_PROGRAM and script.is_program:
            yield script


def _look_at_notebooks(found: Findings, folder: Path) -> None:
    names = [n for n in found.files if n.endswith(".ipynb") and not _ASIDE.search(n)]
    for name in _nearest(names)[:_MOST_READ]:
        source = _cells(text_of(folder / name))
        found.notebooks[name] = read_script(name, source) or Script(path=name)
        found.sources[name] = source


def _cells(text: str) -> str:
    """Give the code of a notebook, without the lines that are for its shell."""
    try:
        cells = json.loads(text)["cells"]
        code = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    lines = "\n".join(code).splitlines()
    return "\n".join("" if line.lstrip()[:1] in "%!" else line for line in lines)


def _look_at_commands(found: Findings, folder: Path) -> None:
    shells = [n for n in found.files if n.endswith((".sh", ".bash"))]
    found.shells = _nearest(n for n in shells if not _ASIDE.search(n))
    for name in ("Makefile", "makefile", "GNUmakefile"):
        if name in found.files:
            found.targets = list(dict.fromkeys(_TARGET.findall(text_of(folder / name))))
            break


def _look_at_environment(found: Findings, folder: Path) -> None:
    found.venv = next(
        (v for v in _VENVS if (folder / v / "bin" / "python").exists()), ""
    )
    lists = [
        n for n in found.files if re.fullmatch(r"requirements[^/]*\.(txt|lock)", n)
    ]
    texts = [text_of(folder / name) for name in lists]
    also = ("pyproject.toml", "environment.yml", "environment.yaml")
    texts += [text_of(folder / name) for name in also if name in found.files]
    own = not found.venv and importlib.util.find_spec("pytest") is not None
    there = (folder / found.venv).glob("lib/python*/site-packages/pytest")
    found.has_pytest = own or (bool(found.venv) and any(there))
    found.required = frozenset(
        word.lower() for text in texts for word in re.findall(r"[A-Za-z][\w-]+", text)
    )
    whole = [n for n in ("uv.lock", "pylock.toml") if n in found.files]
    found.locks = [*whole, *sorted(lists, key=lambda n: (".lock" not in n, len(n), n))]
    for name in also[1:]:
        if name in found.files:
            said = re.search(
                r"^name:\s*([\w.-]+)", text_of(folder / name), re.MULTILINE
            )
            found.conda = said[1] if said else ""


def _look_at_ignored(found: Findings, folder: Path, git: Git) -> None:
    asked = ("ls-files", "-z", "-o", "-i", "--exclude-standard", "--directory")
    lying = [name.rstrip("/") for name in zsplit(git.out(*asked)) if name.endswith("/")]
    found.data = [n for n in lying if _DATA.fullmatch(PurePosixPath(n).name)]
    for line in text_of(folder / ".gitignore").splitlines():
        name = line.strip().strip("/")
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)*", name) and not name.startswith("."):
            found.ignored.append(name)
