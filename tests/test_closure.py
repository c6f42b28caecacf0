"""What a module imports from its repository is found without running anything."""

from __future__ import annotations

import hashlib
import time
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from pipeline.closure import Closures, codes_of, imports_of
from pipeline.reading import spec
from pipeline.schema import Pipeline, Stage
from pipeline.scope import Listing


class Tree:
    """A snapshot in memory; a value that begins with `->` is a link."""

    def __init__(self, files: dict[str, str | bytes]) -> None:
        """Hold these files."""
        self.listing: Listing = {}
        self._data: dict[str, bytes] = {}
        for path, text in files.items():
            data = text if isinstance(text, bytes) else text.encode()
            mode = "120000" if data.startswith(b"->") else "100644"
            data = data.removeprefix(b"->")
            oid = hashlib.sha1(data, usedforsecurity=False).hexdigest()
            self.listing[path] = f"{mode}:{oid}"
            self._data[oid] = data

    def read(self, oid: str) -> bytes:
        """Give an object's bytes."""
        return self._data[oid]

    def closures(self, prefix: str = ".", kept: Path | None = None) -> Closures:
        """Look into it."""
        return Closures(self.listing, prefix=prefix, read=self.read, kept=kept)

    def found(self, module: str, prefix: str = ".") -> set[str]:
        """Name the files behind a module."""
        return set(self.closures(prefix).module(module, {}).files)


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"m.py": "import a"}, "m.py a.py a/__init__.py"),
        ({"m.py": "import a.b.c"}, "m.py a.py a/__init__.py a/b/__init__.py a/b/c.py"),
        (
            {"m.py": "from a.b import c"},
            "m.py a.py a/__init__.py a/b/__init__.py a/b/c.py",
        ),
        ({"m.py": "from a import b"}, "m.py a.py a/__init__.py a/b/__init__.py"),
        ({"m.py": "from a import *"}, "m.py a.py a/__init__.py"),
        ({"m.py": "import a as b"}, "m.py a.py a/__init__.py"),
        ({"m.py": "def f():\n  import d"}, "m.py d.py e.py"),
        ({"m.py": "try:\n  import d\nexcept ImportError: pass"}, "m.py d.py e.py"),
        ({"m.py": "import importlib\nimportlib.import_module('d')"}, "m.py d.py e.py"),
        ({"m.py": "__import__('d')"}, "m.py d.py e.py"),
        ({"m.py": "import ns.x"}, "m.py ns/x.py"),
        ({"m.py": "from ns import x"}, "m.py ns/x.py"),
        ({"m.py": "import compiled"}, "m.py compiled.cpython-311.so"),
        ({"m.py": "import link"}, "m.py link.py e.py"),
        ({"m.py": "import linked.x"}, "m.py linked ns/x.py"),
        ({"m.py": "import out"}, "m.py out.py"),
        ({"m.py": "import loop"}, "m.py loop.py"),
        ({"m.py": "import numpy, os, sys"}, "m.py"),
        ({"m.py": "import pipeline.stage\nfrom pipeline import x"}, "m.py"),
        ({"m.py": "import ("}, "m.py"),
        ({"m.py": b"\xef\xbb\xbfimport e"}, "m.py e.py"),
        (
            {"m.py": "# coding: latin-1\nx='\xe9'\nimport e".encode("latin-1")},
            "m.py e.py",
        ),
        ({"m.py": b"\0\xff\xfe"}, "m.py"),
        ({"m.py": "from . import e"}, "m.py e.py"),
        ({"m.py": "from .... import e"}, "m.py e.py"),
    ],
)
def test_the_closure_of_a_module(files: dict[str, str | bytes], wanted: str) -> None:
    """However it is imported; what others provide is none of it."""
    around: dict[str, str | bytes] = {
        "a.py": "", "a/__init__.py": "", "a/b/__init__.py": "", "a/b/c.py": "",
        "d.py": "import e", "e.py": "import d, m", "ns/x.py": "",
        "compiled.cpython-311.so": b"\x7fELF", "link.py": "->e.py", "linked": "->ns",
        "out.py": "->/etc/passwd", "loop.py": "->loop.py", "pipeline/stage.py": "",
        "unrelated.py": "import a", "README.md": "",
    }  # fmt: skip
    found = Tree({**around, **files}).found("m")

    extra = {"d.py"} if "e.py" in found else set()
    assert found == {*wanted.split(), *extra}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("from . import near", {"pkg/near.py"}),
        ("from .near import x", {"pkg/near.py"}),
        ("from .. import top", {"top.py"}),
        ("from ..other import x", {"other/__init__.py"}),
        ("from .sub import deep", {"pkg/sub/deep.py"}),
        ("from ...far import away", set()),
    ],
)
def test_relative_imports(text: str, wanted: set[str]) -> None:
    """From where the module lies; its own package counts as well."""
    files: dict[str, str | bytes] = dict.fromkeys(
        ["pkg/__init__.py", "pkg/near.py", "top.py", "other/__init__.py"], ""
    )
    files |= {"pkg/sub/deep.py": "", "pkg/m.py": text}

    assert Tree(files).found("pkg.m") == {"pkg/__init__.py", "pkg/m.py", *wanted}


def test_both_roots_are_looked_in() -> None:
    """Below the folder of pipeline.yaml and below the repository's own; both count."""
    tree = Tree(
        {
            "exp/m.py": "import a, b, c",
            "exp/a.py": "",
            "a.py": "",
            "b.py": "",
            "exp/c.py": "",
        }
    )

    assert tree.found("m", "exp") == set(tree.listing)


def test_what_is_needed_is_what_cannot_be_done_without() -> None:
    """Imported at once, by itself, and from nowhere in the repository."""
    text = (
        "import numpy.linalg, os, own\nfrom torch import nn\nimport pipeline\n"
        "try:\n  import maybe\nexcept ImportError: pass\n"
        "import contextlib\nwith contextlib.suppress(ImportError):\n  import perhaps\n"
        "if x:\n  import other\ndef f():\n  import late\nclass A:\n  import inner\n"
    )
    tree = Tree({"m.py": text, "own.py": "import yaml"})

    needs = tree.closures().module("m", {}).needs
    assert needs == ("inner", "numpy", "torch", "yaml")


@pytest.mark.parametrize(
    "source",
    [
        b"(" * 5000,
        b"x = " + b"-" * 20_000 + b"1",
        b"x = " + b"+".join([b"1"] * 3000) + b"\nimport a",
        b"\n".join(b" " * n + b"if x:" for n in range(90))
        + b"\n"
        + b" " * 90
        + b"pass",
        b"import " + b".".join([b"a"] * 2000),
        b"from " + b"." * 3000 + b" import a",
        b"x = 1\n" * 1_000_000,
        b"",
        b"\xff",
        b"import \xc3\xa9t\xc3\xa9",
    ],
)
def test_code_that_is_odd_is_read_or_passed_over(source: bytes) -> None:
    """Deep, long, huge or torn: never an error, and soon."""
    began = time.monotonic()
    Tree({"m.py": source, "a.py": ""}).found("m")

    assert time.monotonic() - began < 30


def test_deep_code_is_read_to_its_end() -> None:
    """An import behind a long sum is found, or the file is given up as a whole."""
    deep = b"def f():\n  return " + b"+".join([b"1"] * 600) + b"\nimport a\n"

    assert [one.module for one in imports_of(deep)] == ["a"]


PATHS = st.lists(
    st.sampled_from(["a", "b", "__init__", "é", " ", "a.b", "..", "x\n"]),
    min_size=1,
    max_size=3,
).map("/".join)


@settings(max_examples=80)
@given(
    st.dictionaries(
        st.builds("{}{}".format, PATHS, st.sampled_from(["", ".py", ".so"])),
        st.one_of(
            st.binary(max_size=30),
            st.builds("import {}".format, PATHS.map(lambda p: p.replace("/", "."))),
            st.builds(
                "from {}{} import *".format, st.sampled_from([".", "..", "a"]), PATHS
            ),
            PATHS.map("->{}".format),
        ),
        max_size=6,
    ),
    st.text(max_size=8),
    st.sampled_from([".", "a", "a/b"]),
)
def test_any_listing_has_a_closure(
    files: dict[str, str | bytes], module: str, prefix: str
) -> None:
    """Whatever is called whatever: no error, and only files that are there."""
    tree = Tree(files)

    for name in (module, "a", "a.b"):
        assert tree.found(name, prefix) <= set(tree.listing)


def test_what_was_found_is_remembered(tmp_path: Path) -> None:
    """By the object's name: the next time it is not read; lost or torn, it is."""
    tree, kept = Tree({"m.py": "import a", "a.py": ""}), tmp_path / "imports.json"
    first = tree.closures(kept=kept)
    wanted = first.module("m", {})
    first.keep()

    def unread(oid: str) -> bytes:
        raise AssertionError(oid)

    again = Closures(tree.listing, prefix=".", read=unread, kept=kept)
    assert again.module("m", {}) == wanted
    for torn in (b"", b"{", b"[]", b'{"x": 1}', b'{"x": [[1]]}', b"\xff"):
        kept.write_bytes(torn)
        assert tree.closures(kept=kept).module("m", {}) == wanted


def test_the_same_files_by_two_rules_are_two_codes() -> None:
    """A command counts all, a module what it imports, be it the same files."""
    tree = Tree({"m.py": "import a", "a.py": ""})
    stages = (
        Stage(name="module", run="m"),
        Stage(name="command", sh="true"),
        Stage(name="named", sh="true", code=("m.py", "a.py")),
    )

    codes, whose = codes_of(
        Pipeline(name="x", stages=stages), tree.listing, tree.closures(), prefix="."
    )

    assert [codes[whose[one.name]].rule for one in stages] == [
        "imports",
        "all",
        "named",
    ]


def test_what_stands_before_a_standard_module_counts() -> None:
    """Whoever imports `random`, `tempfile` for one, would get the repository's own."""
    tree = Tree(
        {"m.py": "import tempfile", "random.py": "import b", "b.py": "", "c": ""}
    )

    assert tree.found("m") == {"m.py", "random.py", "b.py"}


def test_what_the_experiment_needs_is_what_make_run_installs() -> None:
    """All that stages surely import is in the extra `run`, or in pipeline's own."""
    root = Path(__file__).resolve().parents[1]
    files = [
        path
        for room in ("stages", "models", "tests/models")
        for path in (root / room).rglob("*.py")
    ]
    tree = Tree({p.relative_to(root).as_posix(): p.read_bytes() for p in files})
    whole = spec.load(root / "pipeline.yaml")

    codes, _ = codes_of(whole, tree.listing, tree.closures(), prefix=".")

    needs = {need for code in codes.values() for need in code.needs}
    assert {"numpy", "torch"} <= needs
    assert {DISTRIBUTIONS.get(need, need) for need in needs} <= brought_by("run")


DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "pyyaml"}


def brought_by(extra: str) -> set[str]:
    """Name what an extra installs, with the extras it is made of and what is always."""
    brought: set[str] = set()
    asked = [extra]
    wanted = metadata.requires("pipeline") or []
    while asked:
        one = asked.pop()
        for text in wanted:
            line = Requirement(text)
            if line.marker and not line.marker.evaluate({"extra": one}):
                continue
            asked += line.extras if line.name == "pipeline" else ()
            brought.add(line.name.lower())
    return brought
