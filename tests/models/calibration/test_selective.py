"""Error against the share of frames that are offered."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration.selective import selective

# Confidence 0.9, 0.8, 0.7, 0.6; the second and the last are wrong.
PROBS = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]])
LABELS = np.array([0, 0, 0, 0])


def test_risk_is_of_the_frames_offered() -> None:
    """The surest first, one by one."""
    found = selective(PROBS, LABELS, n_points=4)

    assert found.threshold == pytest.approx([0.9, 0.8, 0.7, 0.6])
    assert found.coverage == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert found.risk.value == pytest.approx([0.0, 1 / 2, 1 / 3, 1 / 2])


def test_areas_are_means_over_coverages() -> None:
    """As it is, and with every wrong frame last."""
    found = selective(PROBS, LABELS)

    assert found.area == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert found.least == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


def test_frames_of_one_confidence_are_offered_together() -> None:
    """No order among them is better than another."""
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.6, 0.4]])

    found = selective(probs, np.array([0, 1, 0, 0]), n_points=4)

    assert found.coverage == pytest.approx([0.75, 1.0])
    assert found.risk.value == pytest.approx([1 / 3, 1 / 4])


def test_risk_has_an_interval_over_subjects() -> None:
    """Which is wider than that over frames, where subjects differ."""
    probs, labels = np.tile(PROBS, (20, 1)), np.repeat([0, 1], 40)

    alone = selective(probs, labels, n_points=1).risk
    among = selective(probs, labels, np.repeat(np.arange(4), 20), n_points=1).risk

    assert among.low[0] <= alone.low[0] <= alone.value[0] <= alone.high[0]
    assert among.high[0] >= alone.high[0]
