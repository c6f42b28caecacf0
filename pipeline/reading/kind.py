"""What an annotation of `Params` takes, in words and as a test.

As lenient as the codec that builds the Params in the child; an annotation that cannot
be understood takes anything.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pipeline.reading.fields import last_name, unquoted

if TYPE_CHECKING:
    from pipeline.reading.module import Source

_TYPING = {"typing", "typing_extensions", "collections.abc", "types"}
_LISTS = {"list", "List", "tuple", "Tuple", "Sequence"}
_MAPPINGS = {"dict", "Dict", "Mapping", "MutableMapping"}
_DEEPEST = 6


class Kind(NamedTuple):
    """What is wanted, in words; and whether a value is that."""

    said: str
    takes: Callable[[object], bool]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_float(value: object) -> bool:
    """Tell whether a float can be it: some whole numbers are too large."""
    most = sys.float_info.max
    return isinstance(value, (int, float)) and _is_number(value) and abs(value) <= most


ANYTHING = Kind("anything", lambda _: True)
_LIST = Kind("a list", lambda value: isinstance(value, list))
_MAPPING = Kind("a mapping", lambda value: isinstance(value, dict))
_WORDS = {
    "int": Kind("a whole number", lambda v: _is_number(v) and isinstance(v, int)),
    "float": Kind("a number", _is_float),
    "str": Kind("a text", lambda value: isinstance(value, str)),
    "bool": Kind("true or false", lambda value: isinstance(value, bool)),
    "None": Kind("nothing", lambda value: value is None),
    **dict.fromkeys(_LISTS, _LIST),
    **dict.fromkeys(_MAPPINGS, _MAPPING),
}


def of(annotation: ast.expr, source: Source, depth: int = 0) -> Kind:
    """Read an annotation that stands in `source`."""
    node = unquoted(annotation)
    if depth > _DEEPEST:
        return ANYTHING
    if isinstance(node, ast.Constant) and node.value is None:
        return _WORDS["None"]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _either(of(side, source, depth + 1) for side in (node.left, node.right))
    if isinstance(node, ast.Subscript):
        return _in_brackets(node, source, depth + 1)
    name, alias = _original(node, source)
    if alias is not None:
        return of(alias, source, depth + 1)
    return _WORDS.get(name, ANYTHING)


def _original(node: ast.expr, source: Source) -> tuple[str, ast.expr | None]:
    """Give the name that typing knows, or what an alias of the module stands for."""
    if isinstance(node, ast.Attribute):
        return (last_name(node) if last_name(node.value) in _modules() else ""), None
    if not isinstance(node, ast.Name):
        return "", None
    bound = source.get(node.id)
    if isinstance(bound, (ast.Assign, ast.AnnAssign)):
        return "", bound.value
    if isinstance(bound, ast.ImportFrom) and bound.module in _TYPING:
        return {a.asname or a.name: a.name for a in bound.names}[node.id], None
    return (node.id if node.id not in source.names else ""), None


def _modules() -> set[str]:
    return {"t", *(name.rpartition(".")[2] for name in _TYPING)}


def _in_brackets(node: ast.Subscript, source: Source, depth: int) -> Kind:
    name, _ = _original(node.value, source)
    inside = node.slice
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if name == "Literal":
        return _literal(parts)
    if name == "Annotated":
        return of(parts[0], source, depth)
    kinds = [of(part, source, depth) for part in parts]
    if name in {"Union", "Optional"}:
        return _either([*kinds, *([_WORDS["None"]] if name == "Optional" else [])])
    if name in _LISTS:
        return _list(kinds, parts, is_tuple=name.lower() == "tuple")
    if name in _MAPPINGS:
        return _mapping(kinds[-1])
    return ANYTHING


def _literal(parts: list[ast.expr]) -> Kind:
    try:
        values = [ast.literal_eval(part) for part in parts]
    except ValueError:
        return ANYTHING
    said = f"one of {', '.join(str(value) for value in values)}"
    return Kind(said, lambda value: value in values)


def _either(kinds: object) -> Kind:
    options = list(dict.fromkeys(kinds))  # type: ignore[call-overload]
    if ANYTHING in options:
        return ANYTHING
    said = " or ".join(option.said for option in options)
    return Kind(said, lambda value: any(option.takes(value) for option in options))


def _list(kinds: list[Kind], parts: list[ast.expr], *, is_tuple: bool) -> Kind:
    """Take a list: of one kind; or of a tuple, of so many kinds one after the other."""
    is_endless = isinstance(parts[-1], ast.Constant) and parts[-1].value is Ellipsis
    if is_tuple and not is_endless:
        said = f"a list of {len(kinds)}: {', '.join(kind.said for kind in kinds)}"
        return Kind(
            said,
            lambda value: (
                isinstance(value, list)
                and len(value) == len(kinds)
                and all(k.takes(v) for k, v in zip(kinds, value, strict=True))
            ),
        )
    each = kinds[0]
    said = "a list" if each is ANYTHING else f"a list, each {each.said}"
    return Kind(
        said, lambda value: isinstance(value, list) and all(map(each.takes, value))
    )


def _mapping(each: Kind) -> Kind:
    said = "a mapping" if each is ANYTHING else f"a mapping, each value {each.said}"
    return Kind(
        said,
        lambda value: isinstance(value, dict) and all(map(each.takes, value.values())),
    )
