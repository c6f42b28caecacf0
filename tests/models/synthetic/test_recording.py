"""Recordings: the same bits for the same subject, and nothing in common between two."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.synthetic.recording import record
from models.synthetic.world import world

KNOWN = world()


def test_a_recording_has_the_shape_that_networks_read() -> None:
    """(9, 2, T) float32, with a label for each frame."""
    one = record(KNOWN, 1, 0, 12.5)

    assert one.frames.shape == (9, 2, 1250)
    assert one.frames.dtype == np.float32
    assert one.labels.shape == (1250,)
    assert np.isfinite(one.frames).all()
    assert (one.labels == one.bouts.labels).all()


def test_the_same_subject_gives_the_same_bits() -> None:
    """Whoever is recorded in between."""
    one = record(KNOWN, 1, 5, 20.0)
    record(KNOWN, 1, 6, 3.0)
    two = record(KNOWN, 1, 5, 20.0)

    assert one.frames.tobytes() == two.frames.tobytes()
    assert (one.labels == two.labels).all()


@settings(max_examples=15, deadline=None)
@given(
    subject=st.integers(0, 10**6),
    short=st.integers(1, 2500),
    more=st.integers(1, 2500),
)
def test_a_longer_recording_begins_with_the_shorter(
    subject: int, short: int, more: int
) -> None:
    """Bit for bit, at every length: nothing looks ahead, and no stream is shared."""
    one = record(KNOWN, 3, subject, short / 100)
    two = record(KNOWN, 3, subject, (short + more) / 100)

    assert np.array_equal(one.frames, two.frames[:, :, :short])
    assert np.array_equal(one.labels, two.labels[:short])


@pytest.mark.parametrize(("seed", "subject"), [(1, 8), (2, 7), (7, 1)])
def test_no_reading_of_another_subject_or_seed_recurs(seed: int, subject: int) -> None:
    """Two subjects share not one frame, nor the truth behind it."""
    one, two = record(KNOWN, 1, 7, 60.0), record(KNOWN, seed, subject, 60.0)

    seen = {frame.tobytes() for frame in one.frames.transpose(2, 0, 1)}
    assert not any(frame.tobytes() in seen for frame in two.frames.transpose(2, 0, 1))
    assert not np.isin(one.bouts.gestures, two.bouts.gestures).any()
    assert not np.array_equal(one.labels, two.labels)


def test_no_noise_of_another_subject_recurs() -> None:
    """What is left once motion is taken out, frame to frame, is not correlated.

    2999 differences: correlations of independent noise are within 5.5 / sqrt(2999)
    of nothing. Two subjects who lie still would else share the noise's whole line.
    """
    still = KNOWN._replace(
        usual=np.repeat(KNOWN.usual[2:3], 10, axis=0), varies=1e-6 * KNOWN.varies
    )

    one, two = (record(still, 1, subject, 30.0).frames for subject in (7, 8))

    moved = (np.diff(each, axis=-1).reshape(18, -1) for each in (one, two))
    together = [np.corrcoef(a, b)[0, 1] for a, b in zip(*moved, strict=True)]
    assert np.abs(together).max() < 0.1


def test_purposes_do_not_share_a_stream() -> None:
    """Style, mounting and noise of one subject are not the same numbers again."""
    one = record(KNOWN, 1, 7, 10.0)

    style = one.habits.shift[KNOWN.style > 0] / KNOWN.style[KNOWN.style > 0]
    drawn = one.bouts.gestures - KNOWN.usual[one.bouts.states] - one.habits.shift
    first = np.abs(drawn / KNOWN.varies[one.bouts.states])[0]
    assert not np.isclose(np.abs(style)[:, None], first, rtol=1e-6).any()


@pytest.mark.parametrize("rate_hz", [20.0, 52.0, 100.0, 200.0])
def test_any_rate_records_the_same_kind_of_animal(rate_hz: float) -> None:
    """Durations are in seconds: the mean bout lasts as long at every rate."""
    one = record(world(rate_hz=rate_hz), 1, 0, 2000.0)

    assert one.frames.shape == (9, 2, round(2000 * rate_hz))
    assert 3.0 < 2000.0 / len(one.bouts.states) < 7.0


@pytest.mark.parametrize(
    ("seed", "subject", "n_seconds", "message"),
    [
        (-1, 0, 1.0, "seed must be a whole number, 0 or more: found -1"),
        (1.0, 0, 1.0, r"seed must be a whole number, 0 or more: found 1.0"),
        (0, -3, 1.0, "subject must be a whole number"),
        (5, 2 + 9 * 2**32, 1.0, "subject must be a whole number, 0 to 4294967295"),
        (0, 0, 0.0, "n_seconds must hold a frame"),
        (0, 0, np.nan, "n_seconds must hold a frame"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    seed: int, subject: int, n_seconds: float, message: str
) -> None:
    """By the name of the argument."""
    with pytest.raises(ValueError, match=message):
        record(KNOWN, seed, subject, n_seconds)
