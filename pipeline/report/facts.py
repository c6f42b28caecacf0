"""What is known of a run that ended: its plan, its story, and what lies in its results.

A pure function of the run's folder: what is not there, or cannot be read, is not known,
and no reason for a report not to be made.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pipeline import artifact, draft, events, gate
from pipeline.artifact import Artifact
from pipeline.errors import PipelineError
from pipeline.progress import StageState, elapsed_s
from pipeline.report.exhibits import Exhibits, Figure, Sheet
from pipeline.report.lives import Life, lives_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.events import Event
    from pipeline.layout import ResultPaths
    from pipeline.progress import RunState
    from pipeline.schema import Resolved, Stage

Verdict = Literal["pass", "gate", "failed", "skipped", "waiting"]
_VERDICTS: dict[str, Verdict] = {
    "sealed": "pass",
    "rejected": "gate",
    "failed": "failed",
    "skipped": "skipped",
}
_LOG_TAIL = 16_000  # bytes
_LOG_LINES = 25


class Judged(NamedTuple):
    """One rule of one stage: what was measured, and whether it held; None unjudged."""

    stage: str
    rule: str
    measured: float | None
    holds: bool | None


class StageFacts(NamedTuple):
    """One stage of the run."""

    stage: Stage
    state: StageState
    verdict: Verdict
    metrics: Mapping[str, float]
    gates: tuple[Judged, ...]
    artifacts: Mapping[str, Artifact]
    results: Mapping[str, Artifact]
    figures: tuple[Figure, ...]
    sheets: tuple[Sheet, ...]
    lives: tuple[Life, ...]
    log: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.stage.name


class Facts(NamedTuple):
    """The run."""

    plan: Resolved
    state: RunState
    stages: tuple[StageFacts, ...]
    environment: Mapping[str, Any]
    notes: tuple[tuple[str, str], ...]

    @property
    def verdict(self) -> Verdict:
        """How it ended."""
        return {0: "pass", 3: "gate"}.get(  # type: ignore[return-value]
            self.state.exit_code or 0, "failed"
        )

    @property
    def gates(self) -> tuple[Judged, ...]:
        """All rules, in the order of the stages."""
        return tuple(one for stage in self.stages for one in stage.gates)

    @property
    def wrong(self) -> tuple[StageFacts, ...]:
        """The stages that made the run end as it did."""
        return tuple(s for s in self.stages if s.verdict in ("gate", "failed"))

    @property
    def took_s(self) -> float:
        """From its first event to its end."""
        return elapsed_s(self.state.started_at, self.state.last_at)


def gather(
    plan: Resolved, results: ResultPaths, state: RunState, story: Iterable[Event]
) -> Facts:
    """Read what is known. story: at least its events that begin or end something."""
    told = list(story)
    lives = lives_of(told)
    exhibits = Exhibits(results.root, plan.pipeline.git.max_file)
    stages = tuple(
        _stage(stage, state, results, exhibits, tuple(lives.get(stage.name, ())))
        for stage in plan.pipeline.stages
    )
    return Facts(plan, state, stages, _environment(results), tuple(_notes(told)))


def _stage(
    stage: Stage,
    run: RunState,
    results: ResultPaths,
    exhibits: Exhibits,
    lives: tuple[Life, ...],
) -> StageFacts:
    state = run.stages.get(stage.name) or StageState(name=stage.name)
    verdict = _VERDICTS.get(state.status, "waiting")
    is_sealed = verdict in ("pass", "gate")
    made = _manifest(results, stage.name) if is_sealed else None
    shown = made.results if made else {}
    hidden = tuple(name.removeprefix("results/") for name in state.kept_back)
    metrics = _metrics(results, state) if is_sealed else {}
    return StageFacts(
        stage=stage,
        state=state,
        verdict=verdict,
        metrics=metrics or {**state.metrics, **state.numbers},
        gates=tuple(_judged(stage, metrics, is_sealed=is_sealed)),
        artifacts=made.artifacts if made else {},
        results=shown,
        figures=exhibits.figures(stage.name, shown, hidden),
        sheets=exhibits.sheets(stage.name, shown, hidden),
        lives=lives,
        log=_log(results, stage.name) if verdict == "failed" else (),
    )


def _judged(
    stage: Stage, metrics: Mapping[str, float], *, is_sealed: bool
) -> Iterable[Judged]:
    for rule in stage.gates:
        holds = gate.judge([rule], metrics).verdict == "pass" if is_sealed else None
        yield Judged(stage.name, str(rule), metrics.get(rule.metric), holds)


def _manifest(results: ResultPaths, stage: str) -> artifact.Manifest | None:
    with contextlib.suppress(PipelineError, OSError):
        return artifact.read_manifest(results.manifest(stage))
    return None


def _metrics(results: ResultPaths, state: StageState) -> Mapping[str, float]:
    with contextlib.suppress(PipelineError, OSError):
        return draft.published_metrics(results.metrics(state.name))
    return state.metrics


def _environment(results: ResultPaths) -> Mapping[str, Any]:
    try:
        found = json.loads(results.environment.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _log(results: ResultPaths, stage: str) -> tuple[str, ...]:
    """Give the last lines of a log: secrets are put out of it already."""
    try:
        with results.log(stage).open("rb") as file:
            file.seek(max(file.seek(0, 2) - _LOG_TAIL, 0))
            text = file.read(_LOG_TAIL).decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-_LOG_LINES:])


def _notes(story: Iterable[Event]) -> Iterable[tuple[str, str]]:
    """Say what happened besides: when, and in a line."""
    for event in story:
        what, said = event.what, ""
        if isinstance(what, events.RunResumed):
            said = f"the run was taken up again {what.because}".rstrip()
        elif isinstance(what, events.AttemptFailed) and what.again:
            said = f"attempt {what.attempt} of {what.stage} failed: {what.reason}"
        elif isinstance(what, events.StageStalled):
            said = f"{what.stage} showed no progress for {what.silent_s:.0f} s"
        elif isinstance(what, events.RunWaiting | events.StageWaiting):
            said = what.because
        elif isinstance(what, (events.EnvironmentToldOf, events.DataToldOf)):
            said = what.said if what.is_ready else ""
        elif isinstance(what, events.StageSealed) and what.kept_back:
            names = ", ".join(what.kept_back)
            said = f"{what.stage}: a secret stands in a file, not in git: {names}"
        if said:
            yield event.at, said
