"""What code names and git ignores, and no data set covers: it will not travel to a box.

The command of each stage is read, the scripts and modules it names, and what those
import from the repository: as text, and nothing is run. Of all that looks like a path,
what lies here and is ignored by git is told of. It is a hint: a file that a script
writes itself is named too, if it was written here before.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline.frozen import dataclass
from pipeline.git import Git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.schema import Pipeline

_MOST = 5  # lines: more of them nobody reads
_MOST_FILES, _MOST_BYTES = 300, 400_000
_LONGEST = 200
_TEXT = r"""(?:"[^"\n]{1,200}"|'[^'\n]{1,200}')"""
# Texts that stand in one chain belong together: "data" / "dogs", or join("data", "x").
# What opens it is looked for where a word begins, as one of a megabyte may follow.
_CHAIN = re.compile(
    rf"(?:\b(\w{{1,9}}\(\s*))?[rf]?({_TEXT}(?:\)?\s*[/,]\s*{_TEXT})*)(\s*/)?"
)
_ONE = re.compile(_TEXT)
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import[ \t]+([^\n#]+)"
    r"|import[ \t]+([\w., \t]+))",
    re.MULTILINE,
)
_WORD = re.compile(r"[^\s'\"`;|&<>()$={},]+")
_OPENERS = (
    "open(",
    "Path(",
    "join(",
    "glob(",
    "load(",
    "listdir(",
    "walk(",
    "scandir(",
)
_OURS = ("results", "artifacts", ".pipeline", ".git")
_NEVER = frozenset({"__pycache__", ".venv", "venv", "env", "node_modules", ".DS_Store"})


@dataclass(frozen=True, slots=True)
class Overlooked:
    """A path that would not travel, and where it is named."""

    path: str
    named_in: str
    line: int

    def said(self) -> str:
        """Say so, and what to do."""
        where = f"{self.named_in}:{self.line}" if self.line else self.named_in
        return (
            f"{self.path} is named in {where}, and ignored by git: it does not travel;"
            " name it under data:, or let git track it"
        )


def notes(pipeline: Pipeline, root: Path) -> list[str]:
    """Say what would be missing on a box; a few lines at most."""
    found = overlooked(pipeline, root)
    said = [one.said() for one in found[:_MOST]]
    if len(found) > _MOST:
        said.append(f"and {len(found) - _MOST} more paths that git ignores")
    return said


def overlooked(pipeline: Pipeline, root: Path) -> list[Overlooked]:
    """Give what code names, and no box would have; shortest paths first."""
    named = _Named(root)
    for stage in pipeline.stages:
        if stage.sh:
            named.command(stage.sh, f"stage {stage.name!r}")
        else:
            named.module(stage.run)
    named.follow()
    covered = [one.path.rstrip("/") for one in pipeline.data]
    made = [out for stage in pipeline.stages for out in stage.collect]
    candidates = [
        path
        for path in named.found
        if not _is_below(path, covered) and not _is_made(path, made)
    ]
    return _outermost(_ignored(candidates, root), named.found)


class _Named:
    """The paths that code names and that lie here, with the first place of each."""

    def __init__(self, root: Path) -> None:
        self.found: dict[str, Overlooked] = {}
        self._root = os.fspath(root)
        self._files: list[str] = []
        self._is_seen: set[str] = set()

    def command(self, text: str, where: str) -> None:
        """Look at the words of a command: scripts among them are read too."""
        for match in _WORD.finditer(text):
            self._see(match[0], "", where, 0)

    def module(self, name: str, below: str = "") -> None:
        """Read a module of the repository, if it is one."""
        place = name.strip(".").replace(".", "/")
        for base in dict.fromkeys(("", f"{below}/" if below else "")):
            for path in (f"{base}{place}.py", f"{base}{place}/__init__.py"):
                if place and os.path.isfile(f"{self._root}/{path}"):  # noqa: PTH113 - hot
                    self._read(path)

    def follow(self) -> None:
        """Read what is named, and what that imports, however far."""
        for path in self._files:  # it grows while it is gone through
            if len(self._is_seen) > _MOST_FILES:
                return
            try:
                with open(f"{self._root}/{path}", encoding="utf-8") as file:  # noqa: PTH123 - hot
                    text = file.read(_MOST_BYTES)
            except (OSError, UnicodeDecodeError):
                continue
            if path.endswith(".py"):
                self._python(text, path)
            else:
                self.command(text, path)

    def _python(self, text: str, path: str) -> None:
        folder = os.path.dirname(path)  # noqa: PTH120 - a hot loop
        for match in _CHAIN.finditer(text):
            parts = [one[1:-1] for one in _ONE.findall(match[2])]
            is_path = bool(match[3]) or (match[1] or "").strip() in _OPENERS
            line = 0
            for end in range(1, len(parts) + 1):
                words = "/".join(parts[:end])
                if end == 1 and not is_path and "/" not in words and "." not in words:
                    continue
                line = line or text.count("\n", 0, match.start(2)) + 1
                self._see(words, folder, path, line)
            for one in parts[1:]:
                self._see(one, folder, path, line) if "/" in one else None
        for match in _IMPORT.finditer(text):
            for name in _modules(match):
                self.module(name, folder)

    def _see(self, word: str, folder: str, where: str, line: int) -> None:
        """Note a word that is the path of something here."""
        if len(word) > _LONGEST or "\0" in word or word.startswith(("-", "~", "http")):
            return
        for base in dict.fromkeys(("", folder)):
            path = os.path.normpath(f"{base}/{word}" if base else word)
            if path in self.found or path.startswith(("/", "..", ".pipeline")):
                continue
            first = path.partition("/")[0]
            if path == "." or first in _OURS or not _NEVER.isdisjoint(path.split("/")):
                continue
            if os.path.lexists(f"{self._root}/{path}"):
                self.found[path] = Overlooked(path, where, line)
                if path.endswith((".py", ".sh", ".bash")):
                    self._read(path)

    def _read(self, path: str) -> None:
        if path not in self._is_seen:
            self._is_seen.add(path)
            self._files.append(path)


def _modules(match: re.Match[str]) -> Iterator[str]:
    if match[3]:
        yield from (one.split()[0] for one in match[3].split(",") if one.split())
        return
    yield match[1]
    names = (
        one.split()[0] for one in match[2].strip("() \\").split(",") if one.split()
    )
    yield from (f"{match[1]}.{name}" for name in names)


def _is_below(path: str, covered: Iterable[str]) -> bool:
    """Tell whether a data set covers it, or lies inside it."""
    return any(
        path == one or path.startswith(f"{one}/") or one.startswith(f"{path}/")
        for one in covered
    )


def _is_made(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, one) or path == one.rstrip("/") for one in patterns)


def _ignored(paths: list[str], root: Path) -> list[str]:
    """Ask git which of the paths it ignores; of what it tracks, none."""
    if not paths:
        return []
    text = b"\0".join(map(os.fsencode, paths)) + b"\0"
    git = Git(root, is_git_dir=False, is_ours=False)
    said = git.ask("check-ignore", "-z", "--stdin", stdin=text)
    return [os.fsdecode(one) for one in said.out.split(b"\0") if one]


def _outermost(paths: list[str], found: dict[str, Overlooked]) -> list[Overlooked]:
    """Leave out what lies in a folder that is named itself."""
    kept: list[str] = []
    for path in sorted(paths):
        if not any(path.startswith(f"{one}/") for one in kept):
            kept.append(path)
    return [found[path] for path in kept]
