"""The temperature is the optimum, or the bound, and it never makes the loss rise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import optimize, special

from models.calibration import bins, temperature
from tests.models.calibration import simulated

logits = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.integers(1, 5)),
    elements=st.floats(-30.0, 30.0, width=32),
)


def _loss(z: np.ndarray, labels: np.ndarray, at: float) -> float:
    """Mean negative log-likelihood at a temperature, from its definition."""
    log_p = special.log_softmax(z / at, axis=-1)
    return -float(np.take_along_axis(log_p, labels[..., None], axis=-1).mean())


def _drawn(
    n_frames: int, n_classes: int, true: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels which follow softmax(logits / true)."""
    rng = np.random.default_rng(seed)
    z = 3.0 * rng.normal(size=(n_frames, n_classes))
    return z, simulated.labels_of(simulated.softmax(z / true), rng)


@pytest.mark.parametrize("true", [0.3, 1.0, 1.8, 7.0])
@pytest.mark.parametrize("n_frames", [500, 50_000])
def test_the_temperature_is_the_optimum(true: float, n_frames: int) -> None:
    """SciPy finds the root of mean E[z] - z_y, to rounding, where ours ends."""
    z, labels = _drawn(n_frames, 5, true, seed=1)

    found = temperature.fit(z, labels)

    def slope(cold: float) -> float:
        mean = (special.softmax(cold * z, axis=-1) * z).sum(axis=-1)
        return float((mean - z[np.arange(n_frames), labels]).mean())

    theirs = 1.0 / optimize.brentq(slope, 0.05, 20.0, xtol=1e-14)
    assert found.temperature == pytest.approx(theirs, rel=1e-9)
    assert found.nll_after <= _loss(z, labels, theirs) + 1e-14
    assert not found.at_bound
    assert found.iterations <= 8


def test_the_slope_is_zero_at_the_temperature() -> None:
    """To rounding: one Newton step from there moves it by less than 1e-11 of itself."""
    z, labels = _drawn(100_000, 10, 1.8, seed=2)

    found = temperature.fit(z, labels)

    cold = 1.0 / found.temperature
    there = temperature.slope(z, labels, cold, None)
    assert abs(there.first / there.second) < 1e-11 * cold


def test_it_recovers_the_temperature_that_made_the_labels() -> None:
    """Within five standard errors, 1 / sqrt(n curvature) in 1 / T."""
    z, labels = _drawn(200_000, 5, 1.8, seed=3)

    found = temperature.fit(z, labels)

    curvature = temperature.slope(z, labels, 1.0 / 1.8, None).second
    error = 1.0 / np.sqrt(200_000 * curvature)
    assert abs(1.0 / found.temperature - 1.0 / 1.8) < 5.0 * error


@settings(max_examples=150)
@given(logits, st.data())
def test_the_loss_never_rises_and_no_grid_point_is_better(
    z: np.ndarray, data: st.DataObject
) -> None:
    """Ties, one frame, one class, separable or hopeless: 400 temperatures are tried."""
    labels = data.draw(
        hnp.arrays(np.int64, len(z), elements=st.integers(0, z.shape[1] - 1))
    )

    found = temperature.fit(z, labels)

    grid = z / np.geomspace(0.05, 20.0, 400)[:, None, None]
    log_p = special.log_softmax(grid, axis=-1)[:, np.arange(len(z)), labels]
    tried = -log_p.mean(axis=1)
    # The last step, 1e-6 of 1 / T at most, is worth half its square times Var[z / T].
    rounding = 1e-11 * (1.0 + found.nll_before)
    assert found.nll_after <= tried.min() + rounding
    assert found.nll_after <= found.nll_before
    assert 0.05 <= found.temperature <= 20.0
    assert found.temperature == 1.0 or found.nll_after < found.nll_before
    assert found.nll_after == pytest.approx(
        _loss(z, labels, found.temperature), abs=rounding
    )


@given(logits, st.data(), st.floats(0.06, 15.0))
def test_slope_and_curvature_are_finite_differences(
    z: np.ndarray, data: st.DataObject, cold: float
) -> None:
    """Central differences err by h^2 / 6 times a derivative two orders higher.

    Those are at most the third and fourth power of the logits' scale, up to 61: with
    h = 1e-6 below 1e-9 of the scale, and of its square. Rounding, 2e-16 of a loss below
    900 over h, is below 2e-7.
    """
    labels = data.draw(
        hnp.arrays(np.int64, len(z), elements=st.integers(0, z.shape[1] - 1))
    )
    h = 1e-6

    below, here, above = (
        temperature.slope(z, labels, cold + step, None) for step in (-h, 0.0, h)
    )

    scale = 1.0 + np.ptp(z)
    slope = (above.nll - below.nll) / (2.0 * h)
    assert here.first == pytest.approx(slope, abs=1e-6 * scale)
    curvature = (above.first - below.first) / (2.0 * h)
    assert here.second == pytest.approx(curvature, abs=1e-6 * scale**2)
    assert here.second >= 0.0


def test_separable_frames_end_at_the_low_bound_and_say_so() -> None:
    """All right: every lower temperature is better, without end."""
    z = np.random.default_rng(4).normal(size=(200, 4))

    found = temperature.fit(z, z.argmax(axis=1))

    assert found.temperature == 0.05
    assert found.at_bound
    assert found.nll_after < found.nll_before


@pytest.mark.parametrize("labelled", ["at random", "against"])
def test_logits_that_know_nothing_end_at_the_high_bound_and_say_so(
    labelled: str,
) -> None:
    """Never a negative temperature, and never a huge one.

    Random labels leave 1 / T within 4 errors of 0: 4 / sqrt(2,000 x 25 x 3 / 4) = .02.
    """
    rng = np.random.default_rng(5)
    z = 5.0 * rng.normal(size=(2_000, 4))
    labels = (
        rng.integers(4, size=2_000) if labelled == "at random" else z.argmin(axis=1)
    )

    found = temperature.fit(z, labels, bounds=(0.1, 50.0))

    assert found.temperature == 50.0
    assert found.at_bound
    assert found.nll_after == pytest.approx(_loss(z, labels, 50.0), rel=1e-12)


def test_where_nothing_is_better_the_temperature_stays_1() -> None:
    """Equal logits, one class, and frames so sure that no digit moves."""
    sure = np.eye(3)[[0, 1, 2]] * 5_000.0

    equal = temperature.fit(np.zeros((5, 3)), np.array([0, 1, 2, 0, 1]))
    single = temperature.fit(np.arange(4.0)[:, None], np.zeros(4, dtype=int))
    certain = temperature.fit(sure, np.arange(3))

    for found in (equal, single, certain):
        assert found.temperature == 1.0
        assert found.nll_after == found.nll_before
        assert not found.at_bound


def test_labels_in_just_the_shares_of_their_logits_leave_it_at_1() -> None:
    """The optimum is 1 but for rounding, and what rounding gains is not taken."""
    rng = np.random.default_rng(11)
    for _ in range(30):
        counts = rng.integers(1, 20, size=5)
        z = np.tile(np.log(counts / counts.sum()), (counts.sum(), 1))

        found = temperature.fit(z, np.repeat(np.arange(5), counts))

        assert found.temperature == 1.0
        assert not found.at_bound


def test_weights_count_frames() -> None:
    """Whole weights are repeated frames; weight 0 is no frame."""
    z, labels = _drawn(60, 3, 2.0, seed=6)
    times = np.random.default_rng(7).integers(0, 4, size=60)

    weighted = temperature.fit(z, labels, weights=times.astype(np.float64))
    repeated = temperature.fit(np.repeat(z, times, axis=0), np.repeat(labels, times))

    assert weighted[:3] == pytest.approx(repeated[:3], rel=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layout_and_shape_do_not_matter(dtype: type[np.floating]) -> None:
    """(B, T, K) class first in memory is its copy, flat; 50,000 frames are sampled."""
    z, labels = _drawn(50_000, 4, 1.5, seed=8)
    z = z.astype(dtype)
    folded = np.ascontiguousarray(z.reshape(50, 1_000, 4).swapaxes(1, 2))

    flat = temperature.fit(z, labels)
    seen = temperature.fit(folded.swapaxes(1, 2), labels.reshape(50, 1_000))

    assert seen[:3] == pytest.approx(flat[:3], rel=1e-10)


def test_logits_moved_by_a_constant_are_the_same_logits() -> None:
    """Even by 1e6: a softmax does not see it, and double keeps nine digits of it."""
    z, labels = _drawn(1_000, 4, 1.5, seed=9)

    near, far = temperature.fit(z, labels), temperature.fit(z + 1e6, labels)

    assert far.temperature == pytest.approx(near.temperature, rel=1e-8)


def test_a_temperature_fitted_on_some_subjects_helps_others() -> None:
    """The error of sharpened frames falls at the temperature of other frames."""
    z, labels = _drawn(40_000, 5, 2.5, seed=10)

    found = temperature.fit(z[:20_000], labels[:20_000])

    before = bins.ece(temperature.scaled(z[20_000:], 1.0), labels[20_000:])
    after = bins.ece(temperature.scaled(z[20_000:], found.temperature), labels[20_000:])
    assert after < 0.25 * before


@given(logits, st.floats(0.05, 20.0))
def test_scaling_keeps_the_order_of_classes(z: np.ndarray, at: float) -> None:
    """Probabilities sum to 1 and no prediction is overtaken."""
    probs = temperature.scaled(z, at)

    np.testing.assert_allclose(probs.sum(axis=-1), 1.0, atol=1e-14)
    top = np.take_along_axis(probs, z.argmax(axis=1)[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(top, probs.max(axis=1))


def test_huge_logits_are_fitted_without_a_warning() -> None:
    """Single precision to its end: spans of 6e38 are squared in double."""
    z = np.array([[3e38, -3e38], [-3e38, 3e38], [3e38, -3e38]], dtype=np.float32)

    found = temperature.fit(z, np.array([0, 1, 1]))

    assert found.temperature == 20.0
    assert found.at_bound
    np.testing.assert_array_equal(temperature.scaled(z, 0.05)[0], [1.0, 0.0])
