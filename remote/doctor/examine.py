"""Examine this machine, or the way to a box and the box: all findings, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.errors import DONE, HostError, PipelineError
from pipeline.frozen import dataclass
from remote.doctor import company, gpus, laptop, room, tools, way
from remote.doctor.asking import Answers, ask, ask_here
from remote.doctor.finding import Finding, fail, failed, ok, tamed
from remote.doctor.tools import Wanted
from remote.links import acquaintance
from remote.links.openssh import OpenSsh


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """All findings about one place; the code is that of the worst of them."""

    findings: tuple[Finding, ...]
    code: int
    round_trip_s: float | None = None
    skew_s: float | None = None


def examine_here(wanted: Wanted) -> Examination:
    """Examine this machine: as the one runs are started from, and as a box."""
    answers = ask_here(wanted.python, wanted.env)
    # There is no way between this machine and itself to measure.
    near = replace(answers, round_trip_s=None, skew_s=None)
    return _examined([*laptop.judge(), *_of_box(near, wanted)], near)


def examine(box: OpenSsh, wanted: Wanted) -> Examination:
    """Examine a box, and the way to it; what failed early does not hide the rest."""
    found = [*laptop.programs(), *laptop.judge()]
    try:
        settings = box.settings_of(box.words)
    except PipelineError as error:
        return _examined([*found, failed("address", error, "")], error=error)
    found += [way.name(box, settings), *way.keys(box, settings)]
    try:
        acquaintance.meet(box)
    except PipelineError as error:
        return _examined([*found, way.barred(box, error)], error=error)
    answers = ask(box, wanted.python, wanted.env)
    if answers.error is not None and not answers.facts:
        return _examined([*found, way.barred(box, answers.error)], answers)
    found += [
        way.host_key(settings),
        _login(answers),
        *_of_box(answers, wanted),
        company.sessions(answers),
    ]
    return _examined(found, answers)


def _login(answers: Answers) -> Finding:
    distance = answers.round_trip_s
    far = f", {distance * 1000:.0f} ms away" if distance is not None else ""
    return ok("login", f"as {answers.one('user')}{far}; {answers.one('system')}")


def _of_box(answers: Answers, wanted: Wanted) -> Iterator[Finding]:
    """Judge a machine as a place where runs live."""
    if not answers.facts:
        return
    yield from tools.judge(answers, wanted)
    yield from room.judge(answers, wanted)
    yield from gpus.judge(answers, wanted)
    yield from company.judge(answers)
    if answers.error is not None:
        last = next(reversed(tuple(answers.facts)))
        found = f"the answers ended behind {last!r}: {answers.error.message}"
        todo = "some of the above is not known; once more: pipeline doctor"
        yield fail("probe", found, "all of the answers", todo)


def _examined(
    findings: list[Finding],
    answers: Answers | None = None,
    *,
    error: PipelineError | None = None,
) -> Examination:
    error = error or (answers.error if answers else None)
    is_failed = any(one.level == "fail" for one in findings)
    code = error.exit_code if error else HostError.exit_code if is_failed else DONE
    return Examination(
        findings=tuple(tamed(findings)),
        code=code,
        round_trip_s=answers.round_trip_s if answers else None,
        skew_s=answers.skew_s if answers else None,
    )
