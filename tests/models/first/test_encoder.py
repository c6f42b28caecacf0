"""Points are causal, and their axes principal."""

from __future__ import annotations

import unittest

import numpy as np

from models import chance
from models.first import encoder
from models.shapes import Array


def some_frames(n_frames: int = 40) -> Array:
    """Draw frames (T, 9, 2)."""
    return chance.stream(0, "frames").normal(size=(n_frames, 9, 2))


class Features(unittest.TestCase):
    """Mean and log spread of a window."""

    def test_a_frame_sees_its_window_and_nothing_else(self) -> None:
        """Each feature against numpy on that window alone."""
        frames, width = some_frames(), 5
        flat = frames.reshape(len(frames), -1)

        found = encoder.features(frames, width)

        for t in range(len(frames)):
            window = flat[max(0, t - width + 1) : t + 1]
            spread = np.maximum(window.var(axis=0), encoder.LEAST_VARIANCE)
            wanted = np.concatenate([window.mean(axis=0), 0.5 * np.log(spread)])
            np.testing.assert_allclose(found[t], wanted, atol=1e-10)

    def test_what_comes_later_changes_nothing(self) -> None:
        """The features of a prefix are a prefix of the features, bit for bit."""
        frames = some_frames()

        whole, part = encoder.features(frames, 6), encoder.features(frames[:15], 6)

        np.testing.assert_array_equal(whole[:15], part)

    def test_stillness_is_finite(self) -> None:
        """A channel that does not move has the least spread, not minus infinity."""
        found = encoder.features(np.ones((5, 9, 2)), 3)

        np.testing.assert_array_equal(
            found[:, 18:], 0.5 * np.log(encoder.LEAST_VARIANCE)
        )


class Axes(unittest.TestCase):
    """The projection."""

    def test_points_are_centred_and_uncorrelated(self) -> None:
        """On the rows they were fitted to, the widest first."""
        rng = chance.stream(1, "rows")
        rows = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6)) + 3.0

        points = encoder.project(encoder.fit(rows, 4), rows)

        covariance = np.cov(points.T, bias=True)
        np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=1e-10)
        np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-10)
        assert (np.diff(np.diag(covariance)) <= 0.0).all()

    def test_all_axes_together_lose_nothing(self) -> None:
        """As many axes as features keep every distance of standardised rows."""
        rows = chance.stream(2, "rows").normal(size=(50, 5))
        standard = (rows - rows.mean(axis=0)) / rows.std(axis=0)

        points = encoder.project(encoder.fit(rows, 5), rows)

        np.testing.assert_allclose(points @ points.T, standard @ standard.T, atol=1e-10)
