"""Entropies are their definitions, and samples that agree share nothing more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.calibration import uncertainty
from tests.models.calibration import plain, simulated


@given(simulated.distributions())
def test_entropy_is_its_definition(frames: tuple[np.ndarray, np.ndarray]) -> None:
    """Zeros included; between 0 and log K."""
    probs, _ = frames

    found = uncertainty.entropy(probs)

    np.testing.assert_allclose(
        found, [plain.entropy(row) for row in probs.tolist()], atol=1e-14
    )
    assert found.min() >= 0.0
    assert found.max() <= math.log(probs.shape[1]) + 1e-14


def test_entropy_is_that_of_scipy_in_both_units() -> None:
    """A coin is one bit; SciPy agrees on (B, T, K)."""
    probs = simulated.calibrated(60, 5, np.random.default_rng(1)).probs.reshape(
        3, 20, 5
    )

    assert uncertainty.entropy(np.array([0.5, 0.5]), unit="bits") == pytest.approx(1.0)
    for unit, base in (("nats", math.e), ("bits", 2.0)):
        found = uncertainty.entropy(probs, unit=unit)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, stats.entropy(probs, axis=-1, base=base))


@given(st.integers(1, 5), simulated.distributions())
def test_samples_that_agree_are_mutually_uninformative(
    n_samples: int, frames: tuple[np.ndarray, np.ndarray]
) -> None:
    """All that is uncertain stays so when the model is known."""
    samples = np.repeat(frames[0][None], n_samples, axis=0)

    found = uncertainty.uncertainty(samples)

    np.testing.assert_allclose(found.mutual, 0.0, atol=1e-14)
    np.testing.assert_allclose(found.total, found.expected, atol=1e-14)


@given(simulated.distributions(least=2), st.integers(2, 4))
def test_mutual_information_is_never_negative_and_at_most_the_total(
    frames: tuple[np.ndarray, np.ndarray], n_samples: int
) -> None:
    """It is also at most log S: S samples cannot tell more apart than S models."""
    probs, _ = frames
    samples = np.stack([np.roll(probs, s, axis=0) for s in range(n_samples)])

    found = uncertainty.uncertainty(samples)

    assert found.mutual.min() >= 0.0
    assert (found.mutual <= found.total + 1e-14).all()
    assert found.mutual.max() <= math.log(n_samples) + 1e-14


def test_what_a_sum_may_miss_is_no_entropy() -> None:
    """Rows may sum to 1 within 1e-3: no entropy is below 0, and none is made up."""
    sloppy = np.array([[1.0005, 0.0], [0.5, 0.4995]], dtype=np.float32)

    found = uncertainty.uncertainty(np.stack([sloppy] * 3))

    wanted = stats.entropy(sloppy.astype(np.float64), axis=-1)
    np.testing.assert_allclose(uncertainty.entropy(sloppy), wanted, atol=1e-15)
    np.testing.assert_allclose(found.expected, wanted, atol=1e-15)
    np.testing.assert_allclose(found.total, wanted, atol=1e-15)


def test_certain_samples_that_differ_are_all_mutual_information() -> None:
    """Each knows, none agrees: total log 2 of a coin, expected 0."""
    samples = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])

    found = uncertainty.uncertainty(samples)

    assert found.total[0] == found.mutual[0] == pytest.approx(math.log(2.0))
    assert found.expected[0] == 0.0


def test_mutual_information_is_the_mean_divergence_from_the_mean() -> None:
    """mean_s KL(p_s, mean p): another form of the same, in single precision too."""
    rng = np.random.default_rng(2)
    samples = simulated.softmax(rng.normal(size=(6, 4, 10, 3)))

    found = uncertainty.uncertainty(samples)
    single = uncertainty.uncertainty(samples.astype(np.float32))

    mean = samples.mean(axis=0)
    divergence = (samples * np.log(samples / mean)).sum(axis=-1).mean(axis=0)
    np.testing.assert_allclose(found.mutual, divergence, atol=1e-14)
    np.testing.assert_allclose(single.mutual, found.mutual, atol=1e-6)
    assert found.mutual.shape == (4, 10)


def test_what_rounding_leaves_below_zero_is_zero() -> None:
    """A thousand samples that agree: the two means differ by some 1e-16 either way."""
    probs = simulated.calibrated(1_000, 5, np.random.default_rng(3)).probs
    samples = np.repeat(probs[None], 7, axis=0)

    found = uncertainty.uncertainty(samples)

    assert (found.total < found.expected).any()
    assert found.mutual.min() == 0.0
