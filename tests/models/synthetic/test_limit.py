"""The Bayes limit, as it is told."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from models.chance import stream
from models.shapes import Array
from models.synthetic.limit import f1_limit, limit
from models.synthetic.world import world


def test_the_limit_is_where_the_world_was_meant_to_have_it() -> None:
    """Between 0.95 and 0.995 for a window of an unseen subject, interval and all."""
    found = limit(world(), 1, n_subjects=60, n_seconds=60.0, hop=100)

    assert found.recording.value < found.recording.high <= 1.0
    for estimate in (found.windows, found.frames, found.macro_f1):
        assert 0.95 < estimate.low < estimate.value < estimate.high < 0.9975


def test_who_knows_more_is_right_more_often() -> None:
    """Chance, stranger, one who knows the subject, one who sees it all."""
    found = limit(world(spread=1.6), 1, n_subjects=40, n_seconds=60.0, hop=100)

    assert found.chance < found.windows.value < found.windows_knowing.value
    assert found.frames.value < found.frames_knowing.value < found.recording.value
    assert found.hits.low < found.windows.value < found.hits.high


def test_the_interval_holds_what_other_subjects_show() -> None:
    """Eight groups of 20 subjects differ as their intervals say.

    The standard error of 20 subjects shrinks with their number, not that of windows:
    means of groups differ by as much as their intervals say, within a factor 3.
    """
    wide = world(spread=1.6)
    found = [
        limit(wide, seed, n_subjects=20, n_seconds=20.0, hop=100).windows
        for seed in range(8)
    ]

    error = np.mean([each.high - each.value for each in found]) / 3.0
    differs = np.std([each.value for each in found], ddof=1)
    assert 1.0 / 3.0 < differs / error < 3.0


def test_the_same_seed_gives_the_same_limit() -> None:
    """To the last bit."""
    twice = [limit(world(), 3, n_subjects=20, n_seconds=10.0) for _ in range(2)]

    assert twice[0] == twice[1]


def test_more_overlap_lowers_the_limit() -> None:
    """Spread is the knob of difficulty."""
    easy, hard = (
        limit(world(spread=s), 1, n_subjects=20, n_seconds=40.0, hop=100).windows
        for s in (0.5, 1.6)
    )

    assert hard.high < easy.low


def test_no_choice_of_windows_has_a_larger_f1() -> None:
    """Each class by itself, over all 2^8 sets of windows that could be called so."""
    posterior = stream(1, "f1").dirichlet([0.5, 0.3, 0.2], size=8)

    best = np.zeros(3)
    for called in itertools.product((0.0, 1.0), repeat=8):
        of = np.array(called)
        best = np.maximum(
            best, 2.0 * of @ posterior / (of.sum() + posterior.sum(axis=0))
        )

    assert f1_limit(posterior) == pytest.approx(best.mean(), abs=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        np.ones(3),
        np.ones((0, 3)),
        np.array([[0.5, np.nan]]),
        np.array([[1.5, -0.5]]),
        np.zeros((2, 2)),
    ],
)
def test_f1_of_what_is_no_posterior_is_refused(wrong: Array) -> None:
    """Not (B, K), empty, not a number, below zero, or not adding up to one."""
    with pytest.raises(ValueError, match="posterior"):
        f1_limit(wrong)


def test_a_limit_without_subjects_has_no_interval() -> None:
    """Twenty subjects or more."""
    with pytest.raises(ValueError, match=r"n_subjects must be .* 20 or more: found 3"):
        limit(world(), 1, n_subjects=3)
