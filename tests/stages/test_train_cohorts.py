"""Who is in which part, and what of their recordings is cut into windows."""

from __future__ import annotations

import numpy as np
import pytest

from stages.exchange import PARTS
from stages.reading.herd import Herd
from stages.reading.simulated import simulated
from stages.training.cohorts import (
    SHARES,
    SIZE,
    cohorts,
    divided,
    material,
    spread,
    starts,
)

EXACT = {"train": 6, "validate": 1, "calibrate": 2, "test": 1}


@pytest.fixture(scope="module")
def herd() -> Herd:
    """Ten subjects of four seconds."""
    return simulated(seed=2, subjects=10, seconds=4.0)


def test_parts_are_as_large_as_their_shares(herd: Herd) -> None:
    """Ten subjects for ten shares."""
    where = divided(herd, EXACT, seed=0)

    assert {name: list(where.values()).count(name) for name in PARTS} == EXACT


@pytest.mark.parametrize("n", [4, 5, 9])
def test_each_part_has_a_subject_however_few_there_are(n: int, herd: Herd) -> None:
    """One at least, and each subject one part."""
    few = herd._replace(recordings=herd.recordings[:n])

    where = divided(few, SHARES, seed=1)

    assert set(where.values()) == set(PARTS)
    assert len(where) == n


@pytest.mark.parametrize(
    ("n", "counts"),
    [(4, [1, 1, 1, 1]), (6, [3, 1, 1, 1]), (10, [6, 1, 1, 2]), (30, [18, 3, 5, 4])],
)
def test_few_who_were_recorded_are_not_all_learned_from(
    n: int, counts: list[int], herd: Herd
) -> None:
    """As docs/recordings.md says."""
    one = herd.recordings[0]
    named = tuple(one._replace(subject=f"dog {number}") for number in range(n))

    where = divided(herd._replace(recordings=named), SHARES, seed=0)

    assert [list(where.values()).count(name) for name in PARTS] == counts


def test_another_seed_divides_otherwise_and_the_order_of_files_does_not(
    herd: Herd,
) -> None:
    """A name and the seed decide."""
    turned = herd._replace(recordings=herd.recordings[::-1])

    assert divided(herd, SHARES, 0) == divided(turned, SHARES, 0)
    assert divided(herd, SHARES, 0) != divided(herd, SHARES, 1)


@pytest.mark.parametrize("n_frames", [100, 101, 399, 400])
def test_what_is_learned_from_is_covered_to_its_end(n_frames: int) -> None:
    """No frame is left out of the proof."""
    found = starts(n_frames, 93, to_end=True)

    assert found[0] == 0
    assert found[-1] + SIZE == n_frames
    assert (np.diff(found) <= 93).all()


def test_a_channel_nobody_measured_stays_zero(herd: Herd) -> None:
    """From the recordings to what the network sees."""
    absent = np.zeros((9, 2), dtype=np.bool_)
    absent[6:] = True
    recordings = []
    for each in herd.recordings:
        frames = each.frames.copy()
        frames[6:] = 0.0
        recordings.append(each._replace(frames=frames))
    without = herd._replace(recordings=tuple(recordings), absent=absent)

    split = cohorts(without, divided(without, SHARES, 0))
    given = material(split, len(herd.labels))

    assert (given.lesson.frames[6:] == 0.0).all()
    assert given.lesson.frames[:6].std() == pytest.approx(1.0, abs=0.1)


def test_a_part_of_recordings_that_are_all_too_short_is_named(herd: Herd) -> None:
    """With how long one must be."""
    where = divided(herd, SHARES, 0)
    cut = tuple(
        each._replace(frames=each.frames[..., :50], truth=each.truth[:50])
        if where[each.subject] == "test"
        else each
        for each in herd.recordings
    )

    with pytest.raises(ValueError, match="part test has no recording of 100 frames"):
        cohorts(herd._replace(recordings=cut), where)


def test_samples_are_spread_over_all_windows() -> None:
    """The first and the last among them; all of them when there are few."""
    windows = np.arange(10, dtype=np.float32).reshape(10, 1, 1, 1)

    assert spread(windows, 4).ravel().tolist() == [0, 3, 6, 9]
    assert len(spread(windows, 64)) == 10
