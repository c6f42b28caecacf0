"""Bouts: a semi-Markov chain in equilibrium."""

from __future__ import annotations

import numpy as np
import pytest

from models.chance import stream
from models.synthetic import bouts as behaving
from models.synthetic.behaviours import DOG
from models.synthetic.bodies import Habits, habits
from models.synthetic.bouts import Bouts
from models.synthetic.gestures import SIDED
from models.synthetic.world import world

KNOWN = world()
PAIR = world(
    behaviours=(DOG[0]._replace(then={"sit": 1}), DOG[1]._replace(then={"stand": 1}))
)


def _day(seed: int, n_frames: int = 200_000) -> tuple[Habits, Bouts]:
    """Draw a long day of one subject."""
    tends = habits(KNOWN, stream(seed, "habits"))
    return tends, behaving.draw(KNOWN, tends, n_frames, stream(seed, "bouts"))


def test_bouts_fill_the_recording() -> None:
    """They start where the last one ended, and the labels are theirs."""
    _, lived = _day(1)

    assert lived.starts[0] == 0
    assert (lived.starts[1:] == lived.durations.cumsum()[:-1]).all()
    assert len(lived.labels) == 200_000
    changes = np.flatnonzero(np.diff(lived.labels)) + 1
    assert (changes == lived.changes).all()


def test_only_what_may_follow_follows() -> None:
    """Every step is on the graph, so none is onto itself."""
    _, lived = _day(2)

    steps = KNOWN.follows[lived.states[:-1], lived.states[1:]]
    assert (steps > 0.0).all()


def test_no_whole_bout_is_shorter_than_its_floor() -> None:
    """Durations are shifted: the first and the last are cut, the others are not."""
    _, lived = _day(3)

    floors = np.array([round(stay.floor_s * KNOWN.rate_hz) for stay in KNOWN.stays])
    assert (lived.durations[1:-1] >= floors[lived.states[1:-1]]).all()


def test_durations_follow_their_table() -> None:
    """By the mean of each behaviour's bouts: within 5 standard errors, ten times."""
    tends, lived = _day(4, 1_000_000)
    d = np.arange(1, tends.stays.shape[1] + 1)
    inner = slice(1, -1)

    for state, law in enumerate(tends.stays):
        drawn = lived.durations[inner][lived.states[inner] == state]
        mean = float(law @ d)
        error = np.sqrt((float(law @ d**2) - mean**2) / len(drawn))
        assert abs(drawn.mean() - mean) < 5.0 * error


def test_the_first_frame_is_like_any_other() -> None:
    """Of bouts of 1 and 9 frames in turn, the long one holds 9 frames in 10.

    The chain that starts with a bout of its own would give 5 in 10. Binomial: 4000
    draws, 6 standard errors.
    """
    stays = np.zeros((2, 9))
    stays[0, 0] = stays[1, 8] = 1.0
    tends = Habits(np.zeros(10), PAIR.follows, stays)

    drawn = [
        behaving.draw(PAIR, tends, 12, stream(n, "first")).labels for n in range(4000)
    ]

    share = np.stack(drawn).mean(axis=0)
    assert np.abs(share - 0.9).max() < 6.0 * np.sqrt(0.9 * 0.1 / 4000)


def test_gestures_follow_their_behaviour_and_style() -> None:
    """Mean and deviation of each number, the mirrored ones unmirrored by their size."""
    tends, lived = _day(5, 2_000_000)
    plain = np.setdiff1d(np.arange(10), SIDED)

    for state in range(10):
        drawn = lived.gestures[lived.states == state][:, plain]
        error = KNOWN.varies[state, plain] / np.sqrt(len(drawn))
        off = drawn.mean(axis=0) - KNOWN.usual[state, plain] - tends.shift[plain]
        assert (np.abs(off) < 5.0 * error).all()


def test_left_and_right_are_a_fair_coin() -> None:
    """Dogs turn to either side, and roll to the side they turn to."""
    _, lived = _day(6, 2_000_000)

    turns = lived.gestures[lived.states == KNOWN.names.index("turn"), 3]
    assert abs((turns > 0.0).mean() - 0.5) < 5.0 * 0.5 / np.sqrt(len(turns))


def test_visits_are_the_equilibrium_of_what_follows() -> None:
    """What comes in is what goes out: v A = v."""
    share = behaving.visits(KNOWN.follows)

    assert share @ KNOWN.follows == pytest.approx(share, abs=1e-12)
    assert share.sum() == pytest.approx(1.0)


def test_survival_counts_its_own_frame() -> None:
    """Everything lasts one frame or more; what lasts 3 frames of 3 has p(3)."""
    lasting = behaving.survival(np.array([[0.2, 0.3, 0.5]]))

    assert lasting[0] == pytest.approx([1.0, 0.8, 0.5])
