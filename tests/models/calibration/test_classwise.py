"""Calibration class by class, and what a Brier score is made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration import classwise, verdict
from tests.models.calibration import plain, simulated


@given(simulated.distributions(), st.integers(1, 12))
def test_classwise_ece_is_its_definition(
    frames: tuple[np.ndarray, np.ndarray], n_bins: int
) -> None:
    """Each class's probability against its own share, averaged over classes."""
    probs, labels = frames

    found = classwise.classwise_ece(probs, labels, n_bins=n_bins)

    wanted = plain.classwise(probs.tolist(), labels.tolist(), n_bins)
    assert found == pytest.approx(wanted, abs=1e-14)


def test_the_parts_of_clusters_sum_to_the_whole() -> None:
    """surplus, summed over clusters, is probability less labels in every bin."""
    frames = simulated.by_subject(6, 50, 3, np.random.default_rng(2))

    found = classwise.by_class(
        frames.probs, frames.labels, member=frames.subjects, n_clusters=6
    )

    whole = (found.probability - found.labelled).reshape(-1)
    np.testing.assert_allclose(found.surplus.sum(axis=0), whole, atol=1e-12)
    assert found.surplus.shape == (6, 3 * 15)


@given(simulated.distributions())
def test_brier_is_reliability_less_resolution_plus_uncertainty(
    frames: tuple[np.ndarray, np.ndarray],
) -> None:
    """Where every bin holds one forecast nothing is left within bins (Murphy 1973).

    The forecasts are ratios of whole numbers up to 15, so 300 bins keep them apart.
    """
    probs, labels = frames

    found = classwise.by_class(probs, labels, n_bins=300)
    parts = classwise.brier_parts(found, verdict.brier(probs, labels))

    assert parts.within == pytest.approx(0.0, abs=1e-13)
    assert min(parts[:3]) >= 0.0


def test_a_forecast_of_the_base_rate_resolves_nothing() -> None:
    """It is calibrated and knows nothing: all of its score is uncertainty."""
    labels = np.repeat([0, 1, 2], [5, 3, 2])
    probs = np.tile([0.5, 0.3, 0.2], (10, 1))

    found = classwise.by_class(probs, labels)
    parts = classwise.brier_parts(found, verdict.brier(probs, labels))

    np.testing.assert_allclose(parts, [0.0, 0.0, 0.62, 0.0], atol=1e-15)
