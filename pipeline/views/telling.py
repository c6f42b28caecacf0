"""The run in words: an event as plain lines, and what to say when the watching ends.

For pipes, CI logs and dumb terminals; no colour, no cursor, the same text every time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline import events
from pipeline.clock import spoken
from pipeline.errors import DONE, GateFailed, StageFailed
from pipeline.layout import LaptopPaths
from pipeline.progress import span_s
from pipeline.pulse import many
from pipeline.sketch import number_text, numbers_text
from pipeline.views.tame import tame, tame_lines

if TYPE_CHECKING:
    from pipeline.events import Event, Happening
    from pipeline.layout import ResultPaths
    from pipeline.progress import RunState, StageState

# What the watcher knows of the run. `stalled`: beats arrive, progress does not.
Knowing = Literal["alive", "unknown", "dead", "stalled", "ended", "connecting"]


# Ends that stages came to, and not the box: those are told by a runner, with a report.
_OF_STAGES = (GateFailed.exit_code, StageFailed.exit_code)
_KEPT_BACK = "a secret stands in a file, which is not in git: "


def plain_lines(event: Event) -> list[str]:
    """Tell one event: its time and one line, then indented what needs more room.

    Empty for what another event tells as well.
    """
    head, *rest = _run_says(event.what) or _stage_says(event.what) or [""]
    if not head:
        return []
    return [f"{tame(event.at)[11:19]}Z {tame(head)}", *(f"  {line}" for line in rest)]


def _run_says(what: Happening) -> list[str]:
    match what:
        case events.RunStarted():
            begun = f"{what.name}: run {what.run} started on {what.host}"
            dirty = ", with uncommitted changes" if what.is_dirty else ""
            return [f"{begun}, {many(len(what.stages), 'stage')}{dirty}"]
        case events.RunResumed():
            return [f"run resumed {what.because}".rstrip()]
        case events.RunWaiting() | events.NoReport():
            return [what.because]
        case events.EnvironmentToldOf() | events.DataToldOf():
            return [what.said]
        case events.BranchPushed(is_done=True):
            return [f"the branch was pushed to {what.to}"]
        case events.BranchPushed():
            return [f"the branch was not pushed: {what.said}"]
        case events.RunStopping():
            return [f"run is stopping: {what.because}"]
        case events.RunEnded(exit_code=0):
            return ["run ended: done"]
        case events.RunEnded():
            return _with_reason(f"run ended with {what.exit_code}", what.reason)
    return []


def _stage_says(what: Happening) -> list[str]:
    said: list[str] = []
    match what:
        case events.StageWaiting():
            said = [f"{what.stage} {what.because}"]
        case events.StageStarted():
            said = [f"{what.stage} started (attempt {what.attempt})"]
        case events.StageTicked():
            said = [f"{what.stage} {_tick(what)}"]
        case events.StageMeasured(numbers=numbers) if numbers:
            said = [f"{what.stage} measured {numbers_text(numbers)}"]
        case events.StageStalled():
            said = [f"{what.stage} shows no progress for {spoken(what.silent_s)}"]
        # Without another try, stage_failed follows and says the same.
        case events.AttemptFailed(again=True):
            head = f"{what.stage} failed (attempt {what.attempt}), tries again"
            said = _with_reason(head, what.reason)
        case events.StageSealed():
            word = "reused, sealed" if what.reuses else "sealed"
            head = f"{what.stage} {word} {what.commit[:7]} ({_verdict(what)})"
            said = [
                f"{head}: {what.subject}",
                *map(tame, what.failures),
                *(f"{_KEPT_BACK}{tame(name)}" for name in what.kept_back),
            ]
        case events.StageFailed():
            said = _with_reason(f"{what.stage} failed", what.reason)
        case events.StageSkipped():
            said = [f"{what.stage} skipped: {what.because}"]
    return said


def _tick(what: events.StageTicked) -> str:
    said = number_text(what.done)
    if what.total > 0:
        share = 100 * what.done / what.total
        said += f"/{number_text(what.total)} ({share:.0f} %)"
    numbers = numbers_text(what.numbers)
    return f"{said}, {numbers}" if numbers else said


def _verdict(what: events.StageSealed) -> str:
    word = "pass" if what.verdict == "pass" else "gate failed"
    if what.reuses:
        return word
    return f"{word}, {spoken(what.duration_s)}"


def _with_reason(head: str, reason: str) -> list[str]:
    first, *rest = tame_lines(reason) or [""]
    return [f"{head}: {first}" if first else head, *rest]


def farewell(state: RunState, *, knowing: Knowing, run: str, branch: str = "") -> str:
    """Say how the watching ended, what is still true, and what to type next."""
    run = tame(run)
    if state.has_ended:
        lines = _ended(state, run, tame(branch) or f"run/{run}")
    elif knowing == "dead":
        lines = [
            "no runner lives and no end was told; what is sealed is safe.",
            f"  go on with:     pipeline resume {run}",
        ]
    else:
        lines = [
            f"detached; {_STILL_TRUE.get(knowing, 'the run goes on')}.",
            f"  come back with: pipeline attach {run}",
            f"  stop it with:   pipeline stop {run}",
        ]
    return "\n".join(lines)


_STILL_TRUE: dict[str, str] = {
    "unknown": "the link is lost, the run itself is not affected",
    "connecting": "nothing was heard of the run yet, and it is not affected",
    "stalled": "the run goes on, though it shows no progress",
}


def _ended(state: RunState, run: str, branch: str) -> list[str]:
    mirror = LaptopPaths(Path()).mirror(run)
    stages = state.stages.values()
    if state.word == "done":
        return [
            f"done: {many(len(stages), 'stage')} in {_took(state)}.",
            f"  results:        {mirror.root}",
            *_report(state, mirror),
            f"  history:        git log {branch}",
            f"  big files:      pipeline pull {run}",
            *(
                f"  {_KEPT_BACK}{tame(stage.name)}: {tame(name)}"
                for stage in stages
                for name in stage.kept_back
            ),
        ]
    if state.word == "stopped" and state.reason.endswith(events.GOES_ON):
        return [
            "its machine goes down; the run goes on by itself when that is back.",
            f"  come back with: pipeline attach {run}",
        ]
    if state.word == "stopped":
        return [
            "stopped; what is sealed is safe.",
            f"  go on with:     pipeline resume {run}",
        ]
    if state.word == "gate failed":
        return [
            *_because(state, [s for s in stages if s.status == "rejected"]),
            *_report(state, mirror),
            f"  look at:        git log {branch}",
            "  then:           mend the code or move the gate, and: pipeline run",
        ]
    failed = [stage for stage in stages if stage.status == "failed"]
    return [
        *_because(state, failed),
        *(f"  its log:        {mirror.log(tame(s.name))}" for s in failed),
        *_report(state, mirror),
        f"  try again with: pipeline resume {run}",
        "  with new code:  pipeline run",
    ]


def _report(state: RunState, mirror: ResultPaths) -> list[str]:
    """Say where the report is; a runner that had no time for one told no such end."""
    if state.unreported or state.exit_code not in (DONE, *_OF_STAGES):
        return []
    return [f"  report:         {mirror.report_page}"]


def _because(state: RunState, stages: list[StageState]) -> list[str]:
    """Name each stage that ended the run; without one, what the runner said."""
    if not stages:
        first, *rest = _with_reason(state.word, state.reason)
        return [first, *(f"  {line}" for line in rest)]
    lines = []
    for stage in stages:
        word = "gate failed" if stage.status == "rejected" else "failed"
        first, *rest = _with_reason(f"{word}: {tame(stage.name)}", stage.reason)
        lines += [first, *(f"  {line}" for line in rest)]
        if stage.commit:
            lines.append(f"  sealed as {stage.commit[:7]} with Verdict: fail")
    return lines


def _took(state: RunState) -> str:
    return spoken(span_s(state.started_at, state.last_at))
