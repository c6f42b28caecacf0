"""Bins of equal mass: even where they can be, and whole where frames tie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import bins, mass
from tests.models.calibration import plain, simulated

confidences = st.lists(st.integers(0, 8), min_size=1, max_size=40)


@given(confidences, st.integers(1, 10))
def test_a_tie_is_never_torn_apart_and_bins_are_in_order(
    eighths: list[int], n_bins: int
) -> None:
    """Equal confidences share a bin, larger ones never a lower; no bin is empty."""
    confidence = np.array(eighths) / 8.0

    lower = mass.edges(confidence, n_bins)
    at = mass.place(confidence, lower)

    order = np.argsort(confidence, kind="stable")
    steps = np.diff(at[order])
    assert (steps >= 0).all()
    assert (steps[np.diff(confidence[order]) == 0.0] == 0).all()
    assert set(at) == set(range(len(lower) + 1))
    assert len(lower) < n_bins


@given(st.integers(1, 200), st.integers(1, 20))
def test_distinct_frames_are_dealt_evenly(n_frames: int, n_bins: int) -> None:
    """Without ties no bin holds more than one frame more than another."""
    confidence = np.random.default_rng(n_frames).permutation(n_frames) / n_frames

    at = mass.place(confidence, mass.edges(confidence, n_bins))

    counts = np.bincount(at)
    assert len(counts) == min(n_bins, n_frames)
    assert counts.max() - counts.min() <= 1


def test_frames_of_one_confidence_are_one_bin() -> None:
    """A saturated model has one bin, and its error is |mean - share right|."""
    probs = np.tile([1.0, 0.0], (10, 1))

    found = mass.by_mass(probs, np.array([0] * 7 + [1] * 3))

    assert len(found.frames) == 1
    assert bins.expected_error(found) == pytest.approx(0.3, abs=1e-15)


@given(simulated.distributions(), st.integers(1, 6))
def test_adaptive_ece_is_its_definition(
    frames: tuple[np.ndarray, np.ndarray], n_bins: int
) -> None:
    """Frames sorted, cut at every n-th, each cut moved down to where its tie begins."""
    probs, labels = frames
    seen = [plain.confidence(row) for row in probs.tolist()]
    ordered = sorted(top for top, _ in seen)
    n_cut = min(n_bins, len(ordered))
    cuts = {ordered[i * len(ordered) // n_cut] for i in range(1, n_cut)}
    places = [sum(top >= cut for cut in cuts) for top, _ in seen]
    hits = [k == label for (_, k), label in zip(seen, labels.tolist(), strict=True)]
    wanted = sum(w * g for w, g in plain.gaps([t for t, _ in seen], hits, places))

    found = mass.adaptive_ece(probs, labels, n_bins=n_bins)

    assert found == pytest.approx(wanted, abs=1e-14)
