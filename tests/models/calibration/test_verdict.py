"""Brier score and likelihood of each frame, and what a prediction is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from sklearn import metrics

from models.calibration import verdict
from tests.models.calibration import plain, simulated


@given(simulated.distributions())
def test_the_brier_score_is_its_definition(
    frames: tuple[np.ndarray, np.ndarray],
) -> None:
    """Squared distance to the one-hot label; a few doubles of rounding."""
    probs, labels = frames

    found = verdict.brier(probs, labels)

    assert found == pytest.approx(
        plain.brier(probs.tolist(), labels.tolist()), abs=1e-14
    )


def test_a_small_brier_score_keeps_its_digits() -> None:
    """Nearly certain and right: 2 miss^2, where 1 - 2 p + p^2 would leave rounding."""
    miss = np.array([1e-6, 1e-9, 1e-12])
    probs = np.stack([1.0 - miss, miss], axis=1)

    found = verdict.verdicts(probs, np.zeros(3, dtype=int)).brier

    # 1 - p errs by half of 2.2e-16: a ten-thousandth of the least miss.
    np.testing.assert_allclose(found, 2.0 * miss**2, rtol=3e-4)


def test_scores_are_those_of_scikit_learn() -> None:
    """Its log loss, and its Brier score of many classes."""
    frames = simulated.calibrated(2_000, 5, np.random.default_rng(1))

    nll = verdict.nll(frames.probs, frames.labels)
    brier = verdict.brier(frames.probs, frames.labels)

    theirs = metrics.log_loss(frames.labels, frames.probs, labels=range(5))
    assert nll == pytest.approx(theirs, rel=1e-12)
    theirs = metrics.brier_score_loss(frames.labels, frames.probs, labels=range(5))
    assert brier == pytest.approx(theirs, rel=1e-12)


def test_a_label_held_impossible_costs_infinitely_much() -> None:
    """The logarithm of zero is said, not clipped; certain and right costs nothing."""
    probs = np.array([[1.0, 0.0], [1.0, 0.0]])

    seen = verdict.verdicts(probs, np.array([1, 0]))

    np.testing.assert_array_equal(seen.nll, [math.inf, 0.0])
    assert verdict.nll(probs, np.array([1, 0])) == math.inf


def test_the_prediction_is_the_first_of_the_most_probable() -> None:
    """As argmax has it, and as the bins count it."""
    probs = np.array([[0.2, 0.4, 0.4], [0.5, 0.5, 0.0]], dtype=np.float32)

    seen = verdict.verdicts(probs, np.array([2, 0]))

    np.testing.assert_array_equal(seen.predicted, [1, 0])
    np.testing.assert_array_equal(seen.is_right, [False, True])


def test_given_predictions_bring_their_own_confidence() -> None:
    """After smoothing a prediction may be improbable, and its confidence says so."""
    probs = np.array([[0.7, 0.3], [0.1, 0.9]])

    seen = verdict.verdicts(probs, np.array([1, 1]), np.array([1, 1]))

    np.testing.assert_array_equal(seen.confidence, [0.3, 0.9])
    assert seen.is_right.all()


def test_single_precision_is_summed_in_double() -> None:
    """A million equal frames: their mean keeps the seven digits that each has."""
    probs = np.full((1_000_000, 2), [0.1, 0.9], dtype=np.float32)

    found = verdict.nll(probs, np.zeros(1_000_000, dtype=np.int8))

    assert found == pytest.approx(-math.log(float(np.float32(0.1))), rel=1e-12)
