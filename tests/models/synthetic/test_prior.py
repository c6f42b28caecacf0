"""The chance of bouts in view, by adding up everything that can be in view."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from models.chance import stream
from models.synthetic.bodies import Habits
from models.synthetic.prior import feasible, log_paths, prior


def _habits(n_states: int = 3, longest: int = 4) -> Habits:
    """Draw habits small enough to enumerate."""
    rng = stream(1, "tiny")
    follows = rng.random((n_states, n_states)) * (1.0 - np.eye(n_states))
    stays = rng.random((n_states, longest))
    stays[0, 0] = 0.0
    return Habits(
        np.zeros(10),
        follows / follows.sum(axis=1, keepdims=True),
        stays / stays.sum(axis=1, keepdims=True),
    )


TINY = _habits()


def _cuts(n_frames: int) -> list[tuple[int, ...]]:
    """List every way to cut n frames into bouts."""
    return [
        lengths
        for m in range(1, n_frames + 1)
        for lengths in itertools.product(range(1, n_frames + 1), repeat=m)
        if sum(lengths) == n_frames
    ]


@pytest.mark.parametrize("n_frames", [1, 2, 5])
def test_everything_that_can_be_in_view_adds_up_to_one(n_frames: int) -> None:
    """Over all cuts of the view and all behaviours of the parts."""
    total = 0.0
    for lengths in _cuts(n_frames):
        if max(lengths) <= 4:
            paths = feasible(TINY.follows, len(lengths))
            total += np.exp(log_paths(prior(TINY), paths, np.array([lengths]))).sum()

    assert total == pytest.approx(1.0, abs=1e-12)


def test_the_first_bout_is_met_at_a_random_moment() -> None:
    """p(k, frames still to go) is the equilibrium of the chain of single frames.

    State (k, r): r frames to go; from (k, 1) to (j, d) by what follows and its stay.
    """
    n_states, longest = TINY.stays.shape
    step = np.zeros((n_states, longest, n_states, longest))
    for k in range(n_states):
        step[k, 0] = TINY.follows[k][:, None] * TINY.stays
        for r in range(1, longest):
            step[k, r, k, r - 1] = 1.0
    flat = step.reshape(n_states * longest, -1)

    settled = np.linalg.matrix_power(flat, 4096)[0].reshape(n_states, longest)

    tables = prior(TINY)
    assert np.exp(tables.first[0]) == pytest.approx(settled, abs=1e-12)
    still = settled[:, ::-1].cumsum(axis=1)[:, ::-1]
    assert np.exp(tables.only[0]) == pytest.approx(still, abs=1e-12)


def test_several_subjects_are_averaged_as_chances() -> None:
    """The mean of p, not of log p."""
    other = TINY._replace(stays=TINY.stays[::-1])
    paths, seen = feasible(TINY.follows, 2), np.array([[2, 3], [1, 1]])

    found = np.exp(log_paths(prior(TINY, other), paths, seen))

    each = [np.exp(log_paths(prior(one), paths, seen)) for one in (TINY, other)]
    assert found == pytest.approx(np.mean(each, axis=0), abs=1e-14)
