"""Scores of classes are their definitions, ties by class number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import conformity
from tests.models.calibration import plain, simulated


@given(simulated.distributions(), st.floats(0.0, 2.0), st.integers(0, 5))
def test_raps_is_its_definition(
    frames: tuple[np.ndarray, np.ndarray], penalty: float, free: int
) -> None:
    """Mass before, the class's own, and the charge for its rank."""
    probs, _ = frames

    found = conformity.raps(probs, penalty=penalty, free=free)

    for row, scores in zip(probs.tolist(), found, strict=True):
        for k, score in enumerate(scores):
            charge = penalty * max(0, plain.rank(row, k) - free)
            wanted = plain.adaptive_score(row, k, 1.0) + charge
            assert score == pytest.approx(wanted, abs=1e-14)


@given(simulated.distributions(), st.integers(0, 1_000))
def test_random_scores_share_one_draw_in_each_frame(
    frames: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    """The class's own mass counts by u, the same for all classes of the frame."""
    probs, _ = frames

    found = conformity.aps(probs, np.random.default_rng(seed))

    shares = np.random.default_rng(seed).random(len(probs))
    for row, scores, share in zip(probs.tolist(), found, shares, strict=True):
        wanted = [plain.adaptive_score(row, k, share) for k in range(len(row))]
        np.testing.assert_allclose(scores, wanted, atol=1e-14)


def test_without_a_draw_aps_is_the_mass_up_to_the_class() -> None:
    """.5, .5 + .3, and all of it; equal classes by number."""
    scores = conformity.aps(np.array([[0.3, 0.5, 0.2], [0.25, 0.5, 0.25]]))

    np.testing.assert_allclose(scores, [[0.8, 0.5, 1.0], [0.75, 0.5, 1.0]])


@pytest.mark.parametrize("score", [conformity.lac, conformity.aps, conformity.raps])
def test_shape_and_layout_are_kept(score: Callable[[np.ndarray], np.ndarray]) -> None:
    """(B, T, K) with its classes first in memory scores as its copy does."""
    probs = simulated.calibrated(600, 4, np.random.default_rng(1)).probs
    cube = np.asfortranarray(probs.reshape(20, 30, 4))

    found = score(cube)

    np.testing.assert_array_equal(found.reshape(-1, 4), score(probs))


def test_the_score_of_a_label_is_picked_from_its_frame() -> None:
    """LAC of the label is what its probability lacks to 1."""
    frames = simulated.calibrated(50, 3, np.random.default_rng(2))

    found = conformity.of_labels(conformity.lac(frames.probs), frames.labels)

    wanted = 1.0 - frames.probs[np.arange(50), frames.labels]
    np.testing.assert_array_equal(found, wanted)
