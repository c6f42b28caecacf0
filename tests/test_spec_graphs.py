"""Graphs and names: true of all of them, however they are drawn."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import gate, graph
from pipeline.errors import SpecError
from pipeline.layout import is_safe_name
from pipeline.reading import naming, spec

Edges = set[tuple[int, int]]

KEYS = st.sampled_from(["after", "inputs", "sh"])


def written(many: int, edges: Edges, keys: dict[tuple[int, int], str]) -> str:
    """Write a pipeline whose stage `a` needs stage `b` for each edge (a, b)."""
    lines = ["name: x", "stages:"]
    for stage in range(many):
        said: dict[str, list[str]] = {"after": [], "inputs": [], "sh": ["x"]}
        for _, need in sorted(edge for edge in edges if edge[0] == stage):
            key = keys.get((stage, need), "after")
            word = {"after": f"s{need}", "inputs": f"s{need}/f", "sh": f"{{s{need}/f}}"}
            said[key].append(word[key])
        lines += [
            f"  s{stage}:",
            f"    sh: {' '.join(said['sh'])}",
            "    outputs: [f]",
            f"    after: [{', '.join(said['after'])}]",
            f"    inputs: [{', '.join(said['inputs'])}]",
        ]
    return "\n".join(lines) + "\n"


def is_circular(many: int, edges: Edges) -> bool:
    """Tell it in the dullest way there is: take away what needs nothing."""
    left = set(range(many))
    while free := {n for n in left if not any((n, need) in edges for need in left)}:
        left -= free
    return bool(left)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, Edges, dict[tuple[int, int], str]]:
    """Draw any graph, circles and all, and by which key each edge is said."""
    many = draw(st.integers(1, 7))
    node = st.integers(0, many - 1)
    edges = draw(st.sets(st.tuples(node, node), max_size=12))
    return many, edges, {edge: draw(KEYS) for edge in edges}


@given(graphs())
def test_a_graph_has_an_order_or_its_circle_is_named(
    drawn: tuple[int, Edges, dict[tuple[int, int], str]],
) -> None:
    """Never both, never neither; and each edge that is named is there."""
    many, edges, keys = drawn
    text = written(many, edges, keys)
    if is_circular(many, edges):
        with pytest.raises(SpecError) as caught:
            spec.parse(text)
        assert circles_of(str(caught.value), text, keys)
        return

    pipeline = spec.parse(text)
    placed = [stage.name for stage in graph.order(pipeline.stages)]
    assert sorted(placed) == sorted(f"s{n}" for n in range(many))
    for stage, need in edges:
        assert placed.index(f"s{need}") < placed.index(f"s{stage}")


def circles_of(message: str, text: str, keys: dict[tuple[int, int], str]) -> int:
    """Count the circles of a message, each link held against the file."""
    lines = text.splitlines()
    count = 0
    for sentence in re.findall(
        r"^pipeline\.yaml:\S+ (stage .*)$", message, re.MULTILINE
    ):
        first = at = re.match(r"stage '(\w+)' needs", sentence)[1]  # type: ignore[index]
        link = r"('\w+'|itself) \('(\w+)', line (\d+)\)"
        for need, key, line in re.findall(link, sentence):
            name = at if need == "itself" else need.strip("'")
            assert keys[int(at[1:]), int(name[1:])] == key
            assert name in lines[int(line) - 1]
            at = name
        assert at == first
        count += 1
    return count


@given(st.text(max_size=70))
def test_a_name_is_refused_or_safe(name: str) -> None:
    """What passes may be a part of a path; what is asked for instead passes."""
    if not naming.name_flaw(name):
        assert is_safe_name(name)
        assert "/" not in name
        assert name not in {".", ".."}
    if hint := naming.name_hint(name):
        assert not naming.name_flaw(hint.split("'")[1])


@given(st.text(alphabet="ab./*-~ \t", max_size=12) | st.text(max_size=12))
def test_a_path_is_refused_or_stays_inside(path: str) -> None:
    """The quick look lets no more pass than the close one."""
    if naming.path_flaw(path):
        return

    parts = path.rstrip("/").split("/")
    assert all(part not in {"", ".", "..", ".git"} for part in parts)
    assert not path.startswith(("/", "~"))
    assert path.isprintable()


@given(st.text(alphabet="loss ><=!is finte.0189e+-\t", max_size=20))
def test_a_gate_is_refused_or_means_what_it_shows(text: str) -> None:
    """What is shown of a gate can be written, and is the same gate."""
    try:
        rule = gate.parse(text)
    except SpecError as error:
        said = error.message
    else:
        said = repr(text)
        assert str(gate.parse(str(rule))) == str(rule)

    assert repr(text) in said


@pytest.mark.parametrize("many", [3, 2000])
def test_a_long_circle_is_found_without_recursion(many: int) -> None:
    """However long the chain is that ends where it began."""
    edges = {(n, n - 1) for n in range(1, many)} | {(0, many - 1)}

    with pytest.raises(SpecError) as caught:
        spec.parse(written(many, edges, {}))

    assert str(caught.value).startswith("pipeline.yaml:6:13: stage 's0' needs ")
