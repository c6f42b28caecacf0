"""What is read from a stage's source: no more is refused than what would fail."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal, Optional, Union, get_type_hints  # noqa: F401 - below

import pytest

from pipeline import codec
from pipeline.errors import IntegrityError, SpecError
from pipeline.reading import kind, spec
from pipeline.reading.module import Source
from tests.laptop import Laptop

RUN = "\n\ndef run(params, ctx):\n    ...\n"
DATACLASS = "from dataclasses import dataclass, field\n\n\n@dataclass\nclass Params:\n"

# A module that takes `params: {n: 1}`, as far as its source tells.
PASSING = {
    "plain": DATACLASS + "    n: int = 0" + RUN,
    "a-number-may-be-whole": DATACLASS + "    n: float = 0" + RUN,
    "unknown-annotation": DATACLASS + "    n: Some.Where = 0" + RUN,
    "own-class": "class N: ...\n" + DATACLASS + "    n: N = 0" + RUN,
    "shadowed": "from elsewhere import int\n" + DATACLASS + "    n: int = 0" + RUN,
    "string": DATACLASS + "    n: 'int' = 0" + RUN,
    "broken-string": DATACLASS + "    n: 'int[' = 0" + RUN,
    "any": "from typing import Any\n" + DATACLASS + "    n: Any = 0" + RUN,
    "from-elsewhere": "from elsewhere import Params" + RUN,
    "everything-from-elsewhere": "from elsewhere import *" + RUN,
    "only-run": "from elsewhere import run, Params\n",
    "made": "Params = make_dataclass('Params', ['n'])" + RUN,
    "made-run": DATACLASS + "    n: int = 0\n\n\nrun = partial(work, 1)\n",
    "base-from-elsewhere": "from elsewhere import Base\n"
    "from dataclasses import dataclass\n\n\n"
    "@dataclass\nclass Params(Base):\n    m: int = 0" + RUN,
    "undecorated-below-another": "from elsewhere import Base\n\n\n"
    "class Params(Base):\n    m: int = 0" + RUN,
    "decorated-otherwise": "@attrs.define\nclass Params:\n    n: int = 0" + RUN,
    "decorated-by-another-name": "from dataclasses import dataclass as dc\n\n\n"
    "@dc(frozen=True)\nclass Params:\n    n: int = 0" + RUN,
    "one-way-or-the-other": "try:\n    from a import Params\nexcept ImportError:\n"
    "    Params = None" + RUN,
    "in-a-match": "match 1:\n    case _:\n        from a import Params" + RUN,
    "in-a-handler": "try:\n    x = 1\nexcept OSError:\n    from a import *" + RUN,
    "in-a-block": "if True:\n    " + DATACLASS.replace("\n", "\n    ")
    + "    n: int = 0" + RUN,
    "asked-for": "def __getattr__(name): ...\n",
    "variadic": DATACLASS + "    n: int = 0\n\n\ndef run(*args, **more): ...\n",
    "with-defaults": DATACLASS + "    n: int = 0\n\n\ndef run(p, c, more=1): ...\n",
    "decorated-run": DATACLASS + "    n: int = 0\n\n\n@wrap\ndef run(): ...\n",
    "generic-base": "from typing import Generic, TypeVar\nT = TypeVar('T')\n"
    + DATACLASS.replace("Params:", "Params(Generic[T]):") + "    n: int = 0" + RUN,
    "old-warnings": 'PATTERN = "\\d"\n' + DATACLASS + "    n: int = 0" + RUN,
    "alias": "N = int | None\n" + DATACLASS + "    n: N = None" + RUN,
    "alias-of-itself": "N = list[N]\n" + DATACLASS
    + "    m: N = 0\n    n: int = 0" + RUN,
}  # fmt: skip


def passes(folder: Path, source: str, run: str = "stages.train") -> None:
    """Read a pipeline whose one stage is this module."""
    (folder / "stages").mkdir(exist_ok=True)
    (folder / "stages/train.py").write_text(source)
    (folder / "pipeline.yaml").write_text(
        f"name: x\nstages: {{a: {{run: {run}, params: {{n: 1}}}}}}\n"
    )
    assert spec.load(folder / "pipeline.yaml").stage("a").run == run


@pytest.mark.parametrize("source", PASSING.values(), ids=PASSING)
def test_what_a_source_does_not_surely_say_passes(tmp_path: Path, source: str) -> None:
    """A wrong refusal would be worse than a late one."""
    passes(tmp_path, source)


@pytest.mark.parametrize("run", ["numpy.linalg", "stags.train", "x"])
def test_a_module_from_elsewhere_passes(tmp_path: Path, run: str) -> None:
    """It may be in the environment of the stages."""
    passes(tmp_path, PASSING["plain"], run)


def test_a_folder_that_is_no_package_hides_none(tmp_path: Path) -> None:
    """`data/` beside pipeline.yaml is not the package `data` of the environment."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/dogs.csv").touch()
    (tmp_path / "kit/kit").mkdir(parents=True)
    (tmp_path / "kit/setup.py").touch()

    for run in ("data.dogs", "kit.dogs"):
        passes(tmp_path, "", run)


def test_a_module_that_is_compiled_passes(tmp_path: Path) -> None:
    """It cannot be read."""
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/fast.cpython-311-x86_64-linux-gnu.so").touch()

    passes(tmp_path, "", "stages.fast")


def test_a_module_may_be_a_package_and_lie_at_the_root(tmp_path: Path) -> None:
    """The folder of pipeline.yaml comes first, the root of the repository second."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "work/train").mkdir(parents=True)
    (tmp_path / "work/train/__init__.py").write_text("from .deep import *" + RUN)
    (tmp_path / "part").mkdir()

    passes(tmp_path / "part", "", "work.train")
    with pytest.raises(SpecError, match=r"no module 'work\.trian'"):
        passes(tmp_path / "part", "", "work.trian")


def test_elsewhere_is_noted(laptop: Laptop) -> None:
    """So that a slip of the pen is seen all the same."""
    laptop.write("pipeline.yaml", "name: x\nstages: {a: {run: stags.train}}\n")

    assert laptop.pipeline("check") == (
        "note: stage 'a': module 'stags.train' is not in this repository,"
        " and must be in the environment of the stages\n"
        "pipeline.yaml: 1 stage; no mistake found\n"
    )


def test_run_refuses_params_before_anything_begins(chain: Laptop) -> None:
    """As check does: nothing is shipped, no run is there."""
    told = chain.pipeline("run", "--set", "three.times=often", code=2)

    assert told == (
        "--set 'three.times=often': param 'times' of stage 'three' should be"
        " a whole number, found 'often'\n"
    )
    assert not (chain.repo / "results").exists()


def test_no_module_is_imported(laptop: Laptop) -> None:
    """Importing one could take a minute, or do something."""
    laptop.write("stages/a.py", "import sys\nsys.exit('imported')\n" + RUN)
    laptop.write("pipeline.yaml", "name: x\nstages: {a: {run: stages.a}}\n")

    assert "no mistake" in laptop.pipeline("check")


ANNOTATIONS = [
    *("int", "float", "str", "bool", "None", "Any", "object", "dict", "list"),
    *("int | None", "Optional[float]", "Union[int, str]", "str | bool | None"),
    *("tuple[int, ...]", "tuple[float, ...]", "tuple[tuple[int, ...], ...]"),
    *("dict[str, int]", "dict[str, tuple[float, ...]]", "dict[str, Any]"),
    *("Literal['a', 'b']", "Literal[1, 2]", "Literal['a'] | None"),
]
VALUES: list[object] = [
    *(None, True, 0, 1, 2, -3, 1.5, 1e300, 10**400, "", "a", "1", [], [1], [1, "a"]),
    *([1.5], [[1]], [[1], ["a"]], [None], {}, {"a": 1}, {"a": 1.5}, {"a": [1, 2]}),
]


def refused_by_codec(annotation: str, value: object) -> bool:
    """Tell what the child would do with a param."""
    namespace = {"__annotations__": {"p": annotation}}
    hint = get_type_hints(type("Holder", (), namespace), globals())["p"]
    try:
        codec.decode(hint, value, what="p")
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize("annotation", ANNOTATIONS)
def test_a_param_is_refused_exactly_when_the_child_would(annotation: str) -> None:
    """One rule, read from the source here, and from the class there."""
    source = Source("m", Path("m.py"), is_package=False, names={}, is_open=False)
    node = ast.parse(annotation, mode="eval").body
    takes = kind.of(node, source).takes

    wrong = [v for v in VALUES if takes(v) == refused_by_codec(annotation, v)]

    assert wrong == []


def test_a_thousand_modules_are_read_while_one_waits(tmp_path: Path) -> None:
    """Each once, however many stages it serves."""
    (tmp_path / "stages").mkdir()
    stages = []
    for n in range(1000):
        (tmp_path / f"stages/s{n % 200}.py").write_text(PASSING["plain"])
        stages.append(f"  s{n}: {{run: stages.s{n % 200}, params: {{n: {n}}}}}\n")
    (tmp_path / "pipeline.yaml").write_text("name: x\nstages:\n" + "".join(stages))
    began = time.process_time()

    spec.load(tmp_path / "pipeline.yaml")

    assert time.process_time() - began < 5


def test_reading_brings_no_heavy_import() -> None:
    """Neither torch nor numpy, whatever a stage needs."""
    code = (
        "import sys; from pathlib import Path; from pipeline.reading import spec;"
        "spec.load(Path('pipeline.yaml'));"
        "print({'torch', 'numpy', 'stages'} & {*sys.modules})"
    )

    said = subprocess.check_output(
        [sys.executable, "-c", code], cwd=Path(__file__).parent.parent, text=True
    )

    assert said == "set()\n"
