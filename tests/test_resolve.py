"""Which stages a person wants, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SpecError
from pipeline.graph import order
from pipeline.resolve import Choice, choose
from pipeline.schema import Pipeline, Stage
from tests.strategies import graphs

#     a
#    / \
#   b   c
#    \ / \
#     d   e
SHAPE = {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("c",)}
PIPELINE = Pipeline(
    name="x",
    stages=tuple(Stage(name=name, after=needs) for name, needs in SHAPE.items()),
)
GRAPHS = graphs().filter(bool).map(lambda g: Pipeline(name="x", stages=tuple(g)))


def chosen(choice: Choice, pipeline: Pipeline = PIPELINE) -> tuple[str, str, str]:
    """Choose; give the stages, the forced and the settled as letters."""
    found, force, settled = choose(pipeline, choice)
    return "".join(one.name for one in found.stages), "".join(force), "".join(settled)


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (Choice(), ("abcde", "", "")),
        (Choice(force=("*",)), ("abcde", "abcde", "")),
        (Choice(force=("b",)), ("abcde", "b", "")),
        (Choice(force=("b", "e")), ("abcde", "be", "")),
        (Choice(until="b"), ("ab", "", "")),
        (Choice(until="d"), ("abcd", "", "")),
        (Choice(until="b", force=("*",)), ("ab", "ab", "")),
        (Choice(since="c"), ("abcde", "cde", "")),
        (Choice(since="e"), ("ace", "e", "")),
        (Choice(since="c", until="e"), ("ace", "ce", "")),
        (Choice(only=("a",)), ("a", "", "")),
        (Choice(only=("d",)), ("abcd", "", "abc")),
        (Choice(only=("d", "b")), ("abcd", "", "ac")),
        (Choice(only=("d",), force=("d",)), ("abcd", "d", "abc")),
        (Choice(only=("d",), until="d"), ("abcd", "", "abc")),
        (Choice(only=("c",), since="c"), ("ac", "c", "a")),
    ],
)
def test_a_choice_of_stages(choice: Choice, wanted: tuple[str, str, str]) -> None:
    """Those looked at, those executed whatever was sealed, those that must be."""
    assert chosen(choice) == wanted


@pytest.mark.parametrize(
    ("choice", "message", "hint"),
    [
        (Choice(force=("trian",)), "no stage is called 'trian'", "there are: a, b, c"),
        (Choice(until="aa"), "no stage is called 'aa'", "'a'"),
        (Choice(since="x"), "no stage is called 'x'", "there are"),
        (Choice(only=("x",)), "no stage is called 'x'", "there are"),
        # Of a variable that is not set, or what only --force knows.
        (Choice(only=("",)), "no stage is called ''", "there are"),
        (Choice(force=("",)), "no stage is called ''", "there are"),
        (Choice(since=""), "no stage is called ''", "there are"),
        (Choice(until=""), "no stage is called ''", "there are"),
        (Choice(until="*"), "no stage is called '*'", "there are"),
        (Choice(only=("*",)), "no stage is called '*'", "there are"),
        (Choice(only=("d",), force=("b",)), "stage 'b' is to be executed", "--only"),
        (Choice(only=("d",), force=("*",)), "is to be executed, and", "--only"),
    ],
)
def test_a_choice_that_means_nothing_is_refused(
    choice: Choice, message: str, hint: str
) -> None:
    """With what is there, or the near name."""
    with pytest.raises(SpecError) as refused:
        choose(PIPELINE, choice)

    assert message in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    "choice",
    [
        Choice(until="b", force=("d",)),
        Choice(until="b", since="d"),
        Choice(until="b", only=("d",)),
        Choice(since="e", force=("b",)),
    ],
)
def test_a_stage_that_is_left_out_cannot_be_asked_for(choice: Choice) -> None:
    """Two wishes that exclude each other are said, and not silently dropped."""
    with pytest.raises(SpecError, match="leaves it out"):
        choose(PIPELINE, choice)


def names(stages: Iterable[Stage]) -> set[str]:
    """Name them."""
    return {one.name for one in stages}


@given(GRAPHS, st.data())
def test_what_is_chosen_is_a_whole_graph(
    pipeline: Pipeline, data: st.DataObject
) -> None:
    """Whatever stage is left, all it needs is left; it can be put in order."""
    name = st.sampled_from(sorted(names(pipeline.stages)))
    choice = data.draw(
        st.builds(
            Choice,
            force=st.lists(name, max_size=2).map(tuple),
            until=st.just("") | name,
            since=st.just("") | name,
            only=st.lists(name, max_size=2).map(tuple),
        )
    )
    try:
        found, force, settled = choose(pipeline, choice)
    except SpecError:
        return

    left = names(found.stages)
    assert all(set(one.needs) <= left for one in found.stages)
    assert [one.name for one in found.stages] == [
        one.name for one in pipeline.stages if one.name in left
    ]
    assert len(order(found.stages)) == len(found.stages)
    assert set(force) | set(settled) <= left
    assert not set(force) & set(settled)
    assert set(choice.force) <= left
