"""The declared graph, drawn: as text, as a flowchart, and as JSON."""

from __future__ import annotations

import io
import itertools
import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reading import spec
from pipeline.schema import Input, Pipeline, Stage
from pipeline.views import drawing, ink, mermaid
from pipeline.views.chart import Chart, chart

if TYPE_CHECKING:
    from tests.laptop import Laptop

FORK = """\
name: fork
data: {dogs: {path: data/dogs}}
stages:
  prepare: {sh: ls, inputs: ["data:dogs"], outputs: [w.npz]}
  check: {sh: "true", after: [prepare]}
  train:
    run: stages.train
    inputs: [prepare/w.npz]
    after: [check]
    outputs: [model.npz, "log/"]
    gates: [loss is finite, accuracy >= 0.8]
    gpus: 1
  end: {sh: "echo one\\necho two", inputs: [train/model.npz]}
"""
DRAWN = """\
fork  4 stages

○   prepare  $ ls
│            needs  data:dogs
│            makes  w.npz
├╌○ check    $ true
│ ┊          after  prepare
◇╌╯ train    stages.train
│            after  check
│            needs  prepare/w.npz
│            makes  model.npz, log/
│            gates  loss is finite, accuracy >= 0.8
│            gpus   1
○   end      $ echo one …
             needs  train/model.npz

│ files   ┊ order only (after)   ◇ has gates
"""
FLOW = """\
flowchart TD
  d1[("dogs")]
  s1["prepare"]
  s2["check"]
  s3{{"train<br/>2 gates, 1 GPU"}}
  s4["end"]
  d1 --> s1
  s1 -.-> s2
  s2 -.-> s3
  s1 -->|"w.npz"| s3
  s3 -->|"model.npz"| s4
"""


def text_of(drawn: Chart, width: int = 80, encoding: str = "utf-8") -> str:
    """Draw as text for a pipe."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return ink.printed(drawing.draw(drawn, width), out)


def stage(name: str, *needs: str, after: tuple[str, ...] = ()) -> Stage:
    """Make a stage that reads a file of each of `needs`."""
    inputs = tuple(Input(stage=need, file="f") for need in needs)
    return Stage(name=name, sh="x", inputs=inputs, after=after, outputs=("f",))


def test_the_text_shows_files_order_gates_and_gpus() -> None:
    """An edge of files is full, one of order thin; a gate changes the mark."""
    assert text_of(chart(spec.parse(FORK))) == DRAWN


def test_the_flowchart_shows_files_order_gates_and_data() -> None:
    """Files stand on the edges, order is dotted, a data set is a cylinder."""
    assert mermaid.flowchart(chart(spec.parse(FORK))) == FLOW


def test_names_narrow_it_to_what_they_need() -> None:
    """The way down to the roots stays whole; the rest is counted."""
    said = text_of(chart(spec.parse(FORK), ["check"]))

    assert said.startswith("fork  2 of 4 stages\n")
    assert "prepare" in said
    assert "train" not in said


def test_a_terminal_without_unicode_gets_ascii() -> None:
    """Sign by sign, so that the columns stay."""
    said = text_of(chart(spec.parse(FORK)), encoding="ascii")

    assert said.isascii()
    assert [len(line) for line in said.splitlines()] == list(
        map(len, DRAWN.splitlines())
    )


@pytest.mark.parametrize("width", [20, 40, 60, 100])
def test_items_are_never_broken(width: int) -> None:
    """In a narrow place they go below each other, each whole."""
    said = text_of(chart(spec.parse(FORK)), width)

    for item in ("accuracy >= 0.8", "loss is finite", "train/model.npz", "log/"):
        assert item in said
    if width >= 60:
        assert max(map(len, said.splitlines())) <= width


def test_a_graph_too_wide_for_lines_says_so() -> None:
    """Every stage still says what it needs."""
    roots = [stage(f"s{at}") for at in range(100)]
    last = stage("z", *(root.name for root in roots))
    said = text_of(chart(Pipeline(name="x", stages=(*roots, last))))

    assert "○ s0 " in said
    assert said.endswith("too wide for lines: each stage says what it needs\n")


HOSTILE = [
    'a "b"',
    "style:a#b;",
    "x|y]})>",
    "`t`",
    "1. x",
    "- y",
    "<b>&",
    "%%c",
    "ä",
    "\\n",
]
_LINES = (
    r"d\d+\[\(L\)\]",
    r"s\d+\[L\]",
    r"s\d+\{\{L\}\}",
    r"d\d+ --> s\d+",
    r"s\d+ -\.-> s\d+",
    r"s\d+ -->\|L\| s\d+",
)
# Of a label: words, breaks of ours, and signs by their numbers. Nothing else.
_GRAMMAR = re.compile(
    "|".join(f"(?:  {line})" for line in _LINES).replace(
        "L", r'"(?:[\w./ -]|#\d+;|<br/>|, )*"'
    )
)


@given(
    st.lists(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)),
    st.lists(st.sampled_from(HOSTILE) | st.text(min_size=1, max_size=9), max_size=6),
)
def test_no_name_is_ever_syntax(names: list[str], files: list[str]) -> None:
    """Words such as `end`, quotes, arrows: each line is one of six shapes."""
    names = list(dict.fromkeys(["end", "graph", "click", "o-x", *names]))
    files = [file for file in files if file.isprintable()]
    stages = [Stage(name=names[0], sh="x")]
    for before, name in itertools.pairwise(names):
        inputs = tuple(Input(stage=before, file=file) for file in files)
        stages.append(Stage(name=name, sh="x", inputs=inputs, after=(before,)))
    head, *lines = mermaid.flowchart(
        chart(Pipeline(name="x", stages=tuple(stages)))
    ).splitlines()

    assert head == "flowchart TD"
    assert len(lines) == len(names) + len(names) - 1
    assert [line for line in lines if not _GRAMMAR.fullmatch(line)] == []


def test_an_edge_with_many_files_names_a_few() -> None:
    """More would hide the graph."""
    inputs = tuple(Input(stage="a", file=f"f{at}") for at in range(9))
    stages = (Stage(name="a", sh="x"), Stage(name="b", sh="x", inputs=inputs))

    assert '"f0<br/>f1<br/>f2<br/>f3<br/>and 5 more"' in mermaid.flowchart(
        chart(Pipeline(name="x", stages=stages))
    )


@pytest.mark.parametrize("shape", ["chain", "fan", "backwards"])
def test_5000_stages_take_a_moment(shape: str) -> None:
    """Twice the stages take about twice the time: nothing here is quadratic."""

    def drawn(count: int) -> float:
        stages = [stage("s0"), *(stage(f"s{at}", "s0") for at in range(1, count))]
        if shape != "fan":
            stages = [stage("s0")]
            stages += [stage(f"s{at}", f"s{at - 1}") for at in range(1, count)]
        if shape == "backwards":
            stages.reverse()
        whole = Pipeline(name="x", stages=tuple(stages))
        begin = time.process_time()
        seen = chart(whole)
        text_of(seen)
        mermaid.flowchart(seen)
        return time.process_time() - begin

    few = min(drawn(1250) for _ in range(3))
    many = min(drawn(5000) for _ in range(3))

    assert many < 2.0
    assert many < 10 * few + 0.1


def test_graph_speaks_json(laptop: Laptop) -> None:
    """The stages in order, the edges with their files, and the data sets."""
    laptop.write("pipeline.yaml", FORK)

    said = json.loads(laptop.pipeline("graph", "--json", "train"))

    assert list(said) == ["name", "stages", "edges", "data"]
    assert [one["name"] for one in said["stages"]] == ["prepare", "check", "train"]
    assert said["stages"][2]["gates"] == ["loss is finite", "accuracy >= 0.8"]
    assert said["edges"] == [
        {"from": "prepare", "to": "check", "files": []},
        {"from": "check", "to": "train", "files": []},
        {"from": "prepare", "to": "train", "files": ["w.npz"]},
    ]
    assert said["data"] == [{"name": "dogs", "path": "data/dogs"}]


def test_graph_as_the_command_prints_it(laptop: Laptop) -> None:
    """The same text as above; a stage that is not there gets the near name."""
    laptop.write("pipeline.yaml", FORK)

    assert laptop.pipeline("graph", env={"COLUMNS": "80"}) == DRAWN
    assert laptop.pipeline("graph", "--mermaid") == FLOW
    assert laptop.pipeline("graph", "trian", code=2) == (
        "no stage is called 'trian'\n  did you mean 'train'?\n"
    )
    said = laptop.pipeline("graph", "--mermaid", "--json", code=2)
    assert "not allowed with argument" in said
