"""Take the code out of a Python source, and leave all that holds it together.

The body of every function becomes `raise NotImplementedError`. Signatures, decorators,
docstrings, constants and imports stay as they were written, each on its line. What is
no code stays too: a body of `...`, an overload, a method that is only promised. A
function inside another goes with it.
"""

from __future__ import annotations

import ast
import io
import tokenize
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_RAISES = "raise NotImplementedError"
_THROWS = "(_ for _ in ({})).throw(NotImplementedError)"  # as an expression
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Place = tuple[int, int]  # line from 1, column in bytes of UTF-8, as ast counts


class Emptied(NamedTuple):
    """A source without its code, and how many functions were emptied."""

    source: bytes
    functions: int


class _Edit(NamedTuple):
    """What takes the place of the text between two places; the lines in it stay."""

    start: _Place
    end: _Place
    text: str


def emptied(source: bytes) -> Emptied:
    """Empty every function of a source.

    Raise SyntaxError where it is no Python, and ValueError where it is no text.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
    with io.TextIOWrapper(io.BytesIO(source), encoding, newline=None) as file:
        text = file.read()
    edits = list(_edits(ast.parse(text)))
    lines = text.split("\n")
    for edit in sorted(edits, reverse=True):
        _apply(lines, edit)
    return Emptied("\n".join(lines).encode(encoding), len(edits))


def _edits(tree: ast.Module) -> Iterator[_Edit]:
    """Give what is to be changed, outermost functions only."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _Function):
            if not _is_promise(node):
                yield _body(node)
        elif isinstance(node, ast.Lambda):
            yield _lambda(node)
        elif isinstance(node, ast.Call):
            # What is handed to a call is at work while the file is imported.
            some = [*node.args, *(one.value for one in node.keywords)]
            waiting += [one for one in some if not isinstance(one, ast.Lambda)]
        elif not isinstance(node, ast.JoinedStr):  # its places are not to be trusted
            waiting += ast.iter_child_nodes(node)


def _is_promise(function: _Function) -> bool:
    """Tell whether there is no code in it that could be taken out."""
    rest = function.body[1:] if _has_docstring(function) else function.body
    if any(_name(one) == "overload" for one in function.decorator_list):
        return True
    if not rest or all(isinstance(one, ast.Pass) for one in rest):
        return any(_name(one) == "abstractmethod" for one in function.decorator_list)
    (first, *more) = rest
    if isinstance(first, ast.Raise) and first.exc is not None:
        return not more and _name(first.exc) == "NotImplementedError"
    is_word = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return is_word and not more and first.value.value is Ellipsis  # type: ignore[attr-defined]  # a word, then


def _name(node: ast.expr) -> str:
    """Give the last name of `abc.abstractmethod` and of `NotImplementedError("x")`."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _has_docstring(function: _Function) -> bool:
    return ast.get_docstring(function, clean=False) is not None


def _body(function: _Function) -> _Edit:
    """Empty a function: what was a generator still is one, and raises when asked."""
    says = f"{_RAISES}({{}})"
    says += "; yield" if _is_generator(function) else ""
    start, end = _start(function.body[0]), _end(function.body[-1])
    if not _has_docstring(function):
        return _Edit(start, end, says)
    if len(function.body) > 1:
        return _Edit(_start(function.body[1]), end, says)
    return _Edit(end, end, f"; {says}")


def _lambda(node: ast.Lambda) -> _Edit:
    return _Edit(_start(node.body), _end(node.body), _THROWS)


def _start(node: ast.stmt | ast.expr) -> _Place:
    """Say where a statement begins: at the first of its decorators."""
    above: list[ast.expr] = getattr(node, "decorator_list", [])
    line = min([node.lineno, *(one.lineno for one in above)])
    return line, node.col_offset


def _end(node: ast.stmt | ast.expr) -> _Place:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def _is_generator(function: _Function) -> bool:
    waiting: list[ast.AST] = [*function.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, (*_Function.__args__, ast.Lambda, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)
    return False


def _apply(lines: list[str], edit: _Edit) -> None:
    """Change the lines; as many newlines stay, inside brackets, as there were."""
    (first, left), (last, right) = edit.start, edit.end
    before = lines[first - 1].encode()[:left].decode()
    after = lines[last - 1].encode()[right:].decode()
    text = before + edit.text.replace("{}", "\n" * (last - first)) + after
    lines[first - 1 : last] = text.split("\n")
