"""The chapters of a report: a run as a list of blocks, the same for every writer. Pure.

What a reader asks first comes first: how it ended and, where it went wrong, why, what
is still true and what to type next; then what came out, in a line for each stage; then
the criteria, the stages, and how to do it again.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pipeline.clock import spoken
from pipeline.layout import FREEZE
from pipeline.pulse import many
from pipeline.report import diagrams, environs, plain, sections
from pipeline.report.blocks import (
    Bullets,
    Callout,
    Code,
    Drawing,
    Heading,
    Link,
    Listing,
    Mark,
    Pairs,
    Paragraph,
    Table,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.report.blocks import Block, Text
    from pipeline.report.facts import Facts, Judged, StageFacts

_MOST_LINES = 40  # stages told in a line
_MOST_STAGES = 500  # rows of a table
_MOST_CHAPTERS = 100  # stages with a chapter of their own
_MOST_WRONG = 10
_MOST_NOTES = 50


def document(facts: Facts) -> list[Block]:
    """Put a run into words."""
    return [
        *_head(facts),
        *_trouble(facts),
        *_short(facts),
        *_criteria(facts),
        *_run(facts),
        *_graph(facts),
        *_stages(facts),
        *_notes(facts),
        *_environment(facts),
        *_again(facts),
    ]


def _head(facts: Facts) -> Iterator[Block]:
    state = facts.state
    yield Heading((f"{state.name}: run ", Code(state.run)), 1, "top")
    sealed = f"{state.closed} of {many(len(facts.stages), 'stage')} sealed"
    gates = [one.holds for one in facts.gates]
    judged = f", {sum(map(bool, gates))} of {many(len(gates), 'gate')} passed"
    took = f"in {spoken(facts.took_s)} on {state.host}."
    how = f": {sealed}{judged if gates else ''}, {took}"
    yield Paragraph((Mark(facts.verdict), how))


def _short(facts: Facts) -> Iterator[Block]:
    """Say what came out: the subjects of the seals, which hold the numbers wanted."""
    yield Heading(("In short",), 2, "short")
    shown = _chosen(facts, _MOST_LINES)
    rows = tuple(
        ((Mark(one.verdict),), (_link(one),), (_subject(one),)) for one in shown
    )
    yield Table(("", "stage", "what came out"), rows)
    if left := len(facts.stages) - len(shown):
        yield Paragraph((f"And {many(left, 'stage')} more, ", Link("below", "#stages")))


def _chosen(facts: Facts, most: int) -> tuple[StageFacts, ...]:
    """Give the stages in order; of too many, those that failed first."""
    if len(facts.stages) <= most:
        return facts.stages
    wrong = {stage.name for stage in facts.wrong}
    others = [stage for stage in facts.stages if stage.name not in wrong]
    return (*facts.wrong, *others)[:most]


def _link(stage: StageFacts) -> Link:
    return Link(stage.name, f"#stage-{stage.name}")


def _subject(stage: StageFacts) -> str:
    return stage.state.subject or stage.state.reason.partition("\n")[0]


def _run(facts: Facts) -> Iterator[Block]:
    state, plan = facts.state, facts.plan
    yield Heading(("The run",), 2, "run")
    reason = state.reason.partition("\n")[0]
    dirty: Text = (", with uncommitted work",) if plan.is_dirty else ()
    rows: list[tuple[str, Text]] = [
        ("ended", (f"{reason} (exit code {state.exit_code})",)),
        ("host", (state.host,)),
        ("begun", (_when(state.started_at),)),
        ("ended at", (_when(state.last_at),)),
        ("snapshot", (Code(plan.snapshot), *dirty)),
        ("branch", (Code(plan.branch),)),
        ("seed and params", sections.params_text(plan.pipeline.params)),
    ]
    if state.resumed:
        rows.append(("taken up again", (many(state.resumed, "time"),)))
    yield Pairs(tuple(rows))


def _when(at: str) -> str:
    return f"{at[:10]} {at[11:19]} UTC" if at else "-"


def _trouble(facts: Facts) -> Iterator[Block]:
    """Say of a run that did not pass what failed, what holds, and what comes next."""
    if facts.verdict == "pass":
        return
    said: list[Block] = [Heading(("What went wrong",), 2, "trouble")]
    for stage in facts.wrong[:_MOST_WRONG]:
        reason, *more = stage.state.reason.split("\n", 1)
        said.append(Paragraph((Mark(stage.verdict), ": ", Code(stage.name))))
        said.append(Paragraph((reason,)))
        said += [Listing(text) for text in more if text.strip()]
        if stage.log:
            lines = f"the last {many(len(stage.log), 'line')} of "
            log = Link(f"{stage.name}/stage.log", f"{stage.name}/stage.log")
            said.append(Listing("\n".join(stage.log), (lines, log)))
    if not facts.wrong:
        said.append(Paragraph((facts.state.reason,)))
    said.append(Heading(("What is still true",), 3, "still-true"))
    said.append(Bullets(tuple(_still_true(facts))))
    said.append(Heading(("What to type next",), 3, "next"))
    said.append(Listing(_next(facts)))
    yield Callout(facts.verdict, tuple(said))


def _still_true(facts: Facts) -> Iterator[Text]:
    sealed = f"{facts.state.closed} of {many(len(facts.stages), 'stage')} sealed"
    yield (f"{sealed}, each a commit on ", Code(facts.plan.branch))
    yield ("the next run takes over what is sealed and did not change",)
    for stage in facts.wrong[:_MOST_WRONG]:
        if stage.verdict == "gate":
            seal = Code(stage.state.commit[:12])
            yield (Code(stage.name), " is sealed as ", seal, ", with Verdict: fail")


def _next(facts: Facts) -> str:
    run, failed = facts.state.run, [s for s in facts.wrong if s.verdict == "failed"]
    if facts.verdict == "gate":
        return (
            "# mend the code, or move the gate in pipeline.yaml:"
            " that alone executes nothing anew\npipeline run"
        )
    looks = [f"pipeline logs {failed[0].name}   # all of its log"] if failed else []
    again = f"pipeline resume {run}   # try again with the same code"
    anew = "pipeline run   # with new code; what is sealed is taken over"
    return "\n".join([*looks, again, anew])


def _criteria(facts: Facts) -> Iterator[Block]:
    if not facts.gates:
        return
    yield Heading(("Success criteria",), 2, "criteria")
    broken = [one for one in facts.gates if one.holds is not True]
    rows = facts.gates if len(facts.gates) <= _MOST_STAGES else (*broken,)
    yield Table(
        ("", "rule", "measured", "stage"),
        tuple(_criterion(one) for one in rows[:_MOST_STAGES]),
        numeric=frozenset({2}),
    )
    if len(rows) < len(facts.gates):
        held = len(facts.gates) - len(broken)
        yield Paragraph((f"Not listed: {many(held, 'gate')} that passed.",))


def _criterion(one: Judged) -> tuple[Text, ...]:
    mark = {True: "pass", False: "gate", None: "open"}[one.holds]
    value = "not reported" if one.holds is False else "-"
    if one.measured is not None:
        value = plain.number(one.measured)
    return ((Mark(mark),), (Code(one.rule),), (value,), (Code(one.stage),))


def _graph(facts: Facts) -> Iterator[Block]:
    yield Heading(("Stages",), 2, "stages")
    letters = diagrams.letters(facts)
    if letters:
        svg, caption = diagrams.graph(facts), "What each stage stands on."
        yield Drawing(svg, letters, (caption,))
    shown = _chosen(facts, _MOST_STAGES)
    yield Table(
        ("", "stage", "took", "attempt", "seal"),
        tuple(_row(stage) for stage in shown),
        numeric=frozenset({2, 3}),
    )
    if left := len(facts.stages) - len(shown):
        yield Paragraph((f"Not listed: {many(left, 'stage')}; those that failed are.",))
    if svg := diagrams.timeline(facts):
        yield Drawing(svg, "", ("When each stage ran, since the run began.",))


def _row(stage: StageFacts) -> tuple[Text, ...]:
    state = stage.state
    return (
        (Mark(stage.verdict),),
        (_link(stage),),
        (state.took if state.commit else "-",),
        (str(state.attempt) if state.attempt else "-",),
        (Code(state.commit[:7]),) if state.commit else ("-",),
    )


def _stages(facts: Facts) -> Iterator[Block]:
    """Give each stage a chapter; of very many, those that have something to show."""
    shown = facts.stages
    if len(shown) > _MOST_CHAPTERS:
        shown = tuple(sorted(shown, key=_is_dull))[:_MOST_CHAPTERS]
    for stage in shown:
        yield from sections.stage(stage)


def _is_dull(stage: StageFacts) -> tuple[bool, bool]:
    has_shown = stage.metrics or stage.figures or stage.sheets
    return stage.verdict not in ("gate", "failed"), not has_shown


def _notes(facts: Facts) -> Iterator[Block]:
    if not facts.notes:
        return
    yield Heading(("What happened besides",), 2, "notes")
    some = facts.notes[:_MOST_NOTES]
    yield Bullets(tuple((f"{at[11:19]} UTC: {said}",) for at, said in some))
    if left := len(facts.notes) - len(some):
        yield Paragraph((f"And {left} more, in ", Link("events.jsonl", "events.jsonl")))


def _environment(facts: Facts) -> Iterator[Block]:
    found = environs.read(facts.environment, facts.plan)
    yield Heading(("Environment",), 2, "environment")
    if not found.rows:
        yield Paragraph(("No stage was executed, so none was needed.",))
        return
    yield Pairs(tuple((name, (said,)) for name, said in found.rows))
    yield Table(
        ("package", "version"),
        tuple(((Code(name),), (version,)) for name, version in found.packages),
    )
    if found.others:
        count = f"And {found.others} more, in "
        yield Paragraph((count, Link(FREEZE, FREEZE), "."))


def _again(facts: Facts) -> Iterator[Block]:
    plan, run = facts.plan, facts.state.run
    below = "" if plan.prefix == "." else f"/{plan.prefix}"
    host = [] if plan.host == "local" else ["--host", plan.host]
    words = shlex.join(["pipeline", "run", *host, *plan.asked])
    if "--force" not in plan.asked:
        words += "   # --force: execute what is sealed already, too"
    place = shlex.quote(f"../{run}{below}")
    yield Heading(("How to do it again",), 2, "again")
    lies = "The snapshot is the code as it stood. It lies below the seals on "
    yield Paragraph((lies, Code(plan.branch), "; with that branch in your clone:"))
    yield Listing(
        f"git worktree add {shlex.quote(f'../{run}')} {plan.snapshot}\n"
        f"cd {place}\n"
        f"{words}"
    )
    yield Paragraph(("What it made, and whether that is whole:",))
    branch = shlex.quote(plan.branch)
    yield Listing(
        f"git log {branch}   # a commit for each stage\n"
        f"pipeline pull {run}   # the artifacts\n"
        f"pipeline verify {run}"
    )
