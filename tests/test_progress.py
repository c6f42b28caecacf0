"""What a story adds up to, and the picture of it that `watch cat` shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import events
from pipeline.clock import stamp
from pipeline.events import Event, Happening
from pipeline.progress import StageState, fold
from pipeline.sketch import render
from tests.fakes import FakeClock
from tests.strategies import EVENTS, NAMES, happenings

SHAPES = (
    events.StageShape(name="prepare"),
    events.StageShape(name="train", needs=("prepare",)),
    events.StageShape(name="plot", needs=("prepare",)),
    events.StageShape(name="export", needs=("train", "plot")),
)
BEGUN = events.RunStarted(
    run="20261120-1710-a3f9", name="vq", host="ec2", snapshot="9f", stages=SHAPES
)
PREPARED = events.StageSealed(
    stage="prepare",
    attempt=1,
    commit="c0a4d92e11",
    verdict="pass",
    subject="prepare: pass, rows 812",
    duration_s=65.0,
)
REJECTED = replace(
    PREPARED,
    stage="plot",
    commit="77ab01cdef",
    verdict="fail",
    subject="plot: fail",
    duration_s=4.2,
    failures=("gate 'width > 1' failed: width is 0",),
)
FEW = st.sampled_from(["a", "b", "c"])


def story(*whats: Happening, every_s: float = 10.0) -> list[Event]:
    """Tell these, one every so often."""
    clock = FakeClock()
    told = []
    for what in whats:
        told.append(Event(at=stamp(clock.now()), what=what))
        clock.sleep(every_s)
    return told


def tick(done: float, **numbers: float) -> Happening:
    """Tell how far `train` is, of 20."""
    return events.StageTicked(stage="train", done=done, total=20, numbers=numbers)


MIDDLE = story(
    BEGUN,
    *(events.StageStarted(stage="prepare", attempt=1), PREPARED),
    *(events.StageStarted(stage="plot", attempt=1), REJECTED),
    events.StageStarted(stage="train", attempt=1),
    events.AttemptFailed(stage="train", attempt=1, reason="OOM", again=True),
    events.StageStarted(stage="train", attempt=2),
    *(tick(4, loss=0.9), tick(9, loss=0.41234)),
)


def test_the_picture_of_a_run_in_the_middle() -> None:
    """One line per stage, in plain ASCII; a bar, a rate and what is left."""
    assert render(fold(MIDDLE)) == (
        "vq  run 20261120-1710-a3f9  on ec2\n"
        "running, 2 of 4 stages sealed; started 17:10:03, last event 17:11:33 UTC\n"
        "\n"
        "[done] prepare  c0a4d92  1 min 05 s  prepare: pass, rows 812\n"
        "[ >> ] train    attempt 2  [##########..............] 9/20 45 %  loss 0.4123"
        "  0.5/s  22 s left\n"
        "[GATE] plot     77ab01c      4.2 s  plot: fail"
        "  (gate 'width > 1' failed: width is 0)\n"
        "[    ] export   waits for train, plot\n"
    )


def test_the_picture_of_a_run_that_ended() -> None:
    """The last lines say how, and of each stage why."""
    ends = story(
        BEGUN,
        events.StageStarted(stage="prepare", attempt=1),
        events.StageFailed(stage="prepare", reason="stage 'prepare' failed: no data"),
        *(
            events.StageSkipped(stage=stage, because="prepare did not pass")
            for stage in ("train", "plot")
        ),
        events.RunEnded(exit_code=4, reason="stage 'prepare' failed: no data"),
    )

    assert render(fold(ends)) == (
        "vq  run 20261120-1710-a3f9  on ec2\n"
        "failed, 0 of 4 stages sealed; started 17:10:03, last event 17:10:53 UTC\n"
        "\n"
        "[FAIL] prepare  stage 'prepare' failed: no data\n"
        "[skip] train    prepare did not pass\n"
        "[skip] plot     prepare did not pass\n"
        "[    ] export   waits for train, plot\n"
        "\n"
        "ended with 4: stage 'prepare' failed: no data\n"
    )


@given(st.lists(EVENTS | st.builds(Event, at=st.text(), what=happenings(FEW))))
def test_any_story_adds_up(told: list[Event]) -> None:
    """Whatever a box tells, in whatever order, there is a state and a picture."""
    state = fold(told)

    assert render(state).endswith("\n")
    assert not told or state.last_at == told[-1].at


@given(happenings(st.just("nobody")))
def test_events_of_unknown_stages_are_passed_over(what: Happening) -> None:
    """They name no stage of this run, and make none."""
    before = fold(MIDDLE)

    after = fold([*MIDDLE, Event(at=before.last_at, what=what)])

    if isinstance(what, events.RunStarted | events.RunResumed | events.RunEnded):
        return
    assert after.stages == before.stages


@given(st.lists(happenings(FEW), max_size=8), NAMES)
def test_resumed_means_that_what_is_not_sealed_waits(
    whats: list[Happening], name: str
) -> None:
    """Seals stand, whatever else was told; the run has not ended any more."""
    shapes = tuple(events.StageShape(name=n) for n in ("a", "b", "c"))
    before = fold(story(replace(BEGUN, name=name, stages=shapes), *whats))

    after = fold(
        story(replace(BEGUN, name=name, stages=shapes), *whats, events.RunResumed())
    )

    for stage, state in after.stages.items():
        if before.stages[stage].status in ("sealed", "rejected"):
            assert state == before.stages[stage]
        else:
            assert state.status == "waiting"
            assert (state.reason, state.total, state.started_at) == ("", 0.0, "")
    assert (after.word, after.has_ended) == ("running", False)
    assert after.resumed == before.resumed + 1


def test_another_attempt_begins_at_nought() -> None:
    """Its rate is its own, and not held against what the first one did."""
    again = events.StageStarted(stage="train", attempt=3)

    state = fold([*MIDDLE, *story(again)]).stages["train"]

    assert state == StageState(
        name="train",
        needs=("prepare",),
        status="running",
        attempt=3,
        started_at=story(again)[0].at,
    )


def test_a_stall_is_over_when_something_moves() -> None:
    """The picture shouts as long as it lasts, and no longer."""
    stalled = [
        *MIDDLE,
        *story(events.StageStalled(stage="train", silent_s=1900.0)),
    ]

    assert "STALLED: no progress for 31 min 40 s" in render(fold(stalled))
    assert "STALLED" not in render(fold([*stalled, *story(tick(10))]))


WORDS = {
    "done": (0, "done"),
    "gate": (3, "gate failed"),
    "stage": (4, "failed"),
    "bug": (70, "failed"),
    "stopped": (130, "stopped"),
}


@pytest.mark.parametrize(("code", "word"), WORDS.values(), ids=WORDS)
def test_how_an_end_is_called(code: int, word: str) -> None:
    """Each row: an exit code, and the one word for it."""
    told = story(
        *(BEGUN, events.RunStopping(because="asked")),
        events.RunEnded(exit_code=code, reason="so it is"),
    )

    assert fold(told[:2]).word == "stopping"
    assert fold(told).word == word


@given(done=st.floats(), total=st.floats(), first=st.floats())
def test_a_share_is_a_share(done: float, total: float, first: float) -> None:
    """Ticks are foreign numbers: NaN, infinite, backwards, beyond the end."""
    ticks = [
        events.StageTicked(stage="train", done=at, total=total) for at in (first, done)
    ]

    begun = events.StageStarted(stage="train", attempt=1)
    stall = events.StageStalled(stage="train", silent_s=done)

    run = fold(story(BEGUN, begun, *ticks, stall))

    state = run.stages["train"]
    assert "train" in render(run)
    assert 0.0 <= state.share <= 1.0
    assert state.left_s is None or state.left_s >= 0.0
