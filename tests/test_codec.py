"""A type is its own format: what is written is read back, and nothing else is."""

from __future__ import annotations

import json
import typing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import codec, events
from pipeline.artifact import Manifest
from pipeline.errors import IntegrityError
from pipeline.gate import Gate
from pipeline.memory import RunRecord
from pipeline.schema import Resolved
from pipeline.wire import Answer, Carrying, Following
from tests.strategies import JSON, TEXT, values

KINDS = (Resolved, RunRecord, Manifest, Answer, Carrying, Following, Gate)
ANY_JSON = st.recursive(
    JSON, lambda j: st.lists(j) | st.dictionaries(TEXT, j), max_leaves=8
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_written_is_read_back(kind: type[Any], data: st.DataObject) -> None:
    """Every format of ours, with any text in it; and it always is UTF-8."""
    value = data.draw(values(kind))

    text = codec.dumps(value)

    assert codec.loads(kind, text.encode(), what="it") == value


@given(st.dictionaries(TEXT, st.integers(), min_size=2))
def test_the_order_of_keys_says_nothing(found: dict[str, int]) -> None:
    """The same value always gives the same line, so that hashes may be made of it."""
    turned = dict(reversed(found.items()))

    assert codec.dumps(turned) == codec.dumps(found)


@pytest.mark.parametrize("kind", typing.get_args(events.Happening))
@settings(max_examples=30)
@given(raw=st.dictionaries(st.sampled_from(["stage", "stages", "done"]), ANY_JSON))
def test_whatever_comes_is_read_or_refused(kind: type[Any], raw: object) -> None:
    """A value of the wrong type never gets in, and ends in no other error."""
    try:
        value = codec.decode(kind, raw, what="it")
    except IntegrityError:
        return

    assert isinstance(value, kind)
    assert isinstance(getattr(value, "stage", ""), str)


ROWS = {
    "not json": ("{", "it is not JSON: "),
    "too deep": ("[" * 100_000, "it is not JSON: "),
    "no object": ("[]", "it should be Gate, found '[]'"),
    "missing": ('{"op": "<"}', "it is not a whole Gate: "),
    "wrong type": ('{"metric": 1, "op": "<"}', "it: metric should be str, found '1'"),
    "true is no number": (
        '{"metric": "x", "op": "<", "limit": true}',
        "it: limit should be float, found 'True'",
    ),
    "larger than any float": (
        '{"metric": "x", "op": "<", "limit": 1' + "0" * 400 + "}",
        "it: limit should be float, found '1000",
    ),
}


@pytest.mark.parametrize(("text", "message"), ROWS.values(), ids=ROWS)
def test_what_is_refused_is_named(text: str, message: str) -> None:
    """Each row: a text that is no Gate, and what is said of it."""
    with pytest.raises(IntegrityError) as caught:
        codec.loads(Gate, text, what="it")

    assert str(caught.value).startswith(message)


def test_a_newer_writer_may_say_more() -> None:
    """Unknown keys are passed over, and what has a default may be missing."""
    said = {"metric": "x", "op": "is finite", "because": ["of", "reasons"]}

    assert codec.loads(Gate, json.dumps(said), what="it") == Gate(
        metric="x", op="is finite"
    )
