"""The modules of stages as their sources say them, read and never imported.

Importing one could take a minute and a GPU. What cannot be told from the source alone
(a name made by a call, an import from outside of the repository) is unclear, and is
left to the child that runs the stage.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeGuard

from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_MOST_BYTES = 2_000_000
_MOST_NAMED = 2000
_SKIPPED_TESTS = ("TYPE_CHECKING", "__name__")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Unclear:
    """What a source does not say by itself."""


UNCLEAR = Unclear()


class NotPython(Exception):
    """A file that cannot be read as Python, and where."""

    def __init__(self, line: int, column: int, why: str) -> None:
        """Say why, at its place."""
        super().__init__(why)
        self.line, self.column, self.why = line, column, why


class Place(NamedTuple):
    """Where a module is: a file, or nowhere in a package that is here, or elsewhere."""

    kind: Literal["file", "missing", "elsewhere"]
    folder: Path = Path()
    path: Path = Path()


@dataclass(frozen=True, slots=True)
class Source:
    """One module: its names, each with the statement that binds it last."""

    name: str
    path: Path
    is_package: bool
    names: Mapping[str, ast.stmt | Unclear]
    is_open: bool  # it may hold names that are not written in it

    def get(self, name: str) -> ast.stmt | Unclear | None:
        """Give what binds `name`; nothing if nothing does."""
        return self.names.get(name, UNCLEAR if self.is_open else None)


class Bound(NamedTuple):
    """A statement that binds a name, and the source it stands in."""

    node: ast.stmt
    source: Source


@dataclass(slots=True)
class Library:
    """The sources of a repository, each read once."""

    folders: Sequence[Path]
    _known: dict[str, Source | NotPython | Unclear] = field(default_factory=dict)
    _places: dict[str, Place] = field(default_factory=dict)

    def find(self, name: str) -> Place:
        """Look for a module as Python would, in the folders alone."""
        if name not in self._places:
            parts = name.split(".")
            here = (f for f in self.folders if _is_here(f, parts[0]))
            folder = next(here, None)
            place = _walk(folder, parts) if folder else Place("elsewhere")
            self._places[name] = place
        return self._places[name]

    def source(self, name: str) -> Source | Unclear:
        """Read a module of the repository, or raise NotPython."""
        if name not in self._known:
            place = self.find(name)
            try:
                here = place.kind == "file"
                self._known[name] = _read(name, place.path) if here else UNCLEAR
            except NotPython as error:
                self._known[name] = error
        known = self._known[name]
        if isinstance(known, NotPython):
            raise known
        return known

    def bound(self, source: Source, name: str, hops: int = 4) -> Bound | Unclear | None:
        """Find what binds `name`, through imports from other modules of here."""
        node = source.get(name)
        if node is None or isinstance(node, Unclear):
            return node
        if not isinstance(node, ast.ImportFrom):
            return Bound(node, source)
        original = next(a.name for a in node.names if (a.asname or a.name) == name)
        try:
            other = self.source(_absolute(node, source)) if hops else UNCLEAR
        except NotPython:
            return UNCLEAR
        if isinstance(other, Unclear):
            return UNCLEAR
        return self.bound(other, original, hops - 1) or UNCLEAR

    def modules_like(self, name: str) -> Iterator[str]:
        """Name the modules of the package that `name` begins with."""
        package = name.partition(".")[0]
        for folder in self.folders:
            for count, path in enumerate((folder / package).rglob("*.py")):
                if count > _MOST_NAMED:
                    return
                parts = path.relative_to(folder).with_suffix("").parts
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def folders(start: Path) -> tuple[Path, ...]:
    """Give where the modules of stages may lie: beside the file, or at the root."""
    start = start.absolute()
    above = (folder for folder in (start, *start.parents) if (folder / ".git").exists())
    return tuple(dict.fromkeys([start, next(above, start)]))


def _is_here(folder: Path, name: str) -> bool:
    """Tell whether a package or module of this name is surely that of the folder."""
    package = folder / name
    if (package / "__init__.py").is_file() or (folder / f"{name}.py").is_file():
        return True
    # Any folder may be imported, but an installed package of that name comes before it.
    holds_code = any(package.glob("*.py")) or any(package.glob("*/__init__.py"))
    return holds_code and not (package / name).is_dir()


def _walk(folder: Path, parts: Sequence[str]) -> Place:
    inner = folder.joinpath(*parts[:-1])
    last = parts[-1]
    for path in (inner / last / "__init__.py", inner / f"{last}.py"):
        if path.is_file():
            return Place("file", folder, path)
    # Built from another language: it says nothing that could be read here.
    is_built = any(inner.glob(f"{last}.*so")) or any(inner.glob(f"{last}.*pyd"))
    return Place("elsewhere" if is_built else "missing", folder)


def _read(name: str, path: Path) -> Source | Unclear:
    text = path.read_bytes()
    if len(text) > _MOST_BYTES:
        return UNCLEAR
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        raise NotPython(error.lineno or 1, error.offset or 1, error.msg) from error
    except (ValueError, RecursionError, MemoryError) as error:
        why = str(error) or "it is nested too deep"
        raise NotPython(1, 1, why) from error
    names: dict[str, ast.stmt | Unclear] = {}
    is_open = _bind(tree.body, names, is_sure=True) or "__getattr__" in names
    return Source(name, path, path.name == "__init__.py", names, is_open)


def _bind(
    body: Iterable[ast.stmt], names: dict[str, ast.stmt | Unclear], *, is_sure: bool
) -> bool:
    """Note what each statement binds; tell whether one may bind anything at all."""
    is_open = False
    for node in body:
        if not isinstance(node, _DEFINITIONS):
            inner = node.orelse if _is_skipped(node) else _inner(node)
            is_open |= _bind(inner, names, is_sure=False)
        for name in _targets(node):
            is_open |= name == "*"
            names[name] = node if is_sure else UNCLEAR
    return is_open


def _inner(node: ast.AST) -> Iterator[ast.stmt]:
    """Give the statements of a block's body, its handlers and its cases."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.stmt):
            yield part
        elif not isinstance(part, ast.expr):
            yield from _inner(part)


def _is_skipped(node: ast.stmt) -> TypeGuard[ast.If]:
    """Tell whether a block is for the type checker, or for running as a script."""
    if not isinstance(node, ast.If):
        return False
    parts = [n for n in ast.walk(node.test) if isinstance(n, (ast.Name, ast.Attribute))]
    said = {n.id if isinstance(n, ast.Name) else n.attr for n in parts}
    return not said.isdisjoint(_SKIPPED_TESTS)


def _targets(node: ast.stmt) -> Iterator[str]:
    """Name what a statement binds."""
    if isinstance(node, _DEFINITIONS):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            is_import = isinstance(node, ast.Import)
            name = alias.name.partition(".")[0] if is_import else alias.name
            yield alias.asname or name
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Name):
                    yield part.id


def _absolute(node: ast.ImportFrom, source: Source) -> str:
    """Name the module that an import is from, dots in front or not."""
    if not node.level:
        return node.module or ""
    parts = source.name.split(".")
    up = node.level - (1 if source.is_package else 0)
    above = parts[: len(parts) - up] if up else parts
    return ".".join([*above, *([node.module] if node.module else [])])
