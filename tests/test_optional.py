"""A data set that is optional may be absent, and that is noticed when it changes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pipeline import changes, resolve
from pipeline.fingerprint import ABSENT
from pipeline.layout import LaptopPaths
from pipeline.reading import spec
from pipeline.schema import Data, Host, Pipeline
from tests.laptop import Laptop
from tests.refused import said

DOGS = """\
name: dogs
data:
  dogs: {path: data/dogs, local: ~/dogs, optional: on}
stages:
  count:
    sh: |
      if test -e {data:dogs}; then ls {data:dogs}; else echo none; fi > $OUT/n.txt
    outputs: [n.txt]
  module:
    run: stages.look
    after: [count]
    inputs: ["data:dogs"]
    outputs: [n.txt]
"""
LOOK = '''\
"""Look at the data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    pass


def run(params, ctx):
    place = ctx.input("data:dogs")
    with ctx.output("n.txt") as path:
        path.write_text(f"{place.name} {place.exists()}")
'''


@pytest.fixture
def kennel(laptop: Laptop) -> Laptop:
    """Give a repository whose data set may be absent, and is."""
    laptop.write("pipeline.yaml", DOGS)
    laptop.write("stages/__init__.py", "")
    laptop.write("stages/look.py", LOOK)
    laptop.commit()
    return laptop


def made(laptop: Laptop, stage: str) -> str:
    """Give what a stage of the latest run made."""
    return laptop.git("show", f"run/{laptop.run_id}:artifacts/{stage}/n.txt")


def bring(laptop: Laptop) -> Path:
    """Put the data set at its home."""
    (laptop.home / "dogs").mkdir()
    (laptop.home / "dogs" / "rex").write_text("woof")
    return laptop.home / "dogs"


def test_an_absent_set_refuses_nothing_and_is_noticed_when_it_comes_and_goes(
    kennel: Laptop,
) -> None:
    """Its stages are executed again with it; without it, the first seals fit again."""
    kennel.pipeline("run")
    first = [made(kennel, "count"), made(kennel, "module")]
    told = [one for one in kennel.events() if one["kind"] == "data"]
    home = bring(kennel)
    appeared = kennel.pipeline("explain", "count")
    kennel.pipeline("run")
    second = [made(kennel, "count"), made(kennel, "module")]
    shutil.rmtree(home)
    plan = json.loads(kennel.pipeline("plan", "--json"))

    assert (first, second) == (["none", "dogs False"], ["rex", "dogs True"])
    assert [one["said"] for one in told] == ["data dogs: absent, and optional"]
    assert "data dogs is new" in appeared
    assert [one["kind"] for one in plan["stages"]] == ["reuse", "reuse"]
    assert plan["sealed_in"]


def test_where_it_is_absent_nothing_is_linked_and_the_fingerprint_says_so(
    kennel: Laptop,
) -> None:
    """So that no stage writes through a link to where the data would be."""
    kennel.pipeline("run")

    paths = kennel.run_folder() / "tree" / "data"
    document = json.loads((kennel.results / "count" / "fingerprint.json").read_text())
    assert not paths.exists()
    assert document["parts"]["inputs"] == {"data:dogs": ABSENT}


def test_a_run_takes_it_as_it_stood_when_it_began(kennel: Laptop) -> None:
    """What appears in the middle is in no stage of it: none would know of which."""
    grown = DOGS.replace("    sh: |\n", "    sh: |\n      mkdir -p ~/dogs\n")
    kennel.write("pipeline.yaml", grown)
    kennel.commit()

    kennel.pipeline("run")

    assert (kennel.home / "dogs").is_dir()
    assert made(kennel, "module") == "dogs False"
    document = json.loads((kennel.results / "module" / "fingerprint.json").read_text())
    assert document["parts"]["inputs"] == {"data:dogs": ABSENT}


def test_what_was_there_and_goes_is_missed(kennel: Laptop) -> None:
    """Half of a run shall not have it."""
    bring(kennel)
    gone = DOGS.replace("> $OUT/n.txt\n", "> $OUT/n.txt\n      rm -r ~/dogs/\n")
    kennel.write("pipeline.yaml", gone)
    kennel.commit()

    said = kennel.pipeline("run", code=6)

    assert "data 'dogs' is not on host 'local': ~/dogs" in said


def test_a_link_to_nowhere_is_no_absence(kennel: Laptop) -> None:
    """The disk behind it may not be mounted."""
    (kennel.home / "dogs").symlink_to("/nowhere/at/all")

    said = kennel.pipeline("run", code=6)

    assert "'local': ~/dogs is a link that leads nowhere" in said


def test_its_place_may_not_be_in_git(kennel: Laptop) -> None:
    """Absent or not: a stage would take what lies there for the data."""
    kennel.write("data/dogs/x", "mine")
    kennel.commit()

    assert "data/dogs is in git" in kennel.pipeline("run", code=6)


def test_status_says_that_it_is_optional(kennel: Laptop) -> None:
    """And not here."""
    (one,) = json.loads(kennel.pipeline("data", "status", "--json"))["sets"]

    assert "dogs: not here, and optional\n" in kennel.pipeline("data", "status")
    assert one["is_optional"]


def test_a_host_needs_no_home_of_an_optional_set(tmp_path: Path) -> None:
    """It is absent there, as where the home is not there."""
    sets = (Data(name="dogs", path="data/dogs", is_optional=True),)
    pipeline = Pipeline(name="x", stages=(), data=sets)
    gpu, paths = Host(name="gpu", ssh="gpu"), LaptopPaths(tmp_path)

    assert resolve.data_homes(pipeline, gpu, paths) == {}
    assert resolve.data_homes(pipeline, None, paths) == {
        "dogs": str(tmp_path / "data/dogs")
    }


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (ABSENT, {"a": "1", "b": "2"}, "data dogs is new"),
        ({"a": "1"}, ABSENT, "data dogs is gone"),
        ({}, ABSENT, "data dogs is gone"),
        (None, ABSENT, "data dogs is new"),
        (ABSENT, None, "data dogs is gone"),
    ],
)
def test_what_comes_and_goes_is_told_as_such(
    old: dict[str, str] | None, new: dict[str, str] | None, told: str
) -> None:
    """And not as a file that is called absent."""
    before, after = ({} if one is None else {"data:dogs": one} for one in (old, new))

    (change,) = changes.of_inputs(before, after)

    assert change.text() == told


def test_optional_is_a_switch(tmp_path: Path) -> None:
    """Off when it is not said."""
    text = "name: x\nstages: {a: {sh: x}}\ndata: {d: {path: d, optional: %s}}\n"
    place = tmp_path / "pipeline.yaml"
    place.write_text(text % "on")

    assert spec.load(place).data[0].is_optional
    assert "'optional' of data 'd' should be on or off" in said(text % "maybe")
