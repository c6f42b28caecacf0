"""Rules over numbers: what parses, and what each says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import gate
from pipeline.errors import SpecError
from pipeline.gate import Gate

INF, NAN = math.inf, math.nan

# gate, value of x (None: not reported), what is said of a failure
ROWS: dict[str, tuple[str, float | None, str]] = {
    "at least, on the line": ("x >= 0.8", 0.8, ""),
    "at least, below": ("x >= 0.8", 0.79, "x is 0.79"),
    "at most, on the line": ("x <= 0.8", 0.8, ""),
    "at most, above": ("x <= 0.8", 0.81, "x is 0.81"),
    "more, on the line": ("x > 1", 1.0, "x is 1"),
    "more": ("x > 1", 1.5, ""),
    "less, on the line": ("x < 1", 1.0, "x is 1"),
    "less": ("x < 1", -1.5, ""),
    "equal": ("x == 512", 512.0, ""),
    "not equal": ("x == 512", 511.0, "x is 511"),
    "other than": ("x != 0", 1.0, ""),
    "not other than": ("x != 0", -0.0, "x is -0"),
    "finite": ("x is finite", 1e300, ""),
    "not finite": ("x is finite", INF, "x is inf"),
    "nan is not finite": ("x is finite", NAN, "x is nan"),
    "nan is no number to compare": ("x != 0", NAN, "x is nan"),
    "infinite is never enough": ("x >= 0.8", INF, "x is inf"),
    "infinite is never little": ("x <= 0.8", -INF, "x is -inf"),
    "not reported": ("x >= 0.8", None, "no metric 'x' was reported"),
    "not reported is not finite": ("x is finite", None, "no metric 'x' was reported"),
}


@pytest.mark.parametrize(("text", "value", "said"), ROWS.values(), ids=ROWS)
def test_what_a_gate_says(text: str, value: float | None, said: str) -> None:
    """Each row: a rule, a number, and what is said when it fails."""
    metrics = {} if value is None else {"x": value}

    judgement = gate.judge([gate.parse(text)], metrics)

    assert judgement.failures == ((f"gate '{text}' failed: {said}",) if said else ())
    assert judgement.verdict == ("fail" if said else "pass")


SPELLINGS = {
    "x>=.5": Gate(metric="x", op=">=", limit=0.5),
    "  x   <  -1e-3 ": Gate(metric="x", op="<", limit=-0.001),
    "val/top-1.acc >= +5.": Gate(metric="val/top-1.acc", op=">=", limit=5.0),
    "x is   finite": Gate(metric="x", op="is finite"),
    "is is finite": Gate(metric="is", op="is finite"),
}


@pytest.mark.parametrize(("text", "rule"), SPELLINGS.items())
def test_how_a_gate_may_be_written(text: str, rule: Gate) -> None:
    """Each row: a text, and the rule it is."""
    assert gate.parse(text) == rule


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "x >=", ">= 1", "x = 1", "x => 1", "x >= y", "1 < x < 2"),
        *("x >= 1.2.3", "x >= 1e", "x is nan", "x isfinite", "x >= inf", "3x > 1"),
        "x >= 1\ny >= 1",
    ],
)
def test_what_is_no_gate_is_refused(text: str) -> None:
    """The message shows the text, on the line where it stands."""
    with pytest.raises(SpecError) as caught:
        gate.parse(text)

    assert caught.value.message.startswith(f"gate {text!r}")


@given(
    st.sampled_from(["<=", ">=", "<", ">", "==", "!="]),
    st.integers(-999_999, 999_999).map(lambda n: n / 1000),
)
def test_a_gate_is_shown_as_it_may_be_written(op: str, limit: float) -> None:
    """What a message shows can be put back into pipeline.yaml."""
    rule = Gate(metric="loss", op=op, limit=limit)

    assert gate.parse(str(rule)) == rule


def test_every_gate_that_fails_is_told() -> None:
    """In the order they are written."""
    rules = [gate.parse(text) for text in ("b > 1", "a > 1", "c > 1")]

    judgement = gate.judge(rules, {"a": 0, "b": 0, "c": 2})

    assert [said.split("'")[1] for said in judgement.failures] == ["b > 1", "a > 1"]


def test_without_gates_all_is_well() -> None:
    """A stage that asks for nothing passes, whatever its numbers."""
    assert gate.judge([], {"x": NAN}).verdict == "pass"
