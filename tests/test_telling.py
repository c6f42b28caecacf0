"""The run in words: for pipes, and for when the watching ends."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from pipeline import events
from pipeline.events import Event, Happening
from pipeline.progress import RunState, StageState
from pipeline.views.telling import Knowing, farewell, plain_lines

AT = "2026-11-20T17:10:03.250000Z"
RUN = "20261120-1710-a3f9"
SHAPES = (events.StageShape(name="train"), events.StageShape(name="export"))
BEGUN = events.RunStarted(
    run=RUN, name="vq", host="ec2", snapshot="9f", stages=SHAPES, is_dirty=True
)
SEALED = events.StageSealed(
    stage="train",
    attempt=1,
    commit="c0a4d92e11",
    verdict="pass",
    subject="training: pass, accuracy 0.913",
    duration_s=2841.0,
)
REJECTED = replace(
    SEALED, verdict="fail", subject="training: fail", failures=("gate 'a > 1' failed",)
)
FAILED = events.AttemptFailed(stage="train", attempt=1, reason="OOM\nat 3", again=True)
LOUD = events.StageFailed(stage="train", reason="\x1b[31mred\nno memory\n\nat line 3")
TICK = events.StageTicked(stage="train", done=13, total=20, numbers={"loss": 0.41234})
LONG_TICK = events.StageTicked(
    stage="fit", done=1234567, total=0, numbers={"l": -10432.7}
)

LINES: dict[str, tuple[Happening, list[str]]] = {
    "begun": (
        BEGUN,
        [f"vq: run {RUN} started on ec2, 2 stages, with uncommitted changes"],
    ),
    "resumed": (events.RunResumed(), ["run resumed"]),
    "its turn": (
        events.RunWaiting(because="waits for run a (x) to end", behind=("a",)),
        ["waits for run a (x) to end"],
    ),
    "another's gpu": (
        events.StageWaiting(stage="train", because="waits for GPU 0"),
        ["train waits for GPU 0"],
    ),
    "environment": (
        events.EnvironmentToldOf(said="building environment lock.txt: numpy"),
        ["building environment lock.txt: numpy"],
    ),
    "data": (
        events.DataToldOf(said="hashing data dogs: 1.0 GB of 2.0 GB"),
        ["hashing data dogs: 1.0 GB of 2.0 GB"],
    ),
    "pushed": (
        events.BranchPushed(to="git@x:y", commit="c0a4d92", is_done=True),
        ["the branch was pushed to git@x:y"],
    ),
    "not pushed": (
        events.BranchPushed(to="git@x:y", commit="", is_done=False, said="no route"),
        ["the branch was not pushed: no route"],
    ),
    "reused": (
        replace(SEALED, reuses="5ea1ed"),
        ["train reused, sealed c0a4d92 (pass): training: pass, accuracy 0.913"],
    ),
    "stopping": (events.RunStopping(because="asked"), ["run is stopping: asked"]),
    "done": (events.RunEnded(exit_code=0, reason=""), ["run ended: done"]),
    "ended": (events.RunEnded(exit_code=4, reason="boom"), ["run ended with 4: boom"]),
    "started": (
        events.StageStarted(stage="train", attempt=1),
        ["train started (attempt 1)"],
    ),
    "tick": (TICK, ["train 13/20 (65 %), loss 0.4123"]),
    "tick of unknown length": (LONG_TICK, ["fit 1234567, l -10433"]),
    "measured": (
        events.StageMeasured(stage="train", numbers={"accuracy": 0.5}),
        ["train measured accuracy 0.5"],
    ),
    "measured nothing": (events.StageMeasured(stage="train"), []),
    "stalled": (
        events.StageStalled(stage="train", silent_s=1860),
        ["train shows no progress for 31 min 00 s"],
    ),
    "tries again": (
        FAILED,
        ["train failed (attempt 1), tries again: OOM", "  at 3"],
    ),
    "told by what follows": (replace(FAILED, again=False), []),
    "sealed": (
        SEALED,
        ["train sealed c0a4d92 (pass, 47 min 21 s): training: pass, accuracy 0.913"],
    ),
    "rejected": (
        REJECTED,
        [
            "train sealed c0a4d92 (gate failed, 47 min 21 s): training: fail",
            "  gate 'a > 1' failed",
        ],
    ),
    "failed": (LOUD, ["train failed: red", "  no memory", "  at line 3"]),
    "failed without a word": (replace(LOUD, reason=""), ["train failed"]),
    "no report": (
        events.NoReport(because="no report was made: no room"),
        ["no report was made: no room"],
    ),
    "skipped": (
        events.StageSkipped(stage="export", because="train failed"),
        ["export skipped: train failed"],
    ),
}


@pytest.mark.parametrize(("what", "lines"), LINES.values(), ids=LINES)
def test_an_event_in_plain_lines(what: Happening, lines: list[str]) -> None:
    """Each row: an event, and what a pipe gets to read of it."""
    head = [f"17:10:03Z {line}" for line in lines[:1]]

    assert plain_lines(Event(at=AT, what=what)) == head + lines[1:]


def test_every_kind_of_event_has_its_row() -> None:
    """An event nobody thought of here would be passed over in silence."""
    told = {type(what) for what, _lines in LINES.values()}

    assert told == set(get_args(Happening))


OPEN = RunState(run=RUN, started_at=AT, last_at="2026-11-20T19:17:33.250000Z")
GATE = "gate 'ece <= 0.05' failed: ece is 0.083"
BY_GATE = StageState(name="fit", status="rejected", commit="aa90b13c", reason=GATE)
BY_STAGE = StageState(name="train", status="failed", reason="OOM\nat line 3")
DETACHED = f"""\
  come back with: pipeline attach {RUN}
  stop it with:   pipeline stop {RUN}"""

FAREWELLS: dict[str, tuple[Knowing, RunState, str]] = {
    "alive": ("alive", OPEN, f"detached; the run goes on.\n{DETACHED}"),
    "stalled": (
        "stalled",
        OPEN,
        f"detached; the run goes on, though it shows no progress.\n{DETACHED}",
    ),
    "unknown": (
        "unknown",
        OPEN,
        f"detached; the link is lost, the run itself is not affected.\n{DETACHED}",
    ),
    "connecting": (
        "connecting",
        RunState(),
        f"""\
detached; nothing was heard of the run yet, and it is not affected.
{DETACHED}""",
    ),
    "dead": (
        "dead",
        OPEN,
        f"""\
no runner lives and no end was told; what is sealed is safe.
  go on with:     pipeline resume {RUN}""",
    ),
    "done": (
        "ended",
        replace(OPEN, exit_code=0, stages={"train": StageState(name="train")}),
        f"""\
done: 1 stage in 2 h 07 min.
  results:        results/{RUN}
  report:         results/{RUN}/FINAL_REPORT.html
  history:        git log run/{RUN}
  big files:      pipeline pull {RUN}""",
    ),
    "no report": (
        "ended",
        replace(OPEN, exit_code=0, unreported="no report was made: a bug"),
        f"""\
done: 0 stages in 2 h 07 min.
  results:        results/{RUN}
  history:        git log run/{RUN}
  big files:      pipeline pull {RUN}""",
    ),
    "stopped": (
        "ended",
        replace(OPEN, exit_code=130),
        f"stopped; what is sealed is safe.\n  go on with:     pipeline resume {RUN}",
    ),
    "gate failed": (
        "ended",
        replace(OPEN, exit_code=3, stages={"fit": BY_GATE}),
        f"""\
gate failed: fit: gate 'ece <= 0.05' failed: ece is 0.083
  sealed as aa90b13 with Verdict: fail
  report:         results/{RUN}/FINAL_REPORT.html
  look at:        git log run/{RUN}
  then:           mend the code or move the gate, and: pipeline run""",
    ),
    "stage failed": (
        "ended",
        replace(OPEN, exit_code=4, stages={"train": BY_STAGE}),
        f"""\
failed: train: OOM
  at line 3
  its log:        results/{RUN}/train/stage.log
  report:         results/{RUN}/FINAL_REPORT.html
  try again with: pipeline resume {RUN}
  with new code:  pipeline run""",
    ),
    "two stages failed": (
        "ended",
        replace(
            OPEN,
            exit_code=4,
            stages={"train": BY_STAGE, "plot": replace(BY_STAGE, name="plot")},
        ),
        f"""\
failed: train: OOM
  at line 3
failed: plot: OOM
  at line 3
  its log:        results/{RUN}/train/stage.log
  its log:        results/{RUN}/plot/stage.log
  report:         results/{RUN}/FINAL_REPORT.html
  try again with: pipeline resume {RUN}
  with new code:  pipeline run""",
    ),
    "box refused": (
        "ended",
        replace(OPEN, exit_code=6, reason="host 'ec2': the disk is full"),
        f"""\
failed: host 'ec2': the disk is full
  try again with: pipeline resume {RUN}
  with new code:  pipeline run""",
    ),
}


@pytest.mark.parametrize(
    ("knowing", "state", "text"), FAREWELLS.values(), ids=FAREWELLS
)
def test_the_last_words(knowing: Knowing, state: RunState, text: str) -> None:
    """Each row: what is still true, and what to type next."""
    assert farewell(state, knowing=knowing, run=RUN) == text
