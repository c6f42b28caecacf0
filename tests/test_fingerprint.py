"""A fingerprint changes with all that counts, and with nothing else."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import codec
from pipeline.fingerprint import Document, Parts, parts_of, read_document
from pipeline.schema import Code, Pipeline, Stage
from tests.strategies import JSON, TEXT, values

PARTS = values(
    Parts,
    inputs=st.dictionaries(TEXT, st.dictionaries(TEXT, TEXT, max_size=2), max_size=2),
)
CODE = Code(rule="all", digest="c0de")


def turned(value: Any) -> Any:
    """Give the same value with the keys of all mappings in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(inner) for key, inner in reversed(value.items())}
    return [turned(inner) for inner in value] if isinstance(value, list) else value


@settings(max_examples=60)
@given(
    values(Parts, params=st.dictionaries(TEXT, st.dictionaries(TEXT, JSON), max_size=3))
)
def test_the_order_of_keys_is_no_part_of_it(parts: Parts) -> None:
    """Nor is a way through JSON and back."""
    raw = turned(json.loads(codec.dumps(parts)))

    assert codec.decode(Parts, raw, what="parts").digest() == parts.digest()


@pytest.mark.parametrize("field", [one.name for one in dataclasses.fields(Parts)])
@settings(max_examples=20)
@given(PARTS, PARTS)
def test_every_field_is_a_part_of_it(field: str, parts: Parts, other: Parts) -> None:
    """Two that differ in one field alone have two names."""
    changed: dict[str, Any] = {field: getattr(other, field)}
    is_same = codec.dumps(changed[field]) == codec.dumps(getattr(parts, field))

    assert (replace(parts, **changed).digest() == parts.digest()) is is_same


@settings(max_examples=60)
@given(PARTS, st.dictionaries(TEXT, TEXT, max_size=3))
def test_a_document_is_read_as_it_was_written(
    parts: Parts, reads: dict[str, str]
) -> None:
    """And the same parts always give the same bytes."""
    document = Document(fingerprint=parts.digest(), parts=parts, reads=reads)
    text = document.text()

    found = read_document(text.encode())
    assert found is not None
    assert found.text() == text
    assert found.parts.digest() == parts.digest()


@pytest.mark.parametrize("data", [None, b"", b"{", b"[]", b"\xff\xfe", b'{"parts":{}}'])
def test_a_document_that_cannot_be_read_is_none(data: bytes | None) -> None:
    """As of an older version, or torn: such a seal is not reused."""
    assert read_document(data) is None


def fingerprint(stage: Stage, *, device: str = "cpu", **shared: Any) -> str:
    """Take the fingerprint of a stage in a pipeline with these params."""
    pipeline = Pipeline(name="x", stages=(stage,), params=shared)
    parts = parts_of(
        stage, pipeline, code=CODE, inputs={}, environment={}, device=device
    )
    return parts.digest()


MODULE = Stage(name="train", run="stages.train", outputs=("a", "b"), params={"lr": 0.1})
COMMAND = Stage(name="train", sh="echo {width}")


@pytest.mark.parametrize(
    "change",
    [
        {"gates": ("loss < 1",)},
        {"after": ("other",)},
        {"timeout_s": 7.0},
        {"retries": 3},
        {"cpus": 4},
        {"on_failure": "continue"},
        {"commit": "trained"},
        {"outputs": ("b", "a")},
    ],
)
def test_what_shapes_no_output_is_no_part_of_it(change: dict[str, Any]) -> None:
    """Gates above all: moving a threshold retrains nothing."""
    assert fingerprint(replace(MODULE, **change)) == fingerprint(MODULE)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"run": "stages.other"},
        {"outputs": ("a",)},
        {"collect": ("x/*",)},
        {"params": {"lr": 0.2}},
        {"params": {}},
        {"gpus": 1},
    ],
)
def test_what_shapes_outputs_is_a_part_of_it(change: dict[str, Any]) -> None:
    """All that a stage is told."""
    assert fingerprint(replace(MODULE, **change)) != fingerprint(MODULE)


def test_the_device_counts_for_who_asked_for_one() -> None:
    """A stage without GPUs may run on any box."""
    wanting = replace(MODULE, gpus=1)

    assert fingerprint(MODULE, device="cuda") == fingerprint(MODULE)
    assert fingerprint(wanting, device="cuda") != fingerprint(wanting)


def test_shared_params_count_where_they_can_be_seen() -> None:
    """A module may have a field for any of them; a command has what it names."""
    assert fingerprint(MODULE, other=1) != fingerprint(MODULE)
    assert fingerprint(COMMAND, other=1) == fingerprint(COMMAND)
    assert fingerprint(COMMAND, width=1) != fingerprint(COMMAND)
    assert fingerprint(COMMAND, seed=1) != fingerprint(COMMAND, seed=2)


@pytest.mark.parametrize(
    ("one", "two"),
    [(1, 1.0), (1, True), (0, False), ("1", 1), (None, "null"), ([], {})],
)
def test_values_that_python_calls_equal_are_told_apart(
    one: object, two: object
) -> None:
    """A stage may print what it is given."""
    stages = [replace(MODULE, params={"x": value}) for value in (one, two)]

    assert fingerprint(stages[0]) != fingerprint(stages[1])
