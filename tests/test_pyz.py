"""The one file a box needs: stdlib inside, the same bytes every time, any Python."""

from __future__ import annotations

import ast
import importlib.util
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline import pyz

# Imports every module by itself, and names what came from elsewhere than here.
IMPORT_EACH = """\
import importlib, sys
archive, *names = sys.argv[1:]
sys.path.insert(0, archive)
for name in names:
    for known in [m for m in sys.modules if m.partition(".")[0] == "pipeline"]:
        del sys.modules[known]
    importlib.import_module(name)
for name, module in sorted(sys.modules.items()):
    place = str(getattr(module, "__file__", None) or "")
    top = name.partition(".")[0]
    is_ours = top == "pipeline" and place.startswith(archive)
    if not is_ours and top not in {*sys.stdlib_module_names, "__main__"}:
        print(name, place)
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built runner.pyz in a folder of its own."""
    path = tmp_path_factory.mktemp("box") / "runner" / "runner.pyz"
    path.parent.mkdir()
    path.write_bytes(pyz.build(pyz.sources()))
    return path


def python(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a Python that sees the standard library and nothing else."""
    return subprocess.run(
        [sys.executable, "-I", "-S", *args],
        cwd=cwd,
        env={},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_module_starts_from_the_archive_alone(archive: Path) -> None:
    """A box has Python and git; of ours it has this one file."""
    names = [f"pipeline.{name}" for name in pyz.TRAVELS if name != "__init__"]

    done = python("-c", IMPORT_EACH, str(archive), *names, cwd=archive.parent)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


HERE = Path(pyz.__file__).parent


def source_of(name: str) -> Path:
    """Give the source of a module of ours, or of a folder of them."""
    place = HERE if name == "pipeline" else HERE / name.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def imports_of(text: bytes) -> Iterator[str]:
    """Name what a source imports while it runs, at its top or later."""
    waiting: list[ast.AST] = [ast.parse(text)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.If) and ast.unparse(part.test) == "TYPE_CHECKING":
            continue
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            module = str(part.module)
            yield module
            if source_of(module.removeprefix("pipeline.")).name == "__init__.py":
                yield from (f"{module}.{alias.name}" for alias in part.names)
        waiting.extend(ast.iter_child_nodes(part))


def of_stages() -> set[str]:
    """Name what the stages of this repository import of ours."""
    sources = (HERE.parent / "stages").rglob("*.py")
    found = {name for path in sources for name in _ours(path.read_bytes())}
    return {name.removeprefix("pipeline.") for name in found}


def _ours(text: bytes) -> Iterator[str]:
    ours = "pipeline."
    for part in ast.walk(ast.parse(text)):
        if isinstance(part, ast.ImportFrom) and f"{part.module}.".startswith(ours):
            yield from imports_of(ast.unparse(part).encode())


def test_what_travels_is_what_the_box_imports() -> None:
    """No more, and no less: an import inside a function would fail only there."""
    wanted, reached = ["box", *of_stages()], {"__init__"}
    while wanted:
        name = wanted.pop()
        reached.add(name)
        found = set(imports_of(source_of(name).read_bytes()))
        ours = {i.removeprefix("pipeline.") for i in found if i.startswith("pipeline.")}
        tops = {i.partition(".")[0] for i in found} - {"pipeline"}
        assert tops <= sys.stdlib_module_names, name
        wanted += ours - reached

    # `pipeline.__version__` is a name, no module.
    assert reached - {"__version__"} == set(pyz.TRAVELS)


def test_what_is_inside_is_what_lies_here(archive: Path) -> None:
    """The sources to the byte, and nothing of this machine: no time, no place."""
    with zipfile.ZipFile(archive) as source:
        held = {name: source.read(name) for name in pyz.sources()}
        dates = {info.date_time for info in source.infolist()}

    assert held == pyz.sources()
    assert len(dates) == 1
    assert str(Path.cwd()).encode() not in archive.read_bytes()


@pytest.mark.parametrize("name", ["pipeline/box.py", "pipeline/__init__.py"])
def test_other_sources_have_another_name(name: str) -> None:
    """The name stands for all that is inside: what is there is never sent again."""
    texts = pyz.sources()

    other = {**texts, name: texts[name] + b"\n"}

    assert pyz.name_of(texts) == pyz.name_of(dict(texts))
    assert pyz.name_of(other) != pyz.name_of(texts)


def strip(name: str, data: bytes) -> bytes | None:
    """Leave compiled code out."""
    return None if name.endswith(".pyc") else data


def of_another_python(name: str, data: bytes) -> bytes:
    """Make compiled code look like that of another version, which cannot be read."""
    magic = bytes([data[0] ^ 1]) + importlib.util.MAGIC_NUMBER[1:]
    return magic + b"?" * 40 if name.endswith(".pyc") else data


def as_it_is(_name: str, data: bytes) -> bytes:
    """Change nothing."""
    return data


@pytest.mark.parametrize("change", [as_it_is, strip, of_another_python])
def test_any_python_runs_it(
    archive: Path, tmp_path: Path, change: Callable[[str, bytes], bytes | None]
) -> None:
    """Compiled code is a gift to a Python of the same version; others pass it over."""
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(archive) as source,
        zipfile.ZipFile(changed, "w") as target,
    ):
        for name in source.namelist():
            if (data := change(name, source.read(name))) is not None:
                target.writestr(name, data)
    runner = tmp_path / "x" / "runner" / "runner.pyz"
    runner.parent.mkdir(parents=True)
    runner.write_bytes(changed.getvalue())

    done = python(str(runner), "stop", "20261120-1710-a3f9")

    assert done.returncode == 6, done.stderr
    assert "is not on this box" in json.loads(done.stdout)["error"]


def test_compiled_code_is_that_of_its_source(archive: Path) -> None:
    """Every module has some, and starts from it: nothing is compiled on the box."""
    with zipfile.ZipFile(archive) as source:
        names = set(source.namelist())
        for name in pyz.sources():
            head = source.read(f"{name}c")[:16]
            assert head[:4] == importlib.util.MAGIC_NUMBER
            assert head[8:] == importlib.util.source_hash(source.read(name))

    assert names == {"__main__.py", *pyz.sources(), *(f"{n}c" for n in pyz.sources())}


def test_an_old_python_answers_in_our_words(archive: Path) -> None:
    """What it is asked first is written so that it can be read at all."""
    with zipfile.ZipFile(archive) as source:
        text = source.read("__main__.py").decode()
    ast.parse(text, feature_version=(3, 4))

    done = python("-c", f"import sys; sys.version_info = (3, 8, 1)\n{text}")

    assert done.returncode == 6
    assert json.loads(done.stdout) == {
        "error": "python on this box is 3.8.1, 3.10 or newer is needed",
        "hint": "name another one: hosts.NAME.python",
    }


@pytest.mark.parametrize("run", ["../x", "/etc", "a/b", ".", "", "a\nb", "-x"])
def test_a_name_on_the_command_line_is_checked(archive: Path, run: str) -> None:
    """The box trusts nobody's names either."""
    done = python(str(archive), "stop", run)

    assert done.returncode == 6
    assert "cannot be the name of a run" in json.loads(done.stdout)["error"]


def test_a_verb_it_does_not_have_is_told(archive: Path) -> None:
    """And the code is none that would mean a broken link."""
    done = python(str(archive), "dance")

    assert (done.returncode, done.stderr) == (70, "no such verb: dance\n")
