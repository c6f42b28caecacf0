"""Divisions by subject and by time are clean, steady and fair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import chance
from models.leakage.division import by_subject, by_time
from models.leakage.provenance import Provenance, provenance
from models.leakage.split import Split, part
from models.leakage.verdict import judge

MANY = np.array([f"dog {i}" for i in range(300)])


def test_nobody_is_in_two_parts() -> None:
    """Whatever the order of the windows."""
    subjects = np.repeat(MANY[:40], 5)
    labels = chance.stream(1, "labels").integers(0, 4, 200)

    found = by_subject(subjects, labels)

    for name in MANY[:40]:
        assert len(np.unique(found.part[subjects == name])) == 1
    order = chance.stream(2, "order").permutation(200)
    again = by_subject(subjects[order], labels[order])
    np.testing.assert_array_equal(again.part, found.part[order])


def test_who_joins_later_moves_nobody() -> None:
    """The name and the seed decide; another seed decides otherwise."""
    labels = np.zeros(300, dtype=int)

    all_of_them = by_subject(MANY, labels)
    fewer = by_subject(MANY[:200], labels[:200])
    other = by_subject(MANY, labels, seed=1)

    assert all_of_them.moved == ()
    np.testing.assert_array_equal(all_of_them.part[:200], fewer.part)
    assert (other.part != all_of_them.part).sum() > 100


def test_shares_are_kept_among_many() -> None:
    """Of 300 subjects within five binomial deviations."""
    found = by_subject(MANY, np.zeros(300, dtype=int))

    counts = np.bincount(found.part, minlength=3)
    shares = np.array([0.6, 0.2, 0.2])
    assert (
        np.abs(counts - 300 * shares) < 5 * np.sqrt(300 * shares * (1 - shares))
    ).all()


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), n_subjects=st.integers(3, 12))
def test_every_part_sees_what_enough_subjects_do(seed: int, n_subjects: int) -> None:
    """When all do everything, no part lacks anything, however few there are."""
    subjects = np.repeat(MANY[:n_subjects], 3)
    labels = np.tile([0, 1, 2], n_subjects)

    found = by_subject(subjects, labels, seed=seed)

    assert found.lacking == ()
    assert set(found.part) == {0, 1, 2}


def test_what_one_subject_does_alone_is_reported_lacking() -> None:
    """It can be in one part only, and no label under 0 counts as a behaviour."""
    found = by_subject(np.array(["a", "b", "c"]), np.array([0, 0, -1]), seed=3)

    assert [each for each in found.lacking if each.endswith("lacks label 0")]
    assert not [each for each in found.lacking if "label -1" in each]


def test_a_part_without_anybody_is_reported() -> None:
    """One subject can be in one part; nothing of it is labelled."""
    found = by_subject(np.array(["a", "a"]), np.array([-1, -1]))

    assert len(found.lacking) == 2
    assert all(each.endswith("holds no window") for each in found.lacking)


def test_no_share_means_nobody() -> None:
    """A part with no share gets nobody and lacks nothing."""
    found = by_subject(MANY[:30], np.zeros(30, dtype=int), (0.7, 0.0, 0.3))

    assert set(found.part) == {0, 2}
    assert found.lacking == ()


def cut(n_frames: int, hop: int) -> Provenance:
    """Give the windows of 20 frames of two recordings of one subject."""
    start = np.arange(0, n_frames - 19, hop)
    start = np.concatenate([start, start + 500])
    names = np.repeat(["r", "q"], len(start) // 2)
    return provenance(["rex"] * len(start), names, start, start + 20)


@settings(deadline=None)
@given(n_frames=st.integers(200, 600), hop=st.integers(1, 40))
def test_a_cut_in_time_is_clean_and_in_order(n_frames: int, hop: int) -> None:
    """Train comes first, with a window's length between the parts of a recording."""
    origin = cut(n_frames, hop)

    found = by_time(origin).part

    for name in ("r", "q"):
        mine = origin.recording == name
        for p in (0, 1):
            before, behind = mine & (found == p), mine & (found > p)
            latest = origin.stop[before].max(initial=0)
            soonest = origin.start[behind].min(initial=10_000)
            assert soonest - latest >= 20


def test_what_is_cut_in_time_passes_the_verdict() -> None:
    """And by subject it would not: it is the same subject."""
    origin = cut(600, 10)
    life = chance.stream(3, "life").normal(size=(2, 9, 2, 1200)).astype(np.float32)
    frames = np.stack(
        [
            life[int(name == "q"), ..., start : start + 20]
            for name, start in zip(origin.recording, origin.start, strict=True)
        ]
    )

    found = by_time(origin)

    train, calibrate, test = (
        part(frames[found.part == p], origin.of(found.part == p)) for p in range(3)
    )
    assert judge(Split(train, calibrate, test, by="time")).leaks == ()
    assert "subject 'rex'" in judge(Split(train, calibrate, test)).leaks[0]
    assert (found.part == -1).sum() > 0


def test_a_recording_too_short_to_cut_says_so() -> None:
    """With one window there is nothing to judge."""
    found = by_time(provenance(["a"], ["r"], [0], [20]))

    np.testing.assert_array_equal(found.part, [-1])
    assert found.lacking[0] == "train holds no window"


def test_what_are_no_shares_is_refused() -> None:
    """Nor are labels of another shape or type."""
    labels = np.zeros(300, dtype=int)
    for shares in ((0.5, 0.2, 0.2), (0.5, 0.5), (0.25,) * 4, (np.nan, 0.5, 0.5)):
        with pytest.raises(ValueError, match="wanted three from 0 that sum to 1"):
            by_subject(MANY, labels, shares)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="guard is -1: wanted"):
        by_time(cut(200, 10), guard=-1)
    with pytest.raises(ValueError, match="subjects is empty at row 0"):
        by_subject(np.array(["", "a"]), np.array([0, 0]))
    with pytest.raises(ValueError, match="shape"):
        by_subject(MANY, labels[:5])
    with pytest.raises(ValueError, match="whole numbers"):
        by_subject(MANY, labels + 0.5)
