"""Codes are the means of what they won, and stay so whatever happens to them."""

from __future__ import annotations

import unittest

import numpy as np

from models import chance
from models.first import health, quantiser
from models.first.quantiser import Codebook, Rates
from models.shapes import Array


def some_points(n_points: int = 200) -> Array:
    """Draw points (B, 3)."""
    return chance.stream(0, "points").normal(size=(n_points, 3))


def some_book(n_codes: int = 8) -> Codebook:
    """Start a codebook on some of them."""
    return quantiser.start(some_points(), n_codes, 5.0, chance.stream(0, "start"))


def far_book() -> Codebook:
    """A codebook whose code 2 lies where no point is, and weighs little."""
    return health.throw_away(some_book(), np.arange(8) == 2)


class Assignment(unittest.TestCase):
    """Which code a point belongs to."""

    def test_the_nearest_code_is_the_nearest_by_enumeration(self) -> None:
        """Every distance, written out."""
        points, codes = some_points(), some_book().codes

        found = quantiser.assign(codes, points)

        every = [[np.sum((p - c) ** 2) for c in codes] for p in points]
        np.testing.assert_array_equal(found, np.argmin(every, axis=1))

    def test_distortion_is_the_mean_squared_gap(self) -> None:
        """By hand on two points."""
        codes, points = np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])

        found = quantiser.distortion(codes, points, np.array([0, 0]))

        assert found == 13.0


class Update(unittest.TestCase):
    """How codes move."""

    def test_without_memory_an_update_is_a_step_of_k_means(self) -> None:
        """Each code becomes the mean of what it won, if it won anything."""
        points, book = some_points(), some_book()
        nearest = quantiser.assign(book.codes, points)

        found = quantiser.update(book, points, nearest, decay=1e-12)

        wanted = [points[nearest == c].mean(axis=0) for c in range(8)]
        np.testing.assert_allclose(found.codes, wanted, atol=1e-9)

    def test_a_code_that_wins_nothing_keeps_its_place(self) -> None:
        """For a hundred updates."""
        points, book = some_points(), far_book()

        for _ in range(100):
            nearest = quantiser.assign(book.codes, points)
            book = quantiser.update(book, points, nearest, decay=0.9)

        np.testing.assert_allclose(book.codes[2], health.FAR, rtol=1e-12)

    def test_loss_falls_over_epochs(self) -> None:
        """From the first epoch to the tenth, on the same points."""
        book, losses = some_book(), []
        for number in range(10):
            rng = chance.stream(number, "epoch")
            batches = np.array_split(rng.permutation(some_points()), 5)
            book, loss, _ = quantiser.epoch(book, batches, Rates(decay=0.9), rng)
            losses.append(loss)

        assert losses[-1] < 0.95 * losses[0]


class Revival(unittest.TestCase):
    """What happens to dead codes."""

    def test_a_code_far_from_all_points_is_dead(self) -> None:
        """And only that one."""
        found = quantiser.dead(far_book(), below=0.05)

        np.testing.assert_array_equal(np.flatnonzero(found), [2])

    def test_a_revived_code_survives_the_next_update(self) -> None:
        """It stays in the data's range, near the point it was put on."""
        points, book = some_points(), far_book()
        is_dead = quantiser.dead(book, below=0.05)
        revived = quantiser.revive(book, is_dead, points, chance.stream(1, "revive"))

        nearest = quantiser.assign(revived.codes, points)
        found = quantiser.update(revived, points, nearest, decay=0.99)

        assert quantiser.outside(revived.codes, points) == 0
        assert quantiser.outside(found.codes, points) == 0

    def test_codes_are_sums_over_counts_after_everything(self) -> None:
        """Start, update, revival: one invariant."""
        points, book = some_points(), far_book()
        moved = quantiser.update(
            book, points, quantiser.assign(book.codes, points), decay=0.9
        )
        is_dead = quantiser.dead(moved, below=0.05)
        revived = quantiser.revive(moved, is_dead, points, chance.stream(2, "revive"))

        for each in (book, moved, revived):
            np.testing.assert_allclose(
                each.codes, each.sums / each.counts[:, None], rtol=1e-12
            )

    def test_revival_leaves_the_living_alone(self) -> None:
        """Codes, counts and sums of the others are the same bits."""
        book, which = far_book(), np.arange(8) == 2

        found = quantiser.revive(book, which, some_points(), chance.stream(3, "revive"))

        for old, new in zip(book, found, strict=True):
            np.testing.assert_array_equal(new[~which], old[~which])

    def test_a_half_lost_codebook_comes_back_to_health(self) -> None:
        """Nothing outside, the lost ones in use, the loss down."""
        rng = chance.stream(4, "health")
        points = health.mixture(1024, 12, 4, rng)

        found = health.examine(points, 16, 6, Rates(decay=0.9), rng)

        assert found.outside == 0
        assert found.revived >= 8
        assert found.survival == 1.0
        assert found.loss < found.first_loss
