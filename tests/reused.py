"""A pipeline that reads code, params, data and files in every way, to be edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.laptop import Laptop

YAML = """\
name: reused
params: {seed: 3, width: 8}
data:
  dogs: {path: data/dogs}
stages:
  fit:
    run: stages.fit
    params: {times: 2}
    inputs: ["data:dogs"]
    outputs: [fit.txt]
  use:
    run: stages.use
    inputs: [fit/fit.txt]
    outputs: [use.txt]
  tool:
    sh: sh scripts/tool.sh {width} > $OUT/tool.txt
    code: [scripts, "tables/*.csv"]
    outputs: [tool.txt]
  whole:
    sh: cat notes/plain.txt doc/spoken.txt > $OUT/whole.txt
    outputs: [whole.txt]
"""
FIT = """\
from dataclasses import dataclass
from pathlib import Path

from lib import deep
from lib.star import *
from . import near
import ns.thing


@dataclass(frozen=True)
class Params:
    times: int = 1


def run(params, ctx):
    from lib.late import LATE
    import importlib

    seen = importlib.import_module("lib." + "computed").SEEN
    opened = Path("conf/settings.json").read_text()
    listed = sorted(p.name for p in Path("shelf").iterdir())
    dogs = sum(len(p.read_bytes()) for p in ctx.input("data:dogs").iterdir())
    said = [deep.DEEP, STAR, near.NEAR, ns.thing.THING, LATE, seen, opened, listed]
    with ctx.output("fit.txt") as path:
        path.write_text(f"{said} {dogs} {params.times}")
"""
USE = """\
def run(params, ctx):
    with ctx.output("use.txt") as path:
        path.write_text(ctx.input("fit/fit.txt").read_text() * 2)
"""
FILES = {
    "pipeline.yaml": YAML,
    ".gitignore": "data/\n",
    "README.md": "A readme.\n",
    "docs/guide.md": "A guide.\n",
    "doc/spoken.txt": "read by a command\n",
    "notes/plain.txt": "plain\n",
    "notes/prompt.md": "You are a prompt.\n",
    "stages/__init__.py": "",
    "stages/fit.py": FIT,
    "stages/use.py": USE,
    "stages/near.py": "NEAR = 1\n",
    "lib/__init__.py": "",
    "lib/deep.py": "from lib.deeper import DEEP\n",
    "lib/deeper.py": "DEEP = 1\n",
    "lib/star.py": "STAR = 1\n",
    "lib/late.py": "LATE = 1\n",
    "lib/computed.py": "SEEN = 1\n",
    "lib/nobody.py": "NOBODY = 1\n",
    "ns/thing.py": "THING = 1\n",
    "conf/settings.json": "{}\n",
    "shelf/a.txt": "a\n",
    "scripts/tool.sh": "cat tables/rates.csv; echo $1\n",
    "scripts/deep/more.txt": "more\n",
    "tables/rates.csv": "1,2\n",
    "tables/rates.txt": "not a csv\n",
    "data/dogs/a.png": "woof\n",
    "data/dogs/c.png": "pup\n",
}


def written(laptop: Laptop) -> Laptop:
    """Put the pipeline into the repository; it is found where it is installed."""
    # Other work on this checkout is none of the stages' environment.
    del laptop.env["PYTHONPATH"]
    for name, text in FILES.items():
        laptop.write(name, text)
    laptop.commit("a pipeline")
    return laptop


def planned(laptop: Laptop, *args: str) -> dict[str, dict[str, Any]]:
    """Ask for the plan: stage -> its decision."""
    document = json.loads(laptop.pipeline("plan", "--json", *args))
    return {one["stage"]: one for one in document["stages"]}


def kinds(laptop: Laptop, *args: str) -> dict[str, str]:
    """Ask for the plan in short: stage -> reuse, execute or wait."""
    return {name: one["kind"] for name, one in planned(laptop, *args).items()}


def not_reused(laptop: Laptop, *args: str) -> set[str]:
    """Name the stages that a run would not reuse."""
    return {name for name, kind in kinds(laptop, *args).items() if kind != "reuse"}


def executed(laptop: Laptop) -> list[str]:
    """Name the stages that the latest run executed."""
    told = laptop.story()
    return [one.split()[1] for one in told if one.startswith("stage_started")]


def sealed_file(laptop: Laptop, stage: str, name: str = "fingerprint.json") -> Any:
    """Read a JSON file of a stage's results in the latest run."""
    return json.loads((laptop.results / stage / name).read_text())


def artifact(laptop: Laptop, name: str) -> Path:
    """Give where an artifact of the latest run lies on this machine as a box."""
    return laptop.run_folder() / "tree" / "artifacts" / name
