"""Conformal thresholds are missed as often as was asked, and no oftener.

The misses of n + 1 exchangeable distinct scores are known exactly: given a calibration
set coverage is Beta(k, n + 1 - k), and of m new frames a beta-binomial number is held.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from models.calibration import conformity, sets, threshold
from tests.models.calibration import simulated


@given(st.integers(0, 5_000), st.integers(1, 99))
@example(99, 29)  # the double next to .29 is less, and 100 of it are not 29
def test_the_rank_is_exact_for_every_percentage(n: int, percent: int) -> None:
    """ceil((n + 1) (1 - miss)) in fractions: 0.1 is a tenth, not its nearest double."""
    found = threshold.rank(n, percent / 100.0)

    assert found == math.ceil((n + 1) * (1 - Fraction(percent, 100)))
    assert 1 <= found <= n + 1


def test_a_promise_of_next_to_nothing_is_the_least_score() -> None:
    """The rank is 1 at least, and so is the frame of each subject that counts."""
    scores, groups = np.array([5.0, 4.0, 3.0, 2.0]), np.array([0, 0, 1, 1])

    assert threshold.split(scores, miss=1.0 - 1e-12) == 2.0
    assert threshold.by_sequence(scores, groups, miss=0.5, share=1e-12) == 4.0


def test_too_few_scores_let_every_class_in() -> None:
    """Eight cannot promise nine tenths: the level is above 1, the limit infinite."""
    eight, nine = np.arange(8.0), np.arange(9.0)

    assert threshold.split(eight, miss=0.1) == math.inf
    assert threshold.split(nine, miss=0.1) == 8.0
    inside = sets.within(np.full((3, 4), 1e9), threshold.split(eight, miss=0.1))
    assert inside.all()


@pytest.mark.parametrize("n", [9, 19, 50, 200])
def test_coverage_is_that_of_the_exact_law(n: int) -> None:
    """20,000 calibration sets of n, one new score each: binomial, p = k / (n + 1).

    False alarm once in a million. At n = 9 and 19 the promise is met without excess.
    """
    rng = np.random.default_rng(n)
    trials = 20_000
    held = 0
    for _ in range(trials):
        scores = rng.random(n + 1)
        held += scores[-1] <= threshold.split(scores[:-1], miss=0.1)

    exact = threshold.rank(n, 0.1) / (n + 1)
    assert exact >= 0.9 - 1e-12
    assert stats.binom.ppf(5e-7, trials, exact) <= held
    assert held <= stats.binom.ppf(1.0 - 5e-7, trials, exact)


def test_coverage_given_the_calibration_set_is_beta() -> None:
    """4,000 sets of 99: how often a limit holds 1 - miss of all frames (Vovk 2012).

    Scores are uniform, so the limit is its own coverage. Kolmogorov and Smirnov would
    object to the right law once in a million.
    """
    rng = np.random.default_rng(1)

    limits = [threshold.split(rng.random(99), miss=0.1) for _ in range(4_000)]

    assert stats.kstest(limits, stats.beta(90, 10).cdf).pvalue > 1e-6


@pytest.mark.parametrize("score", ["lac", "aps", "random aps", "raps", "random raps"])
def test_sets_of_every_score_hold_the_label(score: str) -> None:
    """300 splits of 60 + 40 frames: 12,000 frames, a beta-binomial number is held.

    Independent splits, so the variance of their sum is 300 times one beta-binomial's;
    6 standard errors. Random scores are distinct, so they hold no more than that law;
    others may hold more, since scores at 1 tie.
    """
    rng = np.random.default_rng(2)
    chance = rng if score.startswith("random") else None
    n, m, splits = 60, 40, 300
    held = 0
    for _ in range(splits):
        frames = simulated.calibrated(n + m, 4, rng)
        if score == "lac":
            scores = conformity.lac(frames.probs)
        elif score.endswith("raps"):
            scores = conformity.raps(frames.probs, chance, penalty=0.1, free=1)
        else:
            scores = conformity.aps(frames.probs, chance)
        known = conformity.of_labels(scores[:n], frames.labels[:n])
        inside = sets.within(scores[n:], threshold.split(known, miss=0.1))
        held += int(sets.holds(inside, frames.labels[n:]).sum())

    k = threshold.rank(n, 0.1)
    law = stats.betabinom(m, k, n + 1 - k)
    slack = 6.0 * math.sqrt(splits * law.var())
    assert held >= splits * law.mean() - slack
    if score in {"lac", "random aps", "random raps"}:
        assert held <= splits * law.mean() + slack


def test_each_class_is_held_by_its_own_threshold() -> None:
    """A class that the model does not know is missed as seldom as the others.

    Class 0's frames look like noise. 200 splits of 50 a class and 40 new ones: sums of
    beta-binomials, 6 standard errors. With one limit for all it would be missed far
    oftener.
    """
    rng = np.random.default_rng(3)
    n, m, splits = 50, 40, 200
    labels = np.repeat(np.arange(3), n + m)
    is_new = np.tile(np.repeat([False, True], [n, m]), 3)
    held, plainly = np.zeros(3), np.zeros(3)
    for _ in range(splits):
        pull = np.array([0.0, 3.0, 3.0])[labels]
        logits = rng.normal(size=(len(labels), 3)) + pull[:, None] * np.eye(3)[labels]
        scores = conformity.lac(simulated.softmax(logits))
        known = conformity.of_labels(scores, labels)[~is_new]
        own = threshold.by_class(known, labels[~is_new], n_classes=3, miss=0.1).limit
        one = threshold.split(known, miss=0.1)
        fresh = labels[is_new]
        held += np.bincount(fresh, sets.holds(sets.within(scores[is_new], own), fresh))
        plainly += np.bincount(
            fresh, sets.holds(sets.within(scores[is_new], one), fresh)
        )

    law = stats.betabinom(m, threshold.rank(n, 0.1), n + 1 - threshold.rank(n, 0.1))
    slack = 6.0 * math.sqrt(splits * law.var())
    assert (np.abs(held - splits * law.mean()) <= slack).all(), held
    assert plainly[0] < 0.85 * splits * m


def test_a_class_with_too_few_frames_is_in_every_set_and_named() -> None:
    """Class 1 has eight frames, class 2 none: nothing can be promised of them."""
    labels = np.repeat([0, 1], [30, 8])

    found = threshold.by_class(np.linspace(0.0, 0.5, 38), labels, n_classes=3, miss=0.1)

    assert found.unknown == (1, 2)
    np.testing.assert_array_equal(found.frames, [30, 8, 0])
    inside = sets.within(np.full((5, 3), 0.99), found.limit)
    np.testing.assert_array_equal(inside, np.tile([False, True, True], (5, 1)))


def _subjects(
    n: int, sizes: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and subjects of n subjects: frames of one are nearly alike."""
    groups = np.repeat(np.arange(n), sizes)
    return rng.normal(size=n)[groups] + 0.1 * rng.normal(size=len(groups)), groups


def test_frames_of_new_subjects_are_missed_as_seldom_as_promised() -> None:
    """2,000 worlds of 19 subjects, 1 to 60 frames each, and one frame of another.

    Binomial, once in a million. Long subjects are the easy ones, so frames counted
    alike would promise too much; and with 19 subjects some 380 frames are no 380.
    """
    rng = np.random.default_rng(4)
    worlds, held, alike = 2_000, 0, 0
    for _ in range(worlds):
        ease = rng.normal(size=20)
        sizes = np.where(ease < 0.0, 60, 1 + rng.integers(5, size=20))
        groups = np.repeat(np.arange(20), sizes)
        scores = ease[groups] + 0.1 * rng.normal(size=len(groups))
        known, last = groups < 19, scores[groups == 19][0]
        held += last <= threshold.by_subject(scores[known], groups[known], miss=0.1)
        alike += last <= threshold.split(scores[known], miss=0.1)

    least = stats.binom.ppf(1e-6, worlds, 0.9)
    assert held >= least
    assert alike < least


def test_subjects_weigh_alike_and_the_new_one_is_infinite() -> None:
    """Nine subjects make nine tenths the largest of all; eight make it infinite.

    With 19 of three frames the weight of the two largest subjects' frames may be left
    out, less one frame of infinity's: place ceil(.9 x 20 x 3) = 54 of 57.
    """
    rng = np.random.default_rng(5)
    scores, groups = rng.random(57), np.repeat(np.arange(19), 3)

    nine = threshold.by_subject(scores[:27], groups[:27], miss=0.1)
    eight = threshold.by_subject(scores[:24], groups[:24], miss=0.1)

    assert nine == scores[:27].max()
    assert eight == math.inf
    found = threshold.by_subject(scores, groups, miss=0.1)
    assert found == np.sort(scores)[53]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60))
def test_one_frame_a_subject_is_the_plain_threshold(
    n: int, percent: int, seed: int
) -> None:
    """Then both weigh every frame by 1 / (n + 1)."""
    scores = np.random.default_rng(seed).random(n)

    by_subject = threshold.by_subject(scores, np.arange(n), miss=percent / 100.0)

    assert by_subject == threshold.split(scores, miss=percent / 100.0)
    whole = threshold.by_sequence(scores, np.arange(n), miss=percent / 100.0)
    assert whole == by_subject


@pytest.mark.parametrize("share", [0.5, 0.9, 1.0])
def test_a_share_of_a_new_subject_is_held_at_once(share: float) -> None:
    """2,000 worlds of 19 subjects: binomial with p = 18 / 20 exactly, two-sided.

    Scores are distinct and subjects exchangeable, so it is neither more nor less.
    """
    rng = np.random.default_rng(6)
    worlds, held = 2_000, 0
    for _ in range(worlds):
        scores, groups = _subjects(20, rng.integers(1, 30, size=20), rng)
        known = groups < 19
        limit = threshold.by_sequence(
            scores[known], groups[known], miss=0.1, share=share
        )
        held += (scores[~known] <= limit).mean() >= share - 1e-12

    assert abs(held - 0.9 * worlds) <= stats.binom.ppf(1.0 - 5e-7, worlds, 0.9) - (
        0.9 * worlds
    )


def test_thresholds_do_not_depend_on_the_order_or_shape_of_frames() -> None:
    """Scores (N, T) are their frames, in any order."""
    rng = np.random.default_rng(7)
    scores, groups = rng.random((30, 4)), np.repeat(np.arange(30), 4).reshape(30, 4)
    order = rng.permutation(120)
    mixed = (scores.reshape(-1)[order], groups.reshape(-1)[order])

    for find in (threshold.by_subject, threshold.by_sequence):
        assert find(scores, groups, miss=0.2) == find(*mixed, miss=0.2)
    assert threshold.split(scores, miss=0.2) == threshold.split(mixed[0], miss=0.2)
