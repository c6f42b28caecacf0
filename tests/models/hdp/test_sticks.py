"""Broken sticks: their moments, their inverse, and the weak limit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.chance import stream
from models.hdp import sticks
from models.logspace import logsumexp
from tests.models.hdp.joint import FAR, off

CONCENTRATIONS = [0.3, 1.0, 2.0, 7.0]


@pytest.mark.parametrize("concentration", CONCENTRATIONS)
def test_the_concentration_acts_once(concentration: float) -> None:
    """E[beta_1] = 1 / (1 + g) and E[sum beta^2] = 1 / (1 + g): g = 2 is no 4."""
    rng = stream(1, "gem")

    shares = np.exp(sticks.gem(concentration, 200, 20_000, rng))

    wanted = 1.0 / (1.0 + concentration)
    assert abs(off(shares[:, 0], wanted)) < FAR
    assert abs(off((shares**2).sum(axis=1), wanted)) < FAR


@pytest.mark.parametrize("concentration", CONCENTRATIONS)
def test_later_shares_fall_geometrically(concentration: float) -> None:
    """E[beta_k] = g^(k-1) / (1 + g)^k."""
    shares = np.exp(sticks.gem(concentration, 6, 20_000, stream(2, "gem")))

    k = np.arange(5)
    wanted = concentration**k / (1.0 + concentration) ** (k + 1)
    assert (np.abs(off(shares[:, :5], wanted)) < FAR).all()


def test_the_weak_limit_has_the_moments_of_its_dirichlet() -> None:
    """E[sum beta^2] = (g/K + 1) / (g + 1), which tends to the process's."""
    shares = np.exp(sticks.weak_limit(2.0, 10, 20_000, stream(3, "weak")))

    assert (np.abs(off(shares, 0.1)) < FAR).all()
    assert abs(off((shares**2).sum(axis=1), 1.2 / 3.0)) < FAR


@settings(deadline=None)
@given(
    st.lists(st.floats(-700.0, 0.0), min_size=1, max_size=12),
    st.integers(1, 3),
)
def test_breaking_undoes_its_inverse(log_mass: list[float], n_rows: int) -> None:
    """Shares as small as e^-700 come back, whatever their order."""
    log_beta = np.array(log_mass) - logsumexp(np.array(log_mass))
    rows = np.asfortranarray(np.tile(log_beta, (n_rows, 1)))

    back = sticks.log_shares(sticks.sticks(rows))

    # Each of K tails is a sum of logs up to 700, rounded at 1e-13.
    np.testing.assert_allclose(back, rows, atol=1e-11)


def test_a_spent_stick_breaks_to_nothing() -> None:
    """Shares after the last of the mass are none, and nothing becomes nan."""
    log_beta = np.array([np.log(0.25), np.log(0.75), -np.inf, -np.inf])

    back = sticks.log_shares(sticks.sticks(log_beta))

    np.testing.assert_allclose(np.exp(back), [0.25, 0.75, 0.0, 0.0], atol=1e-15)


@pytest.mark.parametrize("concentration", [1e-300, 1e300])
def test_the_smallest_and_the_largest_concentration_break_sticks(
    concentration: float,
) -> None:
    """A break of e^-690, or one that leaves e^-1e299, is a number in logs."""
    drawn = sticks.gem(concentration, 3, 100, stream(7, "ends"))

    assert np.isfinite(drawn).all()


def test_one_share_is_all() -> None:
    """A stick that is never broken is one."""
    np.testing.assert_array_equal(sticks.gem(2.0, 1, 3, stream(4, "one")), 0.0)
    np.testing.assert_array_equal(sticks.log_shares(sticks.sticks(np.zeros(1))), 0.0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda rng: sticks.gem(0.0, 3, 1, rng), "concentration is 0.0"),
        (lambda rng: sticks.gem(np.nan, 3, 1, rng), "concentration is nan"),
        (lambda rng: sticks.weak_limit(1.0, 0, 1, rng), "n_shares is 0"),
        (lambda _: sticks.sticks(np.log([0.5, 0.4])), "shares sum to one"),
        (lambda _: sticks.sticks(np.array([0.0, np.nan])), r"log_beta holds nan at"),
        (lambda _: sticks.sticks(np.zeros(0)), r"has shape \(0,\)"),
    ],
)
def test_what_is_no_share_is_refused(wrong: object, message: str) -> None:
    """By name, with what was found."""
    assert callable(wrong)

    with pytest.raises(ValueError, match=message):
        wrong(stream(6, "wrong"))
