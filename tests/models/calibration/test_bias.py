"""How much of a calibration error is chance."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration import bias, bins
from tests.models.calibration import simulated


def test_the_folded_mean_is_the_mean_of_its_draws() -> None:
    """Against 400,000 draws: within five standard errors, spread / sqrt(n) at most."""
    rng = np.random.default_rng(1)
    gaps, spreads = np.array([0.0, 0.1, -0.3, 2.0]), np.array([1.0, 0.2, 0.1, 0.5])
    draws = np.abs(gaps + spreads * rng.normal(size=(400_000, 4))).mean(axis=0)

    found = bias.folded_mean(gaps, spreads)

    assert (np.abs(found - draws) < 5.0 * spreads / np.sqrt(400_000)).all()


def test_without_spread_there_is_no_bias() -> None:
    """Gaps that are known exactly stay as they are."""
    gaps = np.array([0.2, -0.1, 0.0])

    assert bias.debiased(gaps, np.zeros(3)) == pytest.approx(0.3)
    assert bias.floor(np.zeros(3)) == 0.0


def test_the_floor_is_what_calibrated_frames_show() -> None:
    """Mean error of 400 calibrated samples against their mean floor.

    The error of one sample varies by less than its own mean; so the mean of 400 errs by
    a twentieth, and a fifth is four such errors and some. The seed is fixed.
    """
    rng = np.random.default_rng(2)
    errors, floors = [], []
    for _ in range(400):
        frames = simulated.calibrated(300, 4, rng)
        found = bins.by_width(frames.probs, frames.labels)
        errors.append(bins.expected_error(found))
        floors.append(bias.floor(bias.spread(found)))

    assert np.mean(floors) == pytest.approx(np.mean(errors), rel=0.2)


@pytest.mark.parametrize("power", [1.0, 1.6])
def test_debiasing_comes_nearer_to_the_truth(power: float) -> None:
    """On average over 200 samples of 300 frames, calibrated or sharpened.

    The truth is the error of a sample of 400,000, whose own bias is 40 times less.
    """
    rng = np.random.default_rng(3)

    def sample(n_frames: int) -> tuple[np.ndarray, np.ndarray]:
        frames = simulated.calibrated(n_frames, 4, rng)
        sharp = frames.probs**power
        return sharp / sharp.sum(axis=1, keepdims=True), frames.labels

    truth = bins.ece(*sample(400_000))
    samples = [sample(300) for _ in range(200)]
    plain = np.mean([bins.ece(*one) for one in samples])
    debiased = np.mean([bias.debiased_ece(*one) for one in samples])

    assert abs(debiased - truth) < 0.7 * abs(plain - truth)
