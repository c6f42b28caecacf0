"""Every way in which what judges was seen before is found, and named."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.leakage.prints import NOTHING, prints
from models.leakage.provenance import provenance
from models.leakage.split import Part, Split, digest, part
from models.leakage.verdict import judge, overlapping
from tests.models.leakage.frames import Windows, drawn


def described(
    windows: Windows,
    subject: str,
    *,
    recording: str = "",
    start: int = 0,
    hop: int = 100,
    stream: str = "",
) -> Part:
    """Describe windows of one subject, one after the other in one recording."""
    n_windows = len(windows)
    begin = start + hop * np.arange(n_windows)
    return part(
        windows,
        provenance(
            [subject] * n_windows,
            [recording or f"of {subject}"] * n_windows,
            begin,
            begin + windows.shape[-1],
            [stream] * n_windows,
        ),
    )


def split(train: Part, test: Part, by: Literal["subject", "time"] = "subject") -> Split:
    """Split with strangers for calibration."""
    return Split(train, described(drawn(99), "stranger"), test, by=by)


PAIRS = [("train", "calibrate"), ("train", "test"), ("calibrate", "test")]
KINDS = ("subject", "stream", "recording", "hold frames")


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("kind", KINDS)
def test_any_leak_between_any_two_parts_is_found(
    one: str, other: str, kind: str
) -> None:
    """Each kind, planted between each two parts of a clean split: that one leak."""
    names = ("train", "calibrate", "test")
    told = {
        name: {"subject": name, "recording": name, "stream": name} for name in names
    }
    if kind != "hold frames":
        told[other][kind] = one
    frames = {name: drawn(i) for i, name in enumerate(names)}
    if kind == "hold frames":
        frames[other][2, :, :, 10:30] = frames[one][1, :, :, 60:80]

    parts = [
        described(
            frames[name],
            told[name]["subject"],
            recording=told[name]["recording"],
            stream=told[name]["stream"],
        )
        for name in names
    ]
    found = judge(Split(parts[0], parts[1], parts[2]))

    assert len(found.leaks) == 1
    assert kind in found.leaks[0]
    assert one in found.leaks[0]
    assert other in found.leaks[0]


def test_strangers_leak_nothing() -> None:
    """Three subjects, three recordings, other numbers."""
    found = judge(split(described(drawn(1), "rex"), described(drawn(2), "fido")))

    assert found.is_clean
    assert found.claim == "subjects that were never seen"


def test_a_subject_in_two_parts_is_named() -> None:
    """Also when the recordings and the readings differ."""
    found = judge(
        split(
            described(drawn(1), "rex", recording="monday"),
            described(drawn(2, 3), "rex", recording="tuesday"),
        )
    )

    wanted = "subject 'rex' is in train (4 windows) and in test (3 windows)"
    assert found.leaks == (wanted,)


def test_the_same_generator_and_seed_is_named() -> None:
    """Whatever was drawn: seed 42 for train and for test is one stream."""
    found = judge(
        split(
            described(drawn(1), "a", stream="behaviour/42"),
            described(drawn(2), "b", stream="behaviour/42"),
        )
    )

    assert len(found.leaks) == 1
    assert "stream 'behaviour/42' is in train (4 windows) and in test" in found.leaks[0]


def test_windows_that_overlap_across_the_split_are_named() -> None:
    """A hop of half a window, dealt out to both sides, shares half its frames."""
    found = judge(
        split(
            described(drawn(1), "rex", recording="r", hop=200),
            described(drawn(2), "rex", recording="r", start=50, hop=200),
            by="time",
        )._replace(guard=0)
    )

    assert len(found.leaks) == 1
    assert "recording 'r': 4 windows of test lie over frames of train" in found.leaks[0]
    assert "first row 0, frames 50 to 150" in found.leaks[0]


@pytest.mark.parametrize(("gap", "leaks"), [(99, 1), (100, 0)])
def test_time_needs_a_guard_of_a_window(gap: int, leaks: int) -> None:
    """One frame less than a window between them is too near, whichever comes first."""
    first = described(drawn(1), "rex", recording="r")
    later = described(drawn(2), "rex", recording="r", start=400 + gap)

    assert len(judge(split(first, later, by="time")).leaks) == leaks
    assert len(judge(split(later, first, by="time")).leaks) == leaks


@pytest.mark.parametrize("shift", [0, 1, 37, 92])
def test_a_shifted_copy_under_another_name_is_found(shift: int) -> None:
    """Other subject, other recording, other windows: eight frames give it away."""
    life = drawn(1, 1, 1000)[0]
    copy = life[..., shift:]
    train, test = (
        np.stack(np.split(x[..., : x.shape[-1] // 100 * 100], x.shape[-1] // 100, -1))
        for x in (life, copy)
    )

    found = judge(split(described(train[:1], "rex"), described(test, "fido")))

    assert len(found.leaks) == 1
    assert "1 windows of test hold frames that are in train too" in found.leaks[0]
    assert "row 0 (recording 'of fido', frames 0 to 100)" in found.leaks[0]


def test_a_copy_that_overlaps_less_than_a_stretch_is_not() -> None:
    """Seven frames in common might be chance, for sensors of few bits."""
    life = drawn(1, 1, 200)[0]

    found = judge(
        split(
            described(life[None, ..., :100], "rex"),
            described(life[None, ..., 93:193], "fido"),
        )
    )

    assert found.is_clean


def test_a_device_that_lies_still_is_no_leak() -> None:
    """Constant readings are alike everywhere, and prove nothing."""
    still = np.ones((2, 9, 2, 100), dtype=np.float32)

    assert judge(split(described(still, "rex"), described(still, "fido"))).is_clean
    assert (prints(still) == NOTHING).all()
    laid_down = [drawn(1), drawn(2)]
    for windows in laid_down:
        windows[..., 50:] = 1.0
    rex, fido = (described(w, n) for w, n in zip(laid_down, "ab", strict=True))
    assert judge(split(rex, fido)).is_clean


def test_one_stream_may_go_on_in_time_but_not_in_two_recordings() -> None:
    """A recording cut in time keeps its stream; two recordings of one are copies."""
    train = described(drawn(1), "a", recording="r", stream="s")
    later = described(drawn(2), "a", recording="r", start=900, stream="s")
    other = described(drawn(2), "a", recording="q", start=900, stream="s")

    assert judge(split(train, later, by="time")).is_clean
    assert "stream 's'" in judge(split(train, other, by="time")).leaks[0]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4)), max_size=5),
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4)), max_size=5),
)
def test_spans_meet_when_they_share_a_frame(
    ours: list[tuple[int, int]], theirs: list[tuple[int, int]]
) -> None:
    """Counted by the frames themselves."""
    start, width = np.array(ours, dtype=int).reshape(-1, 2).T
    from_, long = np.array(theirs, dtype=int).reshape(-1, 2).T

    found = overlapping(start, start + width, from_, from_ + long)

    covered = {frame for s, n in ours for frame in range(s, s + n)}
    wanted = [bool(covered & set(range(s, s + n))) for s, n in theirs]
    assert found.tolist() == wanted


def good() -> dict[str, Any]:
    """Give columns that are in order."""
    return {"subject": ["a"], "recording": ["r"], "start": [0], "stop": [100]}


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("more", {"subject": ["a", "b"]}, r"subject has shape \(2,\): wanted \(1,\)"),
    ("real", {"start": [0.5]}, "start is of type float64"),
    ("nobody", {"subject": [""]}, "subject is empty at row 0"),
    ("no recording", {"recording": [""]}, "recording is empty at row 0"),
    ("float name", {"subject": [1.0]}, "subject is of type float64: wanted text or"),
    ("missing name", {"subject": [None]}, "subject is of type object: wanted text or"),
    ("backward", {"stop": [0]}, "row 0 spans frames 0 to 0"),
)


@pytest.mark.parametrize(
    ("change", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_is_no_origin_is_refused(change: dict[str, Any], says: str) -> None:
    """By the column and the row."""
    with pytest.raises(ValueError, match=says):
        provenance(**{**good(), **change})


@pytest.mark.parametrize(
    ("change", "says"),
    [({"guard": -50}, "guard is -50: wanted"), ({"by": "Subject"}, "by is 'Subject'")],
    ids=["guard", "by"],
)
def test_what_is_no_rule_for_a_split_is_refused(
    change: dict[str, Any], says: str
) -> None:
    """A guard below 0 would let windows overlap."""
    apart = split(described(drawn(1), "a"), described(drawn(2), "b"), by="time")

    with pytest.raises(ValueError, match=says):
        judge(apart._replace(**change))


def test_what_are_no_windows_is_refused() -> None:
    """Other types, NaN, and origins that do not fit."""
    windows = drawn(6, 1)
    with pytest.raises(ValueError, match="type float64"):
        digest(windows.astype(np.float64))
    with pytest.raises(ValueError, match="2 windows have 1 origins"):
        part(drawn(6, 2), provenance(**good()))
    with pytest.raises(ValueError, match="has 100 frames and spans 50"):
        part(windows, provenance(**{**good(), "stop": [50]}))
    windows[0, 3, 1, 7] = np.nan
    with pytest.raises(ValueError, match=r"nan at \(0, 3, 1, 7\)"):
        part(windows, provenance(**good()))
