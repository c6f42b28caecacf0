"""Rows of a hierarchical Dirichlet process: shared shares, and a right sampler."""

from __future__ import annotations

import numpy as np
import pytest

from models.chance import stream
from models.hdp import rows
from models.hdp.concentrations import GammaPrior
from models.hdp.rows import Rows, RowsPrior
from models.logspace import draw
from models.shapes import Array, IntArray
from tests.models.hdp.joint import FAR, drift, off

PRIOR = RowsPrior(3, GammaPrior(3.0, 1.5), GammaPrior(3.0, 1.0))


def walked(
    now: Rows, n_first: int, n_steps: int, seed: int
) -> tuple[IntArray, IntArray]:
    """Draw first states (K,) and moves (K, K) of n_first walks."""
    rng, n_states = stream(seed, "walk"), len(now.log_first)
    first = np.zeros(n_states, dtype=np.int64)
    moves = np.zeros((n_states, n_states), dtype=np.int64)
    for _ in range(n_first):
        state = draw(now.log_first, rng)
        first[state] += 1
        for _ in range(n_steps):
            following = draw(now.log_rows[state], rng)
            moves[state, following] += 1
            state = following
    return first, moves


def told(now: Rows, first: IntArray, moves: IntArray) -> Array:
    """Functions of rows and walks whose means a right sampler leaves in place."""
    shares, steps = np.exp(now.log_shares), np.exp(now.log_rows)
    share = moves.sum(axis=0) / moves.sum()
    return np.array(
        [
            np.log(now.top),
            np.log(now.spread),
            now.spread,
            (shares**2).sum(),
            (steps**2).sum(),
            (np.exp(now.log_first) * shares).sum(),
            (np.exp(now.log_first) * first).sum(),
            (steps * shares).sum(),
            (shares * share).sum(),
            now.spread * (shares**2).sum(),
            np.log(now.top) * (steps**2).sum(),
        ]
    )


def test_resampling_leaves_the_joint_law_in_place() -> None:
    """Prior, walks, one step of all: every function keeps its mean (Geweke)."""
    before, after, rng = [], [], stream(1, "rows")
    for seed in range(1_200):
        now = rows.from_prior(PRIOR, rng)
        first, moves = walked(now, 2, 6, seed)
        before.append(told(now, first, moves))
        for _ in range(2):
            now = rows.resample(PRIOR, now, first, moves, rng)
        after.append(told(now, first, moves))

    assert (np.abs(drift(np.array(before), np.array(after))) < FAR).all()


def test_rows_share_their_atoms() -> None:
    """Entries of one column rise and fall together, through the shares they hang from.

    Rows of a mixture over mixture weights would know nothing of each other.
    """
    rng = stream(2, "atoms")
    prior = RowsPrior(6, GammaPrior(3.0, 1.5), GammaPrior(200.0, 10.0))
    drawn = [rows.from_prior(prior, rng) for _ in range(2_000)]
    steps = np.exp(np.stack([one.log_rows for one in drawn]))

    together = np.corrcoef(steps[:, 0, 5], steps[:, 1, 5])[0, 1]

    assert together > 0.6


def test_what_one_row_saw_moves_the_other_rows() -> None:
    """State 3 often follows state 0; then it is believed to follow state 5 as well."""
    rng, prior = stream(3, "tied"), RowsPrior(6)
    moves = np.zeros((6, 6), dtype=np.int64)
    moves[0, 3], moves[1, 3], moves[2, 3], moves[3, 0] = 40, 40, 40, 120
    first = np.array([1, 0, 0, 0, 0, 0])
    now, seen = rows.from_prior(prior, rng), []

    for _ in range(400):
        now = rows.resample(prior, now, first, moves, rng)
        seen.append(np.exp(now.log_rows[5]))

    unseen = np.mean(seen, axis=0)
    assert unseen[3] > 3.0 * max(unseen[1], unseen[2], unseen[4])


def test_a_row_given_its_counts_is_the_dirichlet_without_its_own() -> None:
    """Means (strength + n) over their sum, the own entry left out; rows sum to one."""
    strength = np.array([0.5, 1.0, 2.0])
    moves = np.array([[0, 4, 1], [2, 0, 0], [0, 0, 0]])
    rng = stream(4, "row")

    drawn = np.stack([rows.draw_rows(moves, strength, rng) for _ in range(4_000)])

    shape = (strength + moves) * (1.0 - np.eye(3))
    wanted = shape / shape.sum(axis=1, keepdims=True)
    assert np.isneginf(np.diagonal(drawn, axis1=1, axis2=2)).all()
    assert (np.abs(off(np.exp(drawn), wanted)) < FAR).all()


def test_tiny_concentrations_leave_laws() -> None:
    """Shares of e^-4000: everything sums to one, and nothing is nan."""
    prior = RowsPrior(8, GammaPrior(1.0, 1e4), GammaPrior(1.0, 1e4))
    rng = stream(5, "tiny")
    moves = np.zeros((8, 8), dtype=np.int64)
    moves[0, 1] = moves[1, 0] = 3

    for _ in range(50):
        now = rows.from_prior(prior, rng)
        now = rows.resample(prior, now, moves[0], moves, rng)
        assert np.isfinite([now.top, now.spread]).all()
        np.testing.assert_allclose(np.exp(now.log_rows).sum(axis=1), 1.0)
        np.testing.assert_allclose(np.exp(now.log_first).sum(), 1.0)
        np.testing.assert_allclose(np.exp(now.log_shares).sum(), 1.0)


@pytest.mark.parametrize(
    ("prior", "message"),
    [
        (RowsPrior(1), "n_states is 1: 2 are the least"),
        (RowsPrior(3, top=GammaPrior(0.0, 1.0)), "top.shape is 0.0"),
        (RowsPrior(3, spread=GammaPrior(1.0, -1.0)), "spread.rate is -1.0"),
    ],
)
def test_a_prior_over_no_rows_is_refused(prior: RowsPrior, message: str) -> None:
    """By the name of the part."""
    with pytest.raises(ValueError, match=message):
        prior.checked()
