"""Rules over metrics, and what they said.

A gate is `metric op number` or `metric is finite`. Judging is pure, happens after the
stage, and is no part of its fingerprint: moving a threshold never retrains.
"""

from __future__ import annotations

import math
import operator
import re
from typing import TYPE_CHECKING, Literal

from pipeline.errors import SpecError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Verdict = Literal["pass", "fail"]

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
_GATE = re.compile(
    r"\s*(?P<metric>[A-Za-z_][\w./-]*)\s*"
    r"(?:(?P<op><=|>=|==|!=|<|>)\s*(?P<limit>[-+]?[\d.]+(?:[eE][-+]?\d+)?)"
    r"|(?P<finite>is\s+finite))\s*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One rule: `op` is a comparison with `limit`, or `is finite`."""

    metric: str
    op: str
    limit: float = 0.0

    def __str__(self) -> str:
        """Write the rule as a user would."""
        if self.op == "is finite":
            return f"{self.metric} is finite"
        return f"{self.metric} {self.op} {self.limit:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a stage's gates said together: the rules that failed, each in words."""

    failures: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Pass when no rule failed."""
        return "fail" if self.failures else "pass"


def parse(text: str) -> Gate:
    """Read a gate, or refuse it in one line."""
    found = _GATE.fullmatch(text)
    if found is None:
        message = f"gate {text!r} does not parse"
        hint = "a gate is 'metric >= 0.8' (or <=, <, >, ==, !=) or 'metric is finite'"
        raise SpecError(message, hint=hint)
    if found["finite"]:
        return Gate(metric=found["metric"], op="is finite")
    try:
        limit = float(found["limit"])
    except ValueError as error:
        message = f"gate {text!r}: {found['limit']!r} is not a number"
        raise SpecError(message) from error
    return Gate(metric=found["metric"], op=found["op"], limit=limit)


def judge(gates: Iterable[Gate], metrics: Mapping[str, float]) -> Judgement:
    """Hold `metrics` against `gates`; a metric that is missing or not finite fails."""
    said = (_failure(gate, metrics.get(gate.metric)) for gate in gates)
    return Judgement(failures=tuple(text for text in said if text))


def _failure(gate: Gate, value: float | None) -> str:
    if value is None:
        return f"gate '{gate}' failed: no metric {gate.metric!r} was reported"
    if not math.isfinite(value):
        return f"gate '{gate}' failed: {gate.metric} is {value}"
    if gate.op == "is finite" or _COMPARISONS[gate.op](value, gate.limit):
        return ""
    return f"gate '{gate}' failed: {gate.metric} is {value:g}"
