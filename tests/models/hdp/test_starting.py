"""A start out of windows: behaviours whole, and chains apart."""

from __future__ import annotations

import numpy as np

from models.chance import stream
from models.hdp import hdphsmm, laws, starting
from models.hdp.hdphsmm import Prior
from models.hdp.rows import RowsPrior

PRIOR = Prior(RowsPrior(8), n_codes=18, laws=laws.grid(40)).checked()
TRUTH = np.repeat(np.arange(24) % 3, 20).reshape(2, 240)
LENGTHS = np.array([240, 240])


def test_a_start_holds_a_behaviours_codes_together() -> None:
    """Six codes of a behaviour belong to one state; a prior's draw would split them."""
    codes = 6 * TRUTH + stream(1, "codes").integers(0, 6, TRUTH.shape)

    state = starting.from_windows(PRIOR, codes, LENGTHS, stream(1, "start"))

    likely = np.exp(state.log_emission).reshape(8, 3, 6).sum(axis=2)
    best = likely.max(axis=0)
    assert (best > 0.8).all()
    assert len(set(likely.argmax(axis=0).tolist())) == 3


def test_starts_of_one_generator_are_equal_and_of_two_are_not() -> None:
    """Width, clusters and state are drawn from what is passed in, and nothing else."""
    codes = 6 * TRUTH + stream(2, "codes").integers(0, 6, TRUTH.shape)

    one, again, other = (
        starting.from_windows(PRIOR, codes, LENGTHS, stream(seed, "start"))
        for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(one.log_emission, again.log_emission)
    assert not np.array_equal(one.log_emission, other.log_emission)


def test_records_of_one_frame_can_start() -> None:
    """A window need not be full."""
    state = starting.from_windows(
        PRIOR, np.array([[3]]), np.array([1]), stream(3, "start")
    )

    log_p = hdphsmm.log_evidence(PRIOR, state, np.array([[3]]))
    assert np.isfinite(log_p).all()
