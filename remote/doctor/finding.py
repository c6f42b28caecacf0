"""What the doctor says of one thing: found, wanted, and what to type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from pipeline.errors import PipelineError
from pipeline.frozen import dataclass
from pipeline.views.tame import tame

_MOST = 400  # signs; a box may call its shell a novel
Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    wanted and todo are empty where nothing is amiss; todo may have several lines.
    """

    level: Level
    what: str
    found: str
    wanted: str = ""
    todo: str = ""


def ok(what: str, found: str) -> Finding:
    """Say that a thing is as it should be, or that nothing depends on it."""
    return Finding("ok", what, found)


def warn(what: str, found: str, wanted: str, todo: str) -> Finding:
    """Say that a thing may become trouble."""
    return Finding("warn", what, found, wanted, todo)


def fail(what: str, found: str, wanted: str, todo: str) -> Finding:
    """Say that no run goes well as long as it is so."""
    return Finding("fail", what, found, wanted, todo)


def failed(what: str, error: PipelineError, wanted: str) -> Finding:
    """Give what an error says as a finding: its hint is what to do."""
    return fail(what, error.message, wanted, error.hint)


def tamed(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Make the words safe to show: a box may have chosen them."""
    for one in findings:
        todo = "\n".join(map(tame, one.todo.splitlines()))
        found, wanted = tame(one.found)[:_MOST], tame(one.wanted)[:_MOST]
        yield Finding(one.level, one.what, found, wanted, todo)
