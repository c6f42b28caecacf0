"""Standard units, where a channel was never measured."""

from __future__ import annotations

import numpy as np
import pytest

from models.leakage.scale import fitted

WINDOWS = np.random.default_rng(0).normal(3.0, 2.0, (5, 2, 2, 50)).astype(np.float32)
WINDOWS[:, 1, 0] = 0.0
ABSENT = np.array([[False, False], [True, False]])


def test_an_absent_channel_stays_as_it_is() -> None:
    """And the others are brought to mean 0 and deviation 1."""
    scaled = fitted(WINDOWS, ABSENT).applied(WINDOWS)

    assert (scaled[:, 1, 0] == 0.0).all()
    np.testing.assert_allclose(scaled[:, 0].mean(axis=(0, 2)), 0.0, atol=1e-5)
    np.testing.assert_allclose(scaled[:, 1, 1].std(), 1.0, rtol=1e-5)


def test_a_channel_that_is_not_said_to_be_absent_must_move() -> None:
    """By its place."""
    with pytest.raises(ValueError, match="channel 1 at place 0 never moves"):
        fitted(WINDOWS, np.zeros((2, 2), dtype=np.bool_))
