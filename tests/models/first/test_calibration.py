"""Calibration by hand, at the edges, and by coverage on simulated subjects."""

from __future__ import annotations

import unittest

import numpy as np

from models import chance
from models.first import calibration, classifier
from models.shapes import Array, IntArray


def drawn(temperature: float, n_rows: int = 4000) -> tuple[Array, IntArray]:
    """Logits (B, 3), and labels drawn from their softmax at a temperature."""
    rng = chance.stream(0, "logits")
    logits = rng.normal(0.0, 2.0, (n_rows, 3))
    right = calibration.probabilities(logits, temperature).cumsum(axis=1)
    labels = (rng.random((n_rows, 1)) > right).sum(axis=1)
    return logits, labels


class Error(unittest.TestCase):
    """Expected calibration error."""

    def test_full_confidence_is_in_the_last_bin(self) -> None:
        """Two frames sure to the last bit and one at 0.95: one bin holds all three."""
        probs = np.array([[1.0, 0.0], [1.0, 0.0], [0.95, 0.05]])

        bins = calibration.reliability(probs, np.array([0, 1, 0]), 10)

        assert bins.weight.shape == (10,)
        assert bins.weight[-1] == 1.0
        wanted = abs((1.0 + 1.0 + 0.95) / 3 - 2 / 3)
        np.testing.assert_allclose(
            calibration.expected_error(bins), wanted, rtol=0.0, atol=1e-12
        )

    def test_the_error_by_hand(self) -> None:
        """Two bins: 0.25 x |0.6 - 0| + 0.75 x |0.9 - 1|."""
        sure = np.array([0.6, 0.9, 0.9, 0.9])
        probs = np.stack([sure, 1.0 - sure], axis=1)

        bins = calibration.reliability(probs, np.array([1, 0, 0, 0]), 4)

        np.testing.assert_allclose(
            calibration.expected_error(bins), 0.225, rtol=0.0, atol=1e-12
        )


class Temperature(unittest.TestCase):
    """The one number that is fitted."""

    def test_the_temperature_labels_were_drawn_at_is_found(self) -> None:
        """Within ten per cent, for sharp and blunt; 4000 frames know it to about 4."""
        for wanted in (0.5, 1.0, 2.5):
            found = calibration.temperature(*drawn(wanted))

            assert abs(found / wanted - 1.0) < 0.1

    def test_no_other_temperature_loses_less(self) -> None:
        """Against a grid on either side; 1.0, no scaling at all, is one of them."""
        logits, labels = drawn(1.7)

        best = calibration.temperature(logits, labels)

        least = classifier.nll(logits / best, labels)
        for other in np.append(np.geomspace(0.1, 10.0, 40), 1.0):
            assert least <= classifier.nll(logits / other, labels)

    def test_what_cannot_be_wrong_stays_within_bounds(self) -> None:
        """Always right wants a temperature of zero, always wrong an infinite one."""
        logits = np.array([[1.0, 0.0], [0.0, 1.0]])

        coldest = calibration.temperature(logits, np.array([0, 1]))
        hottest = calibration.temperature(logits, np.array([1, 0]))

        np.testing.assert_allclose(coldest, calibration.COLDEST, rtol=0.0, atol=1e-9)
        np.testing.assert_allclose(hottest, calibration.HOTTEST, rtol=0.0, atol=1e-9)

    def test_the_slope_is_that_of_finite_differences(self) -> None:
        """In coldness, where the loss is convex."""
        logits, labels = drawn(1.0, 100)
        h = 1e-5

        found = calibration.slope(logits, labels, 0.8)

        up, down = (classifier.nll(logits * (0.8 + s), labels) for s in (h, -h))
        np.testing.assert_allclose(found, (up - down) / (2 * h), rtol=0.0, atol=1e-8)


class Conformal(unittest.TestCase):
    """Sets that hold the truth often enough, for subjects not seen."""

    def test_with_one_frame_each_it_is_plain_split_conformal(self) -> None:
        """The ceil((N + 1)(1 - miss))-th smallest score."""
        scores = chance.stream(1, "scores").permutation(np.arange(19.0))[:, None]

        found = calibration.threshold(scores, 0.1)

        assert found == np.arange(19.0)[int(np.ceil(20 * 0.9)) - 1]

    def test_too_few_subjects_give_no_threshold(self) -> None:
        """Eight subjects cannot promise one miss in ten, however many frames."""
        assert calibration.threshold(np.ones((8, 1000)), 0.1) == np.inf
        assert calibration.threshold(np.ones((9, 1000)), 0.1) == 1.0

    def test_a_new_subject_is_covered_as_promised(self) -> None:
        """Scores shared within subjects; 4 binomial errors of 3000 new frames below."""
        n, miss = 3000, 0.2
        scores = chance.stream(2, "subjects").normal(size=(n, 10, 1))
        noise = chance.stream(2, "frames").normal(0.0, 0.3, (n, 10, 7))
        every = scores + noise

        held = [
            every[i, -1, 0] <= calibration.threshold(every[i, :-1], miss)
            for i in range(n)
        ]

        slack = 4.0 * np.sqrt(miss * (1.0 - miss) / n)
        assert np.mean(held) >= 1.0 - miss - slack

    def test_sets_hold_what_their_scores_allow(self) -> None:
        """By hand: two subjects of two frames, one label missed."""
        probs = np.array([[[0.9, 0.1], [0.4, 0.6]], [[0.2, 0.8], [0.5, 0.5]]])
        truth = np.array([[0, 0], [1, 1]])

        covered = calibration.coverage(calibration.sets(probs, 0.55), truth)

        np.testing.assert_array_equal(covered, [0.5, 1.0])
        np.testing.assert_allclose(
            calibration.scores(probs, truth), [[0.1, 0.6], [0.2, 0.5]], atol=1e-12
        )
