"""The picture of a run: at every size, and in every state of knowing."""

from __future__ import annotations

import dataclasses
import io
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from pipeline import events
from pipeline.clock import stamp
from pipeline.events import Event, Happening
from pipeline.progress import RunState, StageState, fold
from pipeline.views.picture import picture
from pipeline.views.sight import Sight
from pipeline.views.telling import Knowing

RUN = "20261120-1710-a3f9"
BEGAN = datetime(2026, 11, 20, 17, 10, 3, tzinfo=timezone.utc)
NEEDS = {
    "tdd_gate": (),
    "vq_selftest": ("tdd_gate",),
    "train": ("vq_selftest",),
    "codebook_analysis": ("train",),
    "hdp_hsmm": ("train",),
    "calibration": ("train", "hdp_hsmm"),
    "export": ("train", "hdp_hsmm", "calibration"),
}
BEGUN = events.RunStarted(
    run=RUN,
    name="vq-hdp-hsmm",
    host="ec2",
    snapshot="9f",
    stages=tuple(events.StageShape(name=n, needs=needs) for n, needs in NEEDS.items()),
)
OOM = (
    "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB\nin analyse, line 88"
)
ECE = "gate 'ece <= 0.05' failed: ece is 0.083"
PULSE = {
    "beat": "41",
    "load": "1.21",
    "memory": "12.1 GB free of 24.0 GB",
    "disk": "412.0 GB free of 900.0 GB",
    "gpu 0": "87 % busy, 9120 of 23028 MiB, 61 C",
    "progress age": "1864 s",
}


def sealed(stage: str, commit: str, subject: str, failure: str = "") -> Happening:
    """Tell a seal, with one failed gate or none."""
    return events.StageSealed(
        stage=stage,
        attempt=1,
        commit=commit * 5,
        verdict="fail" if failure else "pass",
        subject=subject,
        duration_s=63.5,
        failures=(failure,) if failure else (),
    )


def tick(stage: str, done: float, total: float, **numbers: float) -> Happening:
    """Tell a tick."""
    return events.StageTicked(stage=stage, done=done, total=total, numbers=numbers)


UP_TO_TRAIN: list[tuple[float, Happening]] = [
    (0, BEGUN),
    (13, sealed("tdd_gate", "c0a4d92", "TDD: 212/212 green, 212 proven red")),
    (77, sealed("vq_selftest", "1b22f0e", "loss 0.031, usage 0.98")),
    (78, events.StageStarted(stage="train", attempt=2)),
    (100, tick("train", 0, 20)),
    (1500, tick("train", 13, 20, loss=0.4123, perplexity=214.0)),
]
UP_TO_THE_END: list[tuple[float, Happening]] = [
    *UP_TO_TRAIN,
    (1600, sealed("train", "77e01ab", "training: pass, accuracy 0.913")),
    (1601, events.StageFailed(stage="codebook_analysis", reason=OOM)),
    (1700, sealed("hdp_hsmm", "5d5e11c", "14 states")),
    (1800, sealed("calibration", "aa90b13", "ece 0.083", ECE)),
    (1801, events.StageSkipped(stage="export", because="calibration failed its gate")),
    (1802, events.RunEnded(exit_code=4, reason="codebook_analysis failed")),
]


def told(story: list[tuple[float, Happening]]) -> RunState:
    """Add up a story of seconds and events."""
    return fold(
        Event(at=stamp(BEGAN + timedelta(seconds=at)), what=what) for at, what in story
    )


def sight(knowing: Knowing = "alive", state: RunState | None = None) -> Sight:
    """Look at a run in the middle of its training, half an hour after its start."""
    return Sight(
        state=state or told(UP_TO_TRAIN),
        knowing=knowing,
        now=stamp(BEGAN + timedelta(seconds=1830)),
        age_s=242.0 if knowing == "unknown" else 3.2,
        pulse=PULSE,
        log=("step 12900  loss 0.42", "step [bold]13000[/]  loss 0.41"),
        log_stage="train",
        note=f"mirror: results/{RUN}",
    )


def drawn(
    seen: Sight, width: int = 80, height: int = 24, encoding: str = "utf-8"
) -> list[str]:
    """Draw without colour, as lines; spaces at their ends mean nothing."""
    paper = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    console = Console(file=paper, width=width, height=height, color_system=None)
    console.print(picture(seen, width=width, height=height))
    paper.seek(0)
    return [line.rstrip() for line in paper.read().rstrip("\n").split("\n")]


UNDER_WAY = """\
vq-hdp-hsmm  20261120-1710-a3f9  on ec2                   2/7  30 min  ● running
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━──────────────────────────────────────────────────
✓   tdd_gate           c0a4d92   1 min 03 s  TDD: 212/212 green, 212 proven red
✓   vq_selftest        1b22f0e   1 min 03 s  loss 0.031, usage 0.98
●   train              attempt 2  ━━━━━━━━━━━━───────   65 %  13/20  12 min left
│                      loss 0.4123, perplexity 214
├─○ codebook_analysis  waits for train
○   hdp_hsmm           waits for train
○   calibration        waits for train, hdp_hsmm
○   export             waits for train, hdp_hsmm, calibration

alive, beat 41, 3 s ago · load 1.21 · memory 12.1 GB free of 24.0 GB
gpu 0 87 % busy, 9120 of 23028 MiB, 61 C · disk 412.0 GB free of 900.0 GB
mirror: results/20261120-1710-a3f9
── log of train ────────────────────────────────────────────────────────────────
step 12900  loss 0.42
step [bold]13000[/]  loss 0.41
"""


def test_a_run_under_way() -> None:
    """The whole picture: header, share done, graph, heartbeat, note, log."""
    assert drawn(sight()) == UNDER_WAY.splitlines()


FAILED = """\
vq-hdp-hsmm  20261120-1710-a3f9  on ec2                    5/7  30 min  ● failed
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━───────────────────────
✓   tdd_gate           c0a4d92   1 min 03 s  TDD: 212/212 green, 212 proven red
✓   vq_selftest        1b22f0e   1 min 03 s  loss 0.031, usage 0.98
✓   train              77e01ab   1 min 03 s  training: pass, accuracy 0.913
├─✗ codebook_analysis  failed: RuntimeError: CUDA out of memory. Tried to
│                      allocate 2.00 GiB; in analyse, line 88
✓   hdp_hsmm           5d5e11c   1 min 03 s  14 states
✗   calibration        aa90b13  gate 'ece <= 0.05' failed: ece is 0.083
╌   export             calibration failed its gate

ended with 4: codebook_analysis failed
mirror: results/20261120-1710-a3f9
"""


def test_a_run_that_failed() -> None:
    """Reasons are told whole where there is room; the runner's last word follows."""
    assert drawn(sight("ended", told(UP_TO_THE_END)))[:13] == FAILED.splitlines()


def test_a_terminal_of_another_encoding_gets_ascii() -> None:
    """Sign by sign: nothing moves, and nothing fails to be written."""
    plain = drawn(sight("ended", told(UP_TO_THE_END)), width=72, encoding="latin-1")

    assert plain[:2] == [
        "vq-hdp-hsmm  20261120-1710-a3f9  on ec2            5/7  30 min  * failed",
        "===================================================---------------------",
    ]
    assert plain[5:7] == [
        "|-x codebook_analysis  failed: RuntimeError: CUDA out of memory. Tried",
        "|                      to allocate 2.00 GiB; in analyse, line 88",
    ]


HEARTS: dict[Knowing, str] = {
    "unknown": """\
unknown: the link is lost; the run itself is not affected
(beat 41, 4 min 02 s ago)""",
    "dead": """\
dead: no runner lives and no end was told; resume with:
pipeline resume 20261120-1710-a3f9""",
    "stalled": """\
stalled: beats arrive, but no progress for 31 min · load 1.21
memory 12.1 GB free of 24.0 GB · gpu 0 87 % busy, 9120 of 23028 MiB, 61 C""",
}


@pytest.mark.parametrize(("knowing", "words"), HEARTS.items(), ids=HEARTS)
def test_what_is_known_is_said_in_words(knowing: Knowing, words: str) -> None:
    """Not alive is three different things, and each says what is still true."""
    seen = drawn(sight(knowing))

    assert seen[0].endswith(f"● {knowing}")
    assert seen[11:13] == words.splitlines()


def test_a_run_without_beats_is_not_said_to_have_some() -> None:
    """Stalled too, but for another reason."""
    seen = drawn(dataclasses.replace(sight("stalled"), age_s=125.0, breathes=False))

    assert seen[11].startswith("stalled: no beat for 2 min 05 s, but the link is up")


def test_nothing_runs_where_no_runner_lives() -> None:
    """A dead run has no time left to tell, only where it was cut off."""
    assert drawn(sight("dead"))[4] == "✗   train              cut off at 65 %"


def test_before_the_first_word() -> None:
    """Without a state there is a picture too."""
    seen = Sight(state=RunState(), knowing="connecting", now="")

    assert drawn(seen)[2:] == ["connecting to the host …"]


SMALLEST = """\
20261120-1710-a3f9     30 min  ● running
━━━━━━━━━━━━━━━─────────────────────────
✓   tdd_gate       TDD: 212/212 green, …
✓   vq_selftest    loss 0.031, usage 0.…
●   train           65 %  12 min left
├─○ codebook_ana…  waits for train
○   hdp_hsmm       waits for train
○   calibration    waits for train, hdp…
○   export         waits for train, hdp…
alive, beat 41, 3 s ago · load 1.21
"""


def test_the_smallest_terminal() -> None:
    """At 40x10 there is the graph, what is running, and that the run lives."""
    assert drawn(sight(), width=40, height=10) == SMALLEST.splitlines()


def fifty() -> RunState:
    """Thirty of fifty stages are sealed, one failed among them, and three run."""
    stages = {
        f"s{at:02d}": StageState(
            name=f"s{at:02d}",
            needs=(f"s{at - 1:02d}",) if at else (),
            status="sealed" if at < 30 else "running" if at < 33 else "waiting",
        )
        for at in range(50)
    }
    stages["s07"] = replace(stages["s07"], status="failed", reason="boom")
    return replace(told(UP_TO_TRAIN), stages=stages)


def test_fifty_stages_in_twenty_lines() -> None:
    """Seals make room first; what failed and what runs is always seen."""
    rows = drawn(sight(state=fifty()), height=20)[2:14]

    assert [rows[0], *rows[10:]] == ["… 29 sealed", "… 12 waiting", ""]
    assert [row[:5] for row in rows[1:5]] == ["✗ s07", "● s30", "● s31", "● s32"]
    assert [row[:5] for row in rows[5:10]] == [f"○ s{at}" for at in range(33, 38)]


@settings(deadline=None)
@given(
    st.sampled_from([told(UP_TO_TRAIN), told(UP_TO_THE_END), fifty()]),
    st.sampled_from(["alive", "unknown", "dead", "stalled", "ended", "connecting"]),
    st.integers(40, 200),
    st.integers(10, 50),
)
def test_every_picture_fits(
    state: RunState, knowing: Knowing, width: int, height: int
) -> None:
    """From 40x10 up, no line wraps and none is lost below the edge."""
    lines = drawn(sight(knowing, state), width=width, height=height)

    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60), st.floats())
def test_no_foreign_text_reaches_the_terminal(text: str, number: float) -> None:
    """Names, reasons, numbers and logs come from a box: none can move a cursor."""
    bad = StageState(name=text, needs=(text,), status="failed", reason=text)
    run = StageState(name="b", status="running", done=number, total=number)
    state = RunState(name=text, run=text, host=text, stages={text: bad, "b": run})
    seen = sight("dead", state)

    lines = drawn(
        replace(seen, log=[text], log_stage=text, note=text, pulse={"": text})
    )

    assert all(line.isprintable() for line in lines)


def test_numbers_are_never_cut() -> None:
    """Half a number is a wrong number: what does not fit is left out whole."""
    state = told([*UP_TO_TRAIN, (1501, tick("train", 14, 20, accuracy=0.987654))])

    numbers = drawn(sight(state=state), width=62)[5]
    assert numbers.endswith("  loss 0.4123, perplexity 214")
