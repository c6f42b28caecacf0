"""Code is taken out of a source, and all that holds it together stays."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.tdd.emptying import emptied

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [
    path
    for room in ("pipeline", "models")
    for path in sorted((ROOT / room).rglob("*.py"))
]

# What is written, and what it becomes.
ROWS = {
    "a function": ("def f(a, b=1):\n    return a\n", "def f(a, b=1):\n    {}\n"),
    "one line": ("def f(): a = 1; return a\n", "def f(): {}\n"),
    "a docstring": (
        'def f():\n    "Say."\n    return 1\n',
        'def f():\n    "Say."\n    {}\n',
    ),
    "a docstring alone": ('def f():\n    "Say."\n', 'def f():\n    "Say."; {}\n'),
    "a comment": ("def f():\n    return 1  # so\n", "def f():\n    {}  # so\n"),
    "a method": (
        "class A:\n    x = 1\n    def f(self):\n        self.x\n",
        "class A:\n    x = 1\n    def f(self):\n        {}\n",
    ),
    "an async function": (
        "async def f():\n    await g()\n",
        "async def f():\n    {}\n",
    ),
    "a generator": ("def f():\n    yield 1\n", "def f():\n    {}; yield\n"),
    "a generator inside": (
        "def f():\n    return (lambda: (yield))\n",
        "def f():\n    {}\n",
    ),
    "a property": (
        "class A:\n    @property\n    def f(self): return 1\n",
        "class A:\n    @property\n    def f(self): {}\n",
    ),
    "a nested function": (
        "def f():\n    @d\n    def g(): ...\n",
        "def f():\n    {}\n\n",
    ),
    "below an if": ("if x:\n    def f(): return 1\n", "if x:\n    def f(): {}\n"),
    "a promise": ("def f() -> int: ...\n", "def f() -> int: ...\n"),
    "an overload": ("@t.overload\ndef f(): pass\n", "@t.overload\ndef f(): pass\n"),
    "an abstract method": ("@abstractmethod\ndef f(): pass\n",) * 2,
    "what raises already": ("def f(): raise NotImplementedError('x')\n",) * 2,
    "constants": ("X = [1, *range(3)]\nimport os\n",) * 2,
    "a lambda at work": ("X = sorted(Y, key=lambda y: -y)\n",) * 2,
    "what is no ASCII": (
        "def f(ä): 'ü'; return 'ö'  # é\n",
        "def f(ä): 'ü'; {}  # é\n",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_body_becomes_an_error(name: str) -> None:
    """Signatures, decorators, docstrings, constants and imports stay."""
    written, wanted = ROWS[name]

    made = emptied(written.encode()).source.decode()

    said = made.replace("(\n)", "()\n")
    assert said == wanted.replace("{}", "raise NotImplementedError()")


def run(source: bytes) -> Any:
    """Execute a source, and give what it defines."""
    names: dict[str, Any] = {}
    exec(compile(source, "made", "exec"), names)
    return SimpleNamespace(**names)


@pytest.mark.parametrize("path", SOURCES[::7], ids=lambda path: path.name)
def test_our_own_sources_stay_python_line_by_line(path: Path) -> None:
    """A function is found in the line where it was, and there is none inside it."""
    source = path.read_bytes()

    made = emptied(source).source

    before = {f.lineno: f.name for f in functions(source)}
    after = {f.lineno: f.name for f in functions(made)}
    assert made.count(b"\n") == source.count(b"\n")
    assert after.items() <= before.items()
    assert emptied(made).functions <= sum(
        "yield" in ast.unparse(f) for f in functions(made)
    )


def functions(source: bytes) -> list[ast.FunctionDef]:
    """Give all functions of a source."""
    return [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]


def test_a_lambda_that_is_kept_is_emptied() -> None:
    """In a name, in a table; however many lines it has."""
    made = run(emptied(b"f = lambda x: g(\n  x), 3\nT = {'a': lambda: 1}\n").source)

    for one in (made.f[0], lambda _: made.T["a"]()):
        with pytest.raises(NotImplementedError):
            one(1)
    assert made.f[1] == 3


def test_a_generator_raises_when_it_is_asked() -> None:
    """Who only calls it has run none of its code."""
    made = run(emptied(b"def f():\n    for i in range(3):\n        yield i\n").source)

    assert inspect.isgeneratorfunction(made.f)
    with pytest.raises(NotImplementedError):
        next(made.f())


def test_a_dataclass_can_be_made_but_not_checked() -> None:
    """What a decorator writes is no code of ours; __post_init__ is."""
    text = "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int = 1\n"

    plain = run(emptied(text.encode()).source)
    checked = run(emptied(f"{text}    def __post_init__(self): 1\n".encode()).source)

    assert plain.A().x == 1
    with pytest.raises(NotImplementedError):
        checked.A()


@pytest.mark.parametrize(
    "source",
    [
        b"def f():\r\n    x = 1\r\n    return x\r\n",
        b"\xef\xbb\xbfdef f():\n    x = 1\n    return x\n",
        b"# coding: latin-1\ndef f(\xe4=1):\n    '\xfc'\n    return '\xf6'\n",
    ],
    ids=["CRLF", "BOM", "latin-1"],
)
def test_any_text_that_python_reads_can_be_emptied(source: bytes) -> None:
    """And is read by it as before."""
    made = emptied(source)

    assert made.functions == 1
    with pytest.raises(NotImplementedError):
        run(made.source).f()


@pytest.mark.parametrize(
    "source",
    [b"def f(:\n", b"\xff\xfe\x00\x01", b"# coding: klingon\n", b"x = '\xff'\n"],
)
def test_what_is_no_python_is_refused(source: bytes) -> None:
    """By the errors of Python itself, which a caller gives a place."""
    with pytest.raises((SyntaxError, ValueError)):
        emptied(source)
