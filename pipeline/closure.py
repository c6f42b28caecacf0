"""What a module of the repository imports from it, found without running anything.

Names are looked up as the child's import path has them: below the folder of
pipeline.yaml, and below the root of the repository. Where both have one, both count.
What a stage opens or imports by a computed name is not seen here; the child sees that
while it runs (see `reads`).
"""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline import codec, files, scope
from pipeline.aliases import Links
from pipeline.frozen import dataclass
from pipeline.schema import Code

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.schema import Pipeline
    from pipeline.scope import Listing

_MOST_KEPT = 20_000
_TOOLKIT = "pipeline"  # the child has its own, whatever the repository calls so
_LARGEST = 4_000_000  # bytes of a file that a person could have written


@dataclass(frozen=True, slots=True)
class Import:
    """One import: dots before the name, the module, the names taken from it.

    is_sure: it happens whenever the file is imported, and nothing catches its failure.
    """

    level: int
    module: str
    names: tuple[str, ...] = ()
    is_sure: bool = True


def imports_of(source: bytes) -> tuple[Import, ...]:
    """Give the imports of a file, wherever they stand; none of one that is torn."""
    import ast

    if len(source) > _LARGEST:
        return ()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(_found(tree))


def _found(tree: ast.Module) -> Iterator[Import]:
    """Give the imports below a module; code may be nested deeper than our stack."""
    import ast

    waiting: list[tuple[ast.AST, bool]] = [(tree, True)]
    while waiting:
        node, is_sure = waiting.pop()
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(0, name.name, (), is_sure)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(name.name for name in node.names)
            yield Import(node.level, node.module or "", names, is_sure)
        elif isinstance(node, ast.Call) and (said := _literal_import(node)):
            yield Import(0, said, (), is_sure=False)
        # What stands below an `if`, a `try`, a `with suppress(...)` or a `def` may
        # never happen, or may fail unharmed.
        goes_on = is_sure and isinstance(node, (ast.Module, ast.ClassDef))
        waiting += [(child, goes_on) for child in ast.iter_child_nodes(node)]


def _literal_import(call: ast.Call) -> str:
    """Read `importlib.import_module("a.b")` and `__import__("a.b")`."""
    import ast

    said = call.func
    name = said.attr if isinstance(said, ast.Attribute) else getattr(said, "id", "")
    first = call.args[0] if call.args else None
    if name not in ("import_module", "__import__") or not isinstance(
        first, ast.Constant
    ):
        return ""
    return first.value if isinstance(first.value, str) else ""


class Closures:
    """The closures of one snapshot, each file of it read at most once."""

    def __init__(
        self,
        listing: Listing,
        *,
        prefix: str,
        read: Callable[[str], bytes],
        kept: Path | None = None,
    ) -> None:
        """Look into the snapshot; `read` gives an object's bytes by its name.

        kept: a file that remembers what was found in an object, from run to run.
        """
        self._listing = listing
        self._roots = ("",) if prefix == "." else (f"{prefix}/", "")
        self._read = read
        self._links = Links(listing, read)
        self._kept_path = kept
        self._kept = _read_kept(kept)
        self._is_new = False

    def module(self, name: str, also: Listing) -> Code:
        """Give the code of a module stage: its closure, and the files of `also`."""
        found: Listing = {}
        needs: set[str] = set()
        also = self._links.with_ends(also)
        waiting = [*self._paths_of(name), *self._before_stdlib]
        waiting += [path for path in also if path.endswith(".py")]
        while waiting:
            path = waiting.pop()
            if path in found:
                continue
            found[path] = self._listing[path]
            for one in self._imports(path):
                behind = list(self._behind(one, path))
                waiting += behind
                if one.is_sure and not behind and not one.level:
                    needs.add(one.module.partition(".")[0])
        wanted = tuple(sorted(needs - sys.stdlib_module_names - {_TOOLKIT, ""}))
        return scope.of_files({**also, **found}, rule="imports", needs=wanted)

    def named(self, files: Listing) -> Code:
        """Give the code that is just these files, and what they link to."""
        return scope.of_files(self._links.with_ends(files), rule="named")

    def _imports(self, path: str) -> tuple[Import, ...]:
        # Of a link, those of the file at its end: they happen where the link stands.
        end = (self._links.way(path) or (path,))[-1]
        mode, _, oid = self._listing[end].partition(":")
        if not path.endswith(".py") or not mode.startswith("100"):
            return ()
        if oid not in self._kept:
            self._kept[oid] = imports_of(self._read(oid))
            self._is_new = True
        return self._kept[oid]

    def _behind(self, one: Import, path: str) -> Iterator[str]:
        """Give the files that an import brings along."""
        if one.level:
            package = path.split("/")[: -one.level]
            whole = "/".join([*package, *filter(None, one.module.split("."))])
            yield from self._files_at(whole)
            for name in one.names:
                yield from self._files_at(f"{whole}/{name}" if whole else name)
            return
        yield from self._paths_of(one.module)
        for name in one.names:
            yield from self._paths_of(f"{one.module}.{name}")

    def _paths_of(self, module: str) -> Iterator[str]:
        """Give the files of a dotted name: its packages, and itself."""
        parts = module.split(".")
        if parts[0] == _TOOLKIT:
            return
        for root in self._roots:
            for end in range(1, len(parts) + 1):
                yield from self._files_at(root + "/".join(parts[:end]))

    def _files_at(self, place: str) -> Iterator[str]:
        for path in (f"{place}.py", f"{place}/__init__.py" if place else "__init__.py"):
            yield from self._links.way(path)
        # A compiled module of the repository's own: place.cpython-311-....so.
        yield from (path for path in self._compiled if path.startswith(f"{place}."))

    @cached_property
    def _before_stdlib(self) -> tuple[str, ...]:
        """Give what takes the place of a standard module, whoever imports that."""
        names = sys.stdlib_module_names - {"test", "idlelib"}  # nothing imports these
        places = (f"{root}{name}" for root in self._roots for name in sorted(names))
        return tuple(path for place in places for path in self._files_at(place))

    @cached_property
    def _compiled(self) -> tuple[str, ...]:
        return tuple(p for p in self._listing if p.endswith((".so", ".pyd", ".dylib")))

    def keep(self) -> None:
        """Remember what was found, if there is anything new."""
        if self._kept_path is None or not self._is_new:
            return
        some = list(self._kept.items())[-_MOST_KEPT:]
        rows = {
            oid: [[i.level, i.module, list(i.names), i.is_sure] for i in found]
            for oid, found in some
        }
        files.replace_text(self._kept_path, codec.dumps(rows))


def _read_kept(path: Path | None) -> dict[str, tuple[Import, ...]]:
    """Read what is remembered; what cannot be read is as good as nothing."""
    import json

    try:
        rows = json.loads(path.read_bytes()) if path else {}
        return {
            oid: tuple(Import(lv, m, tuple(ns), sure) for lv, m, ns, sure in found)
            for oid, found in rows.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def codes_of(
    pipeline: Pipeline, listing: Listing, closures: Closures, *, prefix: str
) -> tuple[dict[str, Code], dict[str, str]]:
    """Give the codes of all stages, each by a name of its own, and which is whose."""
    ways = scope.ways_to(scope.documents(listing, prefix=prefix), prefix=prefix)
    known: dict[object, Code] = {}
    whose: dict[str, str] = {}
    for stage in pipeline.stages:
        is_all = not (stage.run or stage.code)
        spoken = scope.spoken_of(ways, stage.sh) if is_all else None
        key = (stage.run, stage.code, spoken)
        if key not in known:
            also = scope.named(listing, stage.code, prefix=prefix)
            if stage.run:
                known[key] = closures.module(stage.run, also)
            elif spoken is None:
                known[key] = closures.named(also)
            else:
                known[key] = scope.whole(listing, prefix=prefix, spoken=spoken)
        whose[stage.name] = _name_of(known[key])
    return {_name_of(code): code for code in known.values()}, whose


def _name_of(code: Code) -> str:
    """Name a code: the same files may count by one rule here, by another there."""
    return f"{code.rule}:{code.digest}"
