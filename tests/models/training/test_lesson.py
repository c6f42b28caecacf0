"""Windows out of series, their labels, and the order in which they come."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.synthetic.windows import window_labels
from models.training.augmentation import Nuisance, shaken
from models.training.lesson import lesson, most
from models.training.order import count, dealt
from models.training.schedule import LAST, rate
from models.training.transcription import stitched
from tests.models.training import small

LENGTHS = st.lists(st.integers(0, 60), min_size=1, max_size=4)


def test_windows_are_what_lies_at_their_place() -> None:
    """Frames and labels alike, laid out for convolutions."""
    data = small.series()

    batch = data.at(np.array([0, 451]), 100)

    assert torch.equal(batch.windows[1], data.frames[..., 451:551])
    assert torch.equal(batch.frame_labels[0], data.labels[:100])
    assert batch.windows.is_contiguous(memory_format=torch.channels_last)


@given(st.integers(0, 2**32 - 1))
def test_a_window_s_label_is_that_of_the_simulated_truth(seed: int) -> None:
    """Most frames; of two that are as frequent the one seen last."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.integers(0, 3, (5, 4)), rng.integers(1, 4, 4), axis=1)

    assert most(torch.from_numpy(labels), 3).tolist() == window_labels(labels).tolist()


def test_frames_without_a_label_do_not_vote() -> None:
    """And a window without any vote has none."""
    labels = torch.tensor([[-1, -1, -1, 2], [-1, -1, -1, -1]])

    assert most(labels, 3).tolist() == [2, -1]


def test_recordings_must_have_a_label_for_each_frame() -> None:
    """A label too few would shift all that follow."""
    with pytest.raises(ValueError, match="do not agree"):
        lesson([np.zeros((9, 2, 5), np.float32)], [np.zeros(4, np.int64)], 3)


@given(LENGTHS, st.integers(0, 5), st.integers(1, 50), st.integers(0, 200))
def test_windows_of_an_epoch_do_not_depend_on_the_epochs_before(
    lengths: list[int], seed: int, n: int, first: int
) -> None:
    """Any stretch of the endless sequence, asked for first or piece by piece."""
    sizes = np.array([*lengths, 30])
    begins = np.cumsum(sizes) - sizes
    ask = {"begins": begins, "lengths": sizes, "size": 10, "seed": seed}

    whole = dealt(**ask, first=0, last=first + n)
    part = dealt(**ask, first=first, last=first + n)

    assert part.tolist() == whole[first:].tolist()


@given(LENGTHS, st.integers(0, 5), st.integers(0, 3))
def test_a_pass_has_no_frame_twice_and_spans_no_two_recordings(
    lengths: list[int], seed: int, number: int
) -> None:
    """Every window lies whole in one recording."""
    sizes = np.array([*lengths, 30])
    begins = np.cumsum(sizes) - sizes
    n = count(sizes, 10)

    found = dealt(begins, sizes, 10, seed=seed, first=n * number, last=n * (number + 1))

    owner = np.searchsorted(begins, found, side="right") - 1
    assert (np.diff(np.sort(found)) >= 10).all()
    assert (found + 10 <= (begins + sizes)[owner]).all()


def test_no_two_passes_see_the_same_windows() -> None:
    """They are cut from other frames on, and come in another order."""
    one, other = (
        dealt(np.array([0]), np.array([999]), 10, seed=1, first=f, last=f + 99)
        for f in (0, 99)
    )

    assert len(np.intersect1d(one, other)) < 99
    assert one.tolist() != sorted(one)


def test_recordings_too_short_for_any_window_are_refused() -> None:
    """With the longest there is."""
    with pytest.raises(ValueError, match="the longest has 9"):
        dealt(np.array([0]), np.array([9]), 10, seed=0, first=0, last=1)


def test_the_rate_rises_then_falls() -> None:
    """Once each, with the largest in between, and ends near nothing."""
    rates = np.array([rate(step, 100, 0.5) for step in range(100)])

    top = int(rates.argmax())
    assert rates[top] == 0.5
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert LAST * 0.5 < rates[-1] < 0.01 * 0.5


def test_what_is_shaken_depends_on_the_seed_and_the_step_alone() -> None:
    """Whatever was drawn before; another step draws otherwise."""
    windows = torch.ones(4, 9, 2, 5)
    by, shape = Nuisance(), windows.shape[1:]
    first = shaken(windows, by.drawn(4, shape, 3, 8))
    torch.randn(5)

    assert torch.equal(first, shaken(windows, by.drawn(4, shape, 3, 8)))
    assert not torch.equal(first, shaken(windows, by.drawn(4, shape, 3, 9)))
    assert torch.equal(windows, shaken(windows, small.STILL.drawn(4, shape, 3, 8)))


def test_a_frame_is_read_where_its_window_is_nearest() -> None:
    """The edges from the first and the last window, the rest from the middle."""
    starts = np.array([0, 4, 8, 9])
    values = np.repeat(np.arange(4)[:, None], 8, axis=1)

    found = stitched(values, starts, 17)

    assert found.tolist() == [0] * 6 + [1] * 4 + [2] * 2 + [3] * 5


@pytest.mark.parametrize("starts", [[1, 8], [0, 4], [0, 9, 9], [9, 0], [0, 10]])
def test_windows_that_leave_a_frame_out_are_refused(starts: list[int]) -> None:
    """Of 17 frames, by windows of 8."""
    with pytest.raises(ValueError, match="do not cover 17 frames"):
        stitched(np.zeros((len(starts), 8)), np.array(starts), 17)
