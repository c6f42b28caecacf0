"""Simulated windows say where they come from, so that a split of them can be judged."""

from __future__ import annotations

import numpy as np
import pytest

from models.leakage.certificate import Leak, certify, judged
from models.leakage.split import Part, Split, part
from models.synthetic.recording import record
from models.synthetic.windows import Windows, cohort, windows
from models.synthetic.world import World, world

KNOWN = world()
TRAIN, CALIBRATE, TEST = (
    cohort(KNOWN, 42, subjects, 10.0) for subjects in ([0, 1], [2], [3, 4])
)


def of(cut: Windows) -> Part:
    """Describe windows as a part of a split."""
    return part(cut.frames, cut.origin)


def said_of(train: Windows, test: Windows) -> str:
    """Give what is said when a split is refused."""
    with pytest.raises(Leak) as caught:
        certify(Split(of(train), of(CALIBRATE), of(test)))
    return str(caught.value)


def test_other_subjects_of_a_world_are_judged() -> None:
    """From the generator to an accuracy."""
    certificate = certify(Split(of(TRAIN), of(CALIBRATE), of(TEST)))

    found = judged(certificate, TEST.frames, TEST.labels, TEST.labels)

    assert found.accuracy == 1.0
    assert found.claim == "subjects that were never seen"


def test_the_same_seed_and_subjects_for_train_and_test_are_refused() -> None:
    """The original's 99.95 %: one generator, one seed, twice. All of it is said."""
    said = said_of(TRAIN, cohort(KNOWN, 42, [0, 1], 10.0))

    assert "subject 'seed 42, subject 0' is in train (19 windows) and in test" in said
    assert "stream 'seed 42, subject 1' is in train (19 windows) and in test" in said
    assert "recording 'seed 42, subject 0, 100 Hz': 19 windows of test" in said
    assert "38 windows of test hold frames that are in train too, bit for bit" in said


@pytest.mark.parametrize(
    "other", [world(spread=2.0), world(rate_hz=50.0)], ids=["spread", "rate"]
)
def test_the_same_stream_in_another_world_is_refused(other: World) -> None:
    """Not one frame recurs, but what was drawn for each bout does."""
    said = said_of(TRAIN, cohort(other, 42, [1, 8], 10.0))

    assert "stream 'seed 42, subject 1' is in train (19 windows) and in test" in said
    assert "subject 8" not in said
    assert "hold frames that are in train too" not in said


def test_another_seed_is_another_population() -> None:
    """Subject 0 of one is nobody of the other."""
    certify(Split(of(TRAIN), of(CALIBRATE), of(cohort(KNOWN, 43, [0, 1, 2], 10.0))))


def test_one_recording_may_be_split_by_time() -> None:
    """With a window's length between; at another rate it is another recording."""
    cut = windows(record(KNOWN, 42, 0, 20.0))
    early, late = (
        Windows(cut.frames[at], cut.labels[at], cut.frame_labels[at], cut.origin.of(at))
        for at in (np.arange(15), np.arange(20, 39))
    )
    quick = windows(record(world(rate_hz=200.0), 42, 0, 20.0))
    again = part(quick.frames[40:], quick.origin.of(np.arange(40, len(quick.labels))))

    found = certify(Split(of(early), of(CALIBRATE), of(late), by="time"))

    assert found.claim == "subjects that were seen before, at another time"
    with pytest.raises(Leak, match="stream 'seed 42, subject 0'"):
        certify(Split(of(early), of(CALIBRATE), again, by="time"))
