"""What code names and git ignores is told of, before a box lacks it."""

from __future__ import annotations

import pytest

from pipeline.reading import overlooked, spec
from tests.laptop import Laptop

TEXT = """\
name: x
data: {dogs: {path: data/dogs}}
stages:
  a: {sh: "python train.py --data data/cats.h5 --out $OUT", collect: [logs/*]}
  b: {run: steps.b}
"""
NAMED = {
    "pipeline.yaml": TEXT,
    ".gitignore": "data/\nweights/\nlogs/\n*.ckpt\nbuild/\n.cache/\n",
    "train.py": "import more.part\nopen('missing.txt')\nx = 'logs/old.txt'\n",
    "more/__init__.py": "",
    "more/part.py": "P = Path(__file__).parent / 'init.ckpt'\nname = 'build'\n",
    "steps/__init__.py": "",
    "steps/b.py": "def run(params, ctx):\n    from . import c\n    return c\n",
    "steps/c.py": (
        "import os\nD = Path('data') / 'dogs' / 'x'\nE = 'data/tracked.txt'\n"
        "W = os.path.join('weights', 'v1.bin')\nF = '../../etc/passwd'\nG = '\\0'\n"
    ),
}
LYING = (
    *("data/cats.h5", "data/dogs/x", "weights/v1.bin", "more/init.ckpt"),
    *("logs/old.txt", "build/x", "data/tracked.txt"),
)


@pytest.fixture
def named(laptop: Laptop) -> Laptop:
    """A repository whose code names more than git has."""
    for name, text in NAMED.items():
        laptop.write(name, text)
    for name in LYING:
        laptop.write(name, "here")
    laptop.git("add", "-f", "data/tracked.txt")
    laptop.commit()
    return laptop


def test_what_would_not_travel_is_named_with_its_place(named: Laptop) -> None:
    """Of commands, scripts, modules and what they import; data sets are covered."""
    pipeline = spec.load(named.repo / "pipeline.yaml")

    found = overlooked.overlooked(pipeline, named.repo)

    assert [(one.path, one.named_in, one.line) for one in found] == [
        ("data/cats.h5", "stage 'a'", 0),
        ("more/init.ckpt", "more/part.py", 1),
        ("weights", "steps/c.py", 4),
    ]


def test_check_says_so_and_finds_no_mistake(named: Laptop) -> None:
    """It is a note: a script may make that file itself."""
    said = named.pipeline("check")
    status = named.pipeline("data", "status")

    assert "note: data/cats.h5 is named in stage 'a', and ignored by git" in said
    assert "no mistake found" in said
    assert "note: weights is named in steps/c.py:4" in status


def test_a_literal_without_end_holds_nothing_up(named: Laptop) -> None:
    """Weights and pictures lie in scripts too, as one word of many thousand letters."""
    named.write("steps/c.py", f"X = '{'ab' * 150_000}'\n{NAMED['steps/c.py']}")

    found = overlooked.overlooked(spec.load(named.repo / "pipeline.yaml"), named.repo)

    assert "weights" in [one.path for one in found]


def test_of_many_a_few_are_said(laptop: Laptop) -> None:
    """And how many more there are."""
    names = [f"data/{number}.bin" for number in range(40)]
    laptop.write(
        "pipeline.yaml", f"name: x\nstages: {{a: {{sh: cat {' '.join(names)}}}}}\n"
    )
    laptop.write(".gitignore", "data/*\n")
    for name in names:
        laptop.write(name, "x")

    said = overlooked.notes(spec.load(laptop.repo / "pipeline.yaml"), laptop.repo)

    assert len(said) == 6
    assert said[-1] == "and 35 more paths that git ignores"


def test_a_repository_that_ignores_nothing_says_nothing(chain: Laptop) -> None:
    """No false alarm."""
    pipeline = spec.load(chain.repo / "pipeline.yaml")

    assert overlooked.notes(pipeline, chain.repo) == []
