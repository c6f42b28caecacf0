"""The laws of durations, against scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.synthetic.durations import FAMILIES, Stay, table


@settings(max_examples=40, deadline=None)
@given(
    family=st.sampled_from(FAMILIES),
    mean_s=st.floats(1.1, 10.0),
    floor_s=st.floats(0.0, 1.0),
    shape=st.floats(0.2, 5.0),
    scale=st.floats(0.5, 2.0),
)
def test_a_table_sums_to_one_and_starts_at_its_floor(
    family: str, mean_s: float, floor_s: float, shape: float, scale: float
) -> None:
    """No mass is lost at the cut, and none lies below the floor or below one frame."""
    chances = table(Stay(family, mean_s, floor_s, shape), 50.0, 400, scale)

    floor = max(1, round(floor_s * 50.0))
    assert chances.shape == (400,)
    assert chances.sum() == pytest.approx(1.0, abs=1e-12)
    assert not chances[: floor - 1].any()
    assert (chances >= 0.0).all()


def test_counts_are_scipys_shifted_by_the_floor() -> None:
    """Duration d has the chance of d - floor; 3000 frames leave no tail to speak of."""
    d = np.arange(1, 3001)
    poisson = table(Stay("poisson", 2.0, 0.8), 100.0, 3000)
    binomial = table(Stay("negative_binomial", 4.0, 0.8, 3.0), 100.0, 3000)

    # Logs of some hundred are summed: 1e-13 of each is 1e-11 of the chance.
    assert poisson == pytest.approx(
        stats.poisson.pmf(d - 80, 120.0), rel=1e-9, abs=1e-15
    )
    wanted = stats.nbinom.pmf(d - 80, 3.0, 3.0 / (3.0 + 320.0))
    assert binomial == pytest.approx(wanted, rel=1e-9, abs=1e-15)


def test_the_cut_is_made_good_for_by_what_is_left() -> None:
    """A table cut short is the law given that it is not longer."""
    short = table(Stay("negative_binomial", 4.0, 0.5, 2.0), 20.0, 60)

    whole = stats.nbinom.pmf(np.arange(1, 61) - 10, 2.0, 2.0 / 72.0)
    assert short == pytest.approx(whole / whole.sum(), rel=1e-9, abs=1e-15)


def test_a_lognormal_has_its_mean() -> None:
    """Half-frame bins of a wide bell: the mean is off by less than half a frame."""
    chances = table(Stay("lognormal", 5.0, 1.0, 0.6), 100.0, 4000)

    mean = float(chances @ np.arange(1, 4001))
    assert mean == pytest.approx(500.0, abs=1.0)
