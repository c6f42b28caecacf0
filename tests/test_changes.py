"""What differs between two fingerprints is said, all of it, and in words."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import changes
from pipeline.changes import Change
from pipeline.fingerprint import Parts
from tests.strategies import JSON, TEXT, values

INPUTS = st.dictionaries(
    st.sampled_from(["a/x", "a/", "b/y", "data:dogs"]),
    st.dictionaries(st.sampled_from(["x", "y", "."]), st.sampled_from(["", "0", "1"])),
)
ENVIRONMENT = st.dictionaries(
    st.sampled_from(["packages", "python", "platform"]),
    JSON | st.dictionaries(TEXT, JSON, max_size=3),
)
PARTS = values(Parts, inputs=INPUTS, environment=ENVIRONMENT)
SOME = Parts(
    stage="train",
    run="stages.train",
    sh="",
    outputs=("model.pt",),
    collect=(),
    params={"seed": 0, "codes": 512},
    inputs={"one/a.txt": {"a.txt": "1" * 64}, "data:dogs": {"a.png": "2" * 64}},
    environment={"python": "3.11", "packages": {"numpy": "1.26"}},
    device="cuda",
    rule="imports",
    code="c0de",
    files={"stages/train.py": "100644:aa"},
)


def said(**new: Any) -> list[str]:
    """Say what changes of SOME come to."""
    return [change.text() for change in changes.between(SOME, replace(SOME, **new))]


@settings(max_examples=150)
@given(PARTS, PARTS)
def test_something_is_said_exactly_where_fingerprints_differ(
    old: Parts, new: Parts
) -> None:
    """No seal is passed over without a reason, and no reason is made up."""
    found = changes.between(old, new)

    assert bool(found) is (old.digest() != new.digest())
    for change in found:
        assert change.old or change.new
        assert change.old != change.new


@pytest.mark.parametrize("field", [one.name for one in fields(Parts)])
@settings(max_examples=25)
@given(PARTS, PARTS)
def test_a_change_of_any_one_field_is_said(
    field: str, old: Parts, other: Parts
) -> None:
    """Whatever field it is in, alone."""
    changed: dict[str, Any] = {field: getattr(other, field)}
    new = replace(old, **changed)

    assert bool(changes.between(old, new)) is (old.digest() != new.digest())


@settings(max_examples=60)
@given(PARTS, PARTS)
def test_a_change_is_one_line_of_bounded_length(old: Parts, new: Parts) -> None:
    """But for names, which are shown whole."""
    for change in changes.between(old, new):
        text = change.text()
        assert text
        assert len(text) < len(change.name) + 160


@pytest.mark.parametrize(
    ("new", "wanted"),
    [
        ({"params": {"seed": 1, "codes": 512}}, ["param seed: 0 -> 1"]),
        ({"params": {"seed": 0}}, ["param codes is gone, was 512"]),
        (
            {"params": {"seed": 0, "codes": 512, "dim": [1, {"a": None}]}},
            ['param dim is new: [1,{"a":null}]'],
        ),
        ({"params": {"seed": "0", "codes": 512}}, ['param seed: 0 -> "0"']),
        ({"params": {"seed": 0.0, "codes": 512}}, ["param seed: 0 -> 0.0"]),
        ({"params": {"seed": False, "codes": 512}}, ["param seed: 0 -> false"]),
        ({"params": {"seed": "", "codes": 512}}, ['param seed: 0 -> ""']),
        ({"files": {"stages/train.py": "100644:bb"}}, ["code stages/train.py changed"]),
        (
            {"files": {**SOME.files, "h.py": "100644:bb"}, "code": "other"},
            ["code h.py is new"],
        ),
        ({"files": {}, "code": "x"}, ["code stages/train.py is gone"]),
        ({"code": "other"}, ["code changed"]),
        (
            {"rule": "all", "files": {}, "code": "other"},
            ["code: what it imports -> all of the snapshot"],
        ),
        (
            {"inputs": {**SOME.inputs, "one/a.txt": {"a.txt": "3" * 64}}},
            ["input one/a.txt changed"],
        ),
        (
            {"inputs": {"one/a.txt": SOME.inputs["one/a.txt"]}},
            ["data dogs is gone"],
        ),
        (
            {
                "inputs": {
                    **SOME.inputs,
                    "data:dogs": {"a.png": "2" * 64, "b.png": "4" * 64},
                }
            },
            ["data dogs/b.png is new"],
        ),
        (
            {"inputs": {**SOME.inputs, "data:dogs": {"b.png": "2" * 64}}},
            ["data dogs/a.png is gone", "data dogs/b.png is new"],
        ),
        (
            {"environment": {"python": "3.11", "packages": {"numpy": "2.0"}}},
            ["package numpy: 1.26 -> 2.0"],
        ),
        (
            {"environment": {"python": "3.12", "packages": {"numpy": "1.26"}}},
            ["environment python: 3.11 -> 3.12"],
        ),
        ({"device": ""}, ["device is gone, was cuda"]),
        ({"outputs": ("model.pt", "b")}, ["outputs: model.pt -> model.pt, b"]),
        ({"run": "stages.other"}, ["run: stages.train -> stages.other"]),
        ({"collect": ("a/*",)}, ["collect is new: a/*"]),
    ],
)
def test_each_kind_of_change_has_its_words(
    new: dict[str, Any], wanted: list[str]
) -> None:
    """Which thing it is, and both values where they can be read."""
    assert said(**new) == wanted


def test_lists_that_only_look_the_same_are_told_apart() -> None:
    """A name may hold a comma."""
    old, new = replace(SOME, outputs=("a, b",)), replace(SOME, outputs=("a", "b"))

    assert [c.text() for c in changes.between(old, new)] == [
        'outputs: ["a, b"] -> a, b'
    ]


def test_of_long_values_the_place_is_shown_where_they_differ() -> None:
    """The beginnings of two commands are mostly the same."""
    head = "python train.py --data somewhere --epochs 20 --codes 512 "
    change = Change(
        kind="setting", name="sh", old=f"{head}--lr 0.1", new=f"{head}--lr 0.01"
    )

    assert change.text() == "sh: ... 512 --lr 0.1 -> ... 512 --lr 0.01"


def test_a_command_of_many_lines_is_said_in_one() -> None:
    """As a reason in a table."""
    change = Change(kind="setting", name="sh", old="a\nb\n", new="a\nc\n")

    assert change.text() == "sh: a b -> a c"
    assert replace(change, new="a\n  b").text() == "sh: its spaces changed"
