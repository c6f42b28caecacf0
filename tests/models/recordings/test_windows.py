"""Windows hold what was measured, with the labels and the frames they came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models import chance
from models.leakage.split import part
from models.recordings.labels import labelled, majority_of
from models.recordings.together import Together
from models.recordings.windows import windows


def piece(first: int, n_frames: int, bridged: tuple[int, ...] = ()) -> Together:
    """Make a piece (T, 9, 2) of which each reading tells its frame and channel."""
    frames = np.arange(first, first + n_frames)[:, None, None] + np.zeros((1, 9, 2))
    frames = frames + 1e-3 * np.arange(18).reshape(9, 2)
    mask = np.zeros(n_frames, dtype=np.bool_)
    mask[list(bridged)] = True
    return Together(first, frames, mask)


def test_windows_are_what_the_network_reads() -> None:
    """(B, 9, 2, 100) float32, each frame where its origin says."""
    found = windows([piece(0, 320), piece(1000, 150)], subject="rex", name="r")

    assert found.frames.shape == (7, 9, 2, 100)
    assert found.frames.dtype == np.float32
    np.testing.assert_array_equal(
        found.origin.start, [0, 50, 100, 150, 200, 1000, 1050]
    )
    np.testing.assert_array_equal(found.origin.stop, found.origin.start + 100)
    for frames, start in zip(found.frames, found.origin.start, strict=True):
        np.testing.assert_array_equal(frames[0, 0], np.arange(start, start + 100))
    np.testing.assert_allclose(
        found.frames[0, :, :, 0], 1e-3 * np.arange(18).reshape(9, 2), rtol=1e-6
    )
    assert set(found.origin.subject) == {"rex"}
    assert (found.labels == -1).all()
    assert part(found.frames, found.origin).origin is found.origin


@settings(deadline=None)
@given(
    n_frames=st.lists(st.integers(1, 60), min_size=1, max_size=3),
    length=st.integers(1, 20),
    hop=st.integers(1, 25),
)
def test_no_window_lies_over_a_hole(n_frames: list[int], length: int, hop: int) -> None:
    """As many as fit into each piece, and none from one into the next."""
    first = np.cumsum([0, *(n + 7 for n in n_frames[:-1])])
    recording = [piece(int(f), n) for f, n in zip(first, n_frames, strict=True)]

    found = windows(recording, subject="s", name="r", length=length, hop=hop)

    wanted = [
        int(f) + i
        for f, n in zip(first, n_frames, strict=True)
        for i in range(0, n - length + 1, hop)
    ]
    assert found.origin.start.tolist() == wanted
    np.testing.assert_array_equal(found.frames[:, 0, 0, 0], wanted)


def test_what_was_bridged_too_much_is_left_out() -> None:
    """Ten frames of a hundred are allowed, eleven are not."""
    recording = [piece(0, 100, tuple(range(10))), piece(500, 100, tuple(range(11)))]

    found = windows(recording, subject="s", name="r")

    np.testing.assert_array_equal(found.origin.start, [0])
    np.testing.assert_allclose(found.bridged, [0.1])


def test_a_window_over_a_change_has_the_label_of_most() -> None:
    """Half and half has none; frames that are not labelled do not vote, but count."""
    labels = np.repeat([3, 5, -1, 5], [60, 40 + 50, 50 + 50, 50])

    found = windows([piece(0, 300)], subject="s", name="r", labels=[labels])

    np.testing.assert_array_equal(found.frame_labels[0], labels[:100])
    np.testing.assert_array_equal(found.labels, [3, 5, -1, -1, -1])
    purer = windows([piece(0, 300)], subject="s", name="r", labels=[labels], purity=0.7)
    np.testing.assert_array_equal(purer.labels, [-1, 5, -1, -1, -1])


@settings(deadline=None)
@given(
    hnp.arrays(
        np.int64,
        st.tuples(st.integers(0, 5), st.integers(1, 7)),
        elements=st.integers(-1, 2),
    )
)
def test_a_majority_is_more_than_half(labels: Any) -> None:
    """Counted label by label."""
    found = majority_of(labels, 0.5)

    for row, winner in zip(labels.tolist(), found, strict=True):
        wins = [k for k in (0, 1, 2) if 2 * row.count(k) > len(row)]
        assert winner == (wins[0] if wins else -1)


@settings(deadline=None)
@given(
    data=st.data(),
    within=st.sampled_from([0.0, 0.5, 2.0]),
)
def test_labels_are_those_of_the_nearest_time(
    data: st.DataObject, within: float
) -> None:
    """By distance, the earlier of equals, and none from too far; never a mean."""
    at = data.draw(st.lists(st.integers(0, 20), max_size=6, unique=True))
    times = np.array(at, dtype=np.float64)
    labels = np.arange(len(at)) * 7
    frames = np.arange(0.0, 20.0, 0.25)

    found = labelled(frames, times, labels, within)

    for frame, label in zip(frames, found, strict=True):
        near = sorted(
            (abs(t - frame), t, k) for t, k in zip(times, labels, strict=True)
        )
        assert label == (near[0][2] if near and near[0][0] <= within else -1)


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("nothing", {"recording": []}, "recording 'r' has no piece"),
    ("hop", {"hop": 0}, "hop 0: wanted whole frames, 1 or more"),
    ("length", {"length": 2.5}, "length is 2.5 and hop 50: wanted whole frames"),
    ("bridged", {"most_bridged": np.nan}, "most_bridged is nan: wanted a share"),
    ("no labels", {"labels": []}, r"shapes \[\]: wanted"),
    ("labels", {"labels": [np.zeros(3, int)]}, r"shapes \[\(3,\)\]: wanted"),
    ("real", {"labels": [np.zeros(120)]}, "wanted whole numbers"),
    ("purity", {"purity": 0.4}, "purity is 0.4"),
)


@pytest.mark.parametrize(
    ("change", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_gives_no_windows_is_refused(change: dict[str, Any], says: str) -> None:
    """With what was found and what was wanted."""
    asked = {"recording": [piece(0, 120)], "subject": "s", "name": "r", **change}

    with pytest.raises(ValueError, match=says):
        windows(**asked)


@pytest.mark.parametrize("wrong", [np.zeros((2, 3)), np.zeros(3, dtype=np.int64)])
def test_a_majority_is_one_of_labels(wrong: Any) -> None:
    """Not of real numbers, nor of a single row."""
    with pytest.raises(ValueError, match=r"wanted whole numbers \(B, T\)"):
        majority_of(wrong, 0.5)


def test_labels_without_times_are_refused() -> None:
    """One time for each; whole numbers; finite times."""
    frames = chance.stream(1, "frames").random(4)
    with pytest.raises(ValueError, match="their times"):
        labelled(frames, np.zeros(2), np.zeros(3, int), 1.0)
    with pytest.raises(ValueError, match="type float64"):
        labelled(frames, np.zeros(2), np.zeros(2), 1.0)
    with pytest.raises(ValueError, match="finite"):
        labelled(frames, np.array([np.nan]), np.zeros(1, int), 1.0)


def test_pieces_that_are_all_too_short_give_no_window() -> None:
    """An empty batch of the right shape."""
    found = windows([piece(0, 99)], subject="s", name="r")

    assert found.frames.shape == (0, 9, 2, 100)
    assert found.labels.shape == (0,)
