"""The trained model survives being written down and being folded."""

from __future__ import annotations

import unittest

import numpy as np

from models import chance
from models.first import bundle, calibration, encoder, learner, recogniser
from models.first.classifier import Steps
from models.first.learner import Learner, Lesson
from models.first.quantiser import Rates
from models.first.recogniser import Recogniser
from models.shapes import Array


def some_frames() -> Array:
    """Draw frames (T, 9, 2)."""
    return chance.stream(0, "frames").normal(size=(80, 9, 2))


def some_lesson() -> Lesson:
    """Draw points (B, 4) with labels that their first axis tells."""
    points = chance.stream(0, "points").normal(size=(400, 4))
    return Lesson(points, (points[:, 0] > 0.0).astype(np.int64), 40)


def taught(now: Learner, number: int) -> Learner:
    """One epoch further."""
    rng = chance.stream(0, "epoch", number)
    return learner.epoch(now, some_lesson(), Rates(decay=0.9), Steps(), rng)


def some_model() -> Recogniser:
    """A small model, trained a little on nothing of sense."""
    projection = encoder.fit(encoder.features(some_frames(), 5), 4)
    now = learner.start(some_lesson(), 8, 2, chance.stream(0, "start"))
    final = taught(now, 1)
    return Recogniser(projection, final.book.codes, final.descent.head, 5)


class Writing(unittest.TestCase):
    """To arrays and back."""

    def test_a_model_read_back_reads_the_same(self) -> None:
        """Every code and every logit, bit for bit."""
        model = some_model()
        back = recogniser.from_arrays(recogniser.to_arrays(model))

        wanted = recogniser.read(model, some_frames())
        found = recogniser.read(back, some_frames())

        np.testing.assert_array_equal(found.codes, wanted.codes)
        np.testing.assert_array_equal(found.logits, wanted.logits)

    def test_a_learner_taken_up_again_goes_the_same_way(self) -> None:
        """Written down between two epochs, it ends with the same bits."""
        fresh = learner.start(some_lesson(), 8, 2, chance.stream(0, "start"))
        first = taught(fresh, 1)

        straight = taught(first, 2)
        resumed = taught(learner.from_arrays(learner.to_arrays(first)), 2)

        wanted, found = learner.to_arrays(straight), learner.to_arrays(resumed)
        for name, part in wanted.items():
            np.testing.assert_array_equal(found[name], part)

    def test_learning_learns(self) -> None:
        """Ten epochs: both losses fall, and the rule is found."""
        now = learner.start(some_lesson(), 8, 2, chance.stream(0, "start"))
        first = latest = taught(now, 1)
        for number in range(2, 11):
            latest = taught(latest, number)

        assert latest.loss < first.loss
        assert latest.nll < first.nll
        assert latest.nll < 0.3


class Folding(unittest.TestCase):
    """The deployable form."""

    def test_the_bundle_decodes_what_the_model_reads(self) -> None:
        """Same codes; probabilities to the rounding of another order of sums."""
        model, temperature = some_model(), 1.7
        reading = recogniser.read(model, some_frames())

        found = bundle.decode(bundle.fold(model, temperature), some_frames())

        wanted = calibration.probabilities(reading.logits, temperature)
        np.testing.assert_array_equal(found.codes, reading.codes)
        np.testing.assert_allclose(found.probabilities, wanted, atol=1e-10)

    def test_accuracy_counts_the_largest_logit(self) -> None:
        """Two of three."""
        logits = np.array([[0.1, 0.2], [3.0, 1.0], [0.0, 9.0]])

        found = recogniser.accuracy(logits, np.array([1, 1, 1]))

        np.testing.assert_allclose(found, 2 / 3, rtol=0.0, atol=1e-12)
