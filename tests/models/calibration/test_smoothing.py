"""One report before smoothing and one after: what it does to calibration can be seen.

That smoothing lowers the error is a property of data, not a theorem. Here is one case
where it does, and two where it does not.
"""

from __future__ import annotations

import numpy as np

from models.calibration.report import report
from models.shapes import Array, IntArray
from tests.models.calibration import simulated


def _smoothed(probs: Array, width: int) -> Array:
    """Mean over `width` neighbours in time, fewer at the ends: (N, T, K) again."""
    n_frames = probs.shape[1]
    reach = width // 2
    spans = [slice(max(0, t - reach), t + reach + 1) for t in range(n_frames)]
    return np.stack([probs[:, span].mean(axis=1) for span in spans], axis=1)


def _sequences(
    run: int, seed: int, *, memory: float
) -> tuple[Array, IntArray, IntArray]:
    """Labels in runs, and a model far too sure, whose errors last: (12, 240, 4)."""
    rng = np.random.default_rng(seed)
    n, t, k = 12, 240, 4
    labels = np.repeat(rng.integers(k, size=(n, t // run)), run, axis=1)
    noise = rng.normal(size=(n, t, k))
    for i in range(1, t):
        noise[:, i] = memory * noise[:, i - 1] + np.sqrt(1 - memory**2) * noise[:, i]
    subjects = np.repeat(np.arange(n)[:, None], t, axis=1)
    return simulated.softmax(8.0 * (1.5 * np.eye(k)[labels] + noise)), labels, subjects


def test_smoothing_lowers_the_error_where_errors_last() -> None:
    """Long runs, errors that last a while, a window of 5: less sure, rightly."""
    probs, labels, subjects = _sequences(60, 1, memory=0.6)

    before = report(probs, labels, subjects)
    after = report(_smoothed(probs, 5), labels, subjects)

    assert after.accuracy.low > before.accuracy.high
    assert after.ece.high < before.ece.low
    assert after.nll.high < before.nll.low


def test_smoothing_raises_the_error_where_it_mends_more_than_it_admits() -> None:
    """Errors of single frames, a window of 9: right at .97 of frames, sure of .7."""
    probs, labels, subjects = _sequences(60, 1, memory=0.0)

    before = report(probs, labels, subjects)
    after = report(_smoothed(probs, 9), labels, subjects)

    assert after.accuracy.low > before.accuracy.high
    assert after.ece.value > before.ece.value


def test_smoothing_over_many_short_runs_does_harm() -> None:
    """Runs of 2 frames, a window of 21: the mean of ten behaviours is none of them."""
    probs, labels, subjects = _sequences(2, 2, memory=0.0)

    before = report(probs, labels, subjects)
    after = report(_smoothed(probs, 21), labels, subjects)

    assert after.accuracy.high < before.accuracy.low


def test_smoothed_labels_are_judged_by_the_probability_they_had() -> None:
    """Predictions put in by hand: their confidence is low where they overrule."""
    probs, labels, subjects = _sequences(60, 3, memory=0.0)
    smoothed = _smoothed(probs, 5).argmax(axis=-1)

    plain = report(probs, labels, subjects)
    found = report(probs, labels, subjects, predictions=smoothed)

    assert found.accuracy.low > plain.accuracy.high
    assert found.brier == plain.brier
    own = np.take_along_axis(probs, smoothed[..., None], axis=-1)[..., 0]
    gap = found.accuracy.value - own.mean()
    # The error of all bins is at least the gap of all frames together.
    assert found.ece.value >= abs(gap) - 1e-12
