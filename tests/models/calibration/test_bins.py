"""Expected and maximum calibration error are their definitions, at the edges too."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import bins, blocks, temperature
from tests.models.calibration import plain, simulated


@given(simulated.distributions(), st.integers(1, 20))
def test_ece_and_mce_are_their_definitions(
    frames: tuple[np.ndarray, np.ndarray], n_bins: int
) -> None:
    """Zeros, ones, ties and one class included. 12 sums of doubles: 1e-14."""
    probs, labels = frames

    found = bins.by_width(probs, labels, n_bins=n_bins)

    wanted = plain.ece(probs.tolist(), labels.tolist(), n_bins)
    assert bins.expected_error(found) == pytest.approx(wanted, abs=1e-14)
    wanted = plain.mce(probs.tolist(), labels.tolist(), n_bins)
    assert bins.largest_error(found) == pytest.approx(wanted, abs=1e-14)


def test_the_last_bin_holds_certainty_too() -> None:
    """A wrong frame at 1.0 and a right one at .95 are one bin: .975 against a half.

    With a bin of its own for 1.0 it would be |1 - 0| / 2 + |.95 - 1| / 2 = .525.
    """
    probs = np.array([[1.0, 0.0], [0.95, 0.05]])

    found = bins.ece(probs, np.array([1, 0]), n_bins=10)

    assert found == pytest.approx(0.475, abs=1e-15)


def test_no_confidence_is_left_out_of_the_bins() -> None:
    """Every edge of every width falls in a bin: 0.0 in the first, 1.0 in the last."""
    for n_bins in range(1, 60):
        at = bins.place(np.linspace(0.0, 1.0, n_bins + 1), n_bins)

        assert at[0] == 0
        assert at[-1] == n_bins - 1
        assert (np.diff(at) >= 0).all()


def test_equal_classes_predict_the_first() -> None:
    """Four classes at a quarter: the label 0 is right, and no other is."""
    probs = np.full((4, 4), 0.25)

    found = bins.by_width(probs, np.arange(4), n_bins=4)

    np.testing.assert_array_equal(found.right, [0, 1, 0, 0])


@given(simulated.distributions(), st.integers(1, 20))
def test_the_largest_gap_is_at_least_the_mean_gap(
    frames: tuple[np.ndarray, np.ndarray], n_bins: int
) -> None:
    """A weighted mean of gaps never exceeds the largest of them, but for rounding."""
    probs, labels = frames

    found = bins.by_width(probs, labels, n_bins=n_bins)

    assert bins.largest_error(found) >= bins.expected_error(found) - 1e-15
    assert found.frames.sum() == len(labels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_layout_and_any_shape_give_the_same_bits(dtype: type[np.floating]) -> None:
    """Class first, Fortran, reversed, strided, or (B, T, K): one answer."""
    rng = np.random.default_rng(3)
    frames = simulated.calibrated(6_000, 5, rng)
    probs, labels = frames.probs.astype(dtype), frames.labels
    spread = np.zeros((12_000, 10), dtype=dtype)
    spread[::2, ::2] = probs
    alike = {
        "fortran": (np.asfortranarray(probs), labels),
        "strided": (spread[::2, ::2], labels),
        "reversed": (probs[::-1].copy()[::-1], labels[::-1].copy()[::-1]),
        "(B, T, K)": (probs.reshape(20, 300, 5), labels.reshape(20, 300)),
        "(1, T, K)": (probs[None], labels[None]),
        "uint8 labels": (probs, labels.astype(np.uint8)),
    }

    wanted = bins.by_width(probs, labels)

    for name, (some, theirs) in alike.items():
        found = bins.by_width(some, theirs)
        for ours, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(ours, other, rtol=1e-13, err_msg=name)


def test_class_first_arrays_are_read_where_they_lie() -> None:
    """(B, K, T) seen as (B, T, K) agrees with its copy, in whole sequences."""
    rng = np.random.default_rng(4)
    frames = simulated.calibrated(40_000, 4, rng)
    copied = frames.probs.reshape(10, 4_000, 4)
    seen = np.ascontiguousarray(copied.swapaxes(1, 2)).swapaxes(1, 2)

    found = bins.ece(seen, frames.labels.reshape(10, 4_000))

    assert found == pytest.approx(bins.ece(copied.reshape(-1, 4), frames.labels))


def test_blocks_hold_every_frame_once_in_order() -> None:
    """Whatever the shape, frames come in C order and a block stays small."""
    for shape in [
        (7,),
        (1, 3),
        (300_000, 2),
        (3, 50_000, 4),
        (50_000, 3, 2),
        (2, 2, 3),
    ]:
        values = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)

        cut = list(blocks.rows(values))

        whole = np.concatenate([rows for _, rows in cut])
        np.testing.assert_array_equal(whole, values.reshape(-1, shape[-1]))
        starts = np.cumsum([0, *(len(rows) for _, rows in cut[:-1])])
        np.testing.assert_array_equal([first for first, _ in cut], starts)
        assert max(rows.size for _, rows in cut) <= blocks.CELLS


def test_a_large_array_is_never_copied_whole() -> None:
    """8 MB of probabilities or logits, of any order: at no time 5 MB beside them.

    A block of a megabyte, in double and with what is made of it, is some of those.
    """
    labels = np.zeros(200_000, dtype=np.int64)
    for order in ("C", "F"):
        probs = np.full((200_000, 10), 0.1, dtype=np.float32, order=order)
        tracemalloc.start()

        bins.ece(probs, labels)
        temperature.fit(probs, labels)

        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5e6, order


def test_calibrated_frames_have_a_small_error_and_sharpened_ones_a_large_one() -> None:
    """The error of calibrated frames is noise; at half the temperature it is not.

    With 200,000 frames each of 15 gaps errs by sqrt(.25 / n_m) at most: their weighted
    sum is below .02 with room to spare.
    """
    rng = np.random.default_rng(5)
    frames = simulated.calibrated(200_000, 5, rng)
    sharp = frames.probs**2
    sharp /= sharp.sum(axis=1, keepdims=True)

    assert bins.ece(frames.probs, frames.labels) < 0.02
    assert bins.ece(sharp, frames.labels) > 0.1
