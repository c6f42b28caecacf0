"""The params a stage module takes: the fields of its `Params`, read from source."""

from __future__ import annotations

import ast
from dataclasses import field
from typing import TYPE_CHECKING

from pipeline.frozen import dataclass
from pipeline.reading.module import UNCLEAR, Bound, Library, Source, Unclear

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_FIELDS = {"ClassVar", "InitVar", "KW_ONLY"}


@dataclass(frozen=True, slots=True)
class Field:
    """One param: its annotation, and whether it must be given."""

    annotation: ast.expr
    source: Source
    is_needed: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """The params by name; `is_open` when there may be more than could be read."""

    by_name: dict[str, Field] = field(default_factory=dict)
    is_dataclass: bool = False
    is_open: bool = False


def of_params(library: Library, source: Source) -> Fields | Unclear | None:
    """Read the fields of a module's `Params`; nothing if it has no dataclass of it."""
    bound = library.bound(source, "Params")
    if bound is None or isinstance(bound, Unclear):
        return bound
    if not isinstance(bound.node, ast.ClassDef):
        return UNCLEAR
    fields = _of_class(library, bound.node, bound.source)
    return None if fields and not fields.is_dataclass else fields or UNCLEAR


def _of_class(
    library: Library, node: ast.ClassDef, source: Source, hops: int = 8
) -> Fields | None:
    """Read a class and what it inherits; nothing where that is unclear."""
    marks = [_is_dataclass(decorator, source) for decorator in node.decorator_list]
    if not hops or (marks and not any(marks)):
        return None
    by_name: dict[str, Field] = {}
    is_dataclass, is_open = any(marks), False
    for base in reversed(node.bases):
        inherited = _of_base(library, base, source, hops - 1)
        by_name |= inherited.by_name
        is_dataclass |= inherited.is_dataclass
        is_open |= inherited.is_open
    if is_open and not any(marks):
        return None
    if any(marks):
        for name, own in _own(node, source):
            by_name.pop(name, None)
            if own:
                by_name[name] = own
    return Fields(by_name, is_dataclass, is_open)


def _of_base(library: Library, base: ast.expr, source: Source, hops: int) -> Fields:
    name = base.value if isinstance(base, ast.Subscript) else base
    if not isinstance(name, ast.Name):
        return Fields(is_open=True)
    bound = library.bound(source, name.id)
    if bound is None:
        return Fields(is_open=name.id != "object")
    if not isinstance(bound, Bound) or not isinstance(bound.node, ast.ClassDef):
        return Fields(is_open=True)
    inherited = _of_class(library, bound.node, bound.source, hops)
    return inherited or Fields(is_open=True)


def _is_dataclass(decorator: ast.expr, source: Source) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(called, ast.Name):
        node = source.get(called.id)
        if isinstance(node, ast.ImportFrom):
            names = {a.asname or a.name: a.name for a in node.names}
            return names.get(called.id) == "dataclass"
    return last_name(called) == "dataclass"


def _own(node: ast.ClassDef, source: Source) -> Iterator[tuple[str, Field | None]]:
    """Give the fields a class itself says; nothing for one that cannot be given."""
    for said in node.body:
        if not (isinstance(said, ast.AnnAssign) and isinstance(said.target, ast.Name)):
            continue
        annotation = unquoted(said.annotation)
        is_field = last_name(annotation) not in _NO_FIELDS
        is_given, is_needed = _default(said.value)
        one = Field(annotation, source, is_needed) if is_field and is_given else None
        yield said.target.id, one


def _default(value: ast.expr | None) -> tuple[bool, bool]:
    """Tell whether a field can be given, and whether it must be."""
    if value is None:
        return True, True
    if not (isinstance(value, ast.Call) and last_name(value.func) == "field"):
        return True, False
    said = {keyword.arg: keyword.value for keyword in value.keywords}
    init = said.get("init")
    is_given = not (isinstance(init, ast.Constant) and init.value is False)
    return is_given, said.keys().isdisjoint({"default", "default_factory", None})


def last_name(node: ast.expr) -> str:
    """Give the last part of a dotted name, whatever stands in brackets behind it."""
    if isinstance(node, ast.Subscript):
        return last_name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def unquoted(node: ast.expr) -> ast.expr:
    """Give what an annotation says that is written as a text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.parse(node.value, mode="eval").body
        except (SyntaxError, ValueError):
            return node
    return node
