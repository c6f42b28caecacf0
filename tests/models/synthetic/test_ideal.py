"""The ideal observer: exact where there is a closed form, and honest elsewhere."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from models.chance import stream
from models.shapes import Array, IntArray
from models.synthetic import ideal as observing
from models.synthetic.behaviours import DOG
from models.synthetic.bodies import Habits, habits
from models.synthetic.bouts import Bouts
from models.synthetic.hindsight import hindsight
from models.synthetic.ideal import ideal, observe, strangers
from models.synthetic.prior import Prior, prior
from models.synthetic.recording import live, record
from models.synthetic.views import views
from models.synthetic.windows import starts, window_labels, windows
from models.synthetic.world import World, world

KNOWN = world()
N = 20_000


def _twins(apart: float, style: float) -> tuple[World, Bouts, Array]:
    """Give two behaviours that differ in pitch alone, and one bout each of N subjects.

    They last and follow alike, so the prior is a half. Windows lie inside a bout.
    """
    stay = DOG[0].stay
    one = DOG[0]._replace(then={"twin": 1.0}, varies=(0.1, *DOG[0].varies[1:]))
    usual = (one.usual[0] + 0.1 * apart, *one.usual[1:])
    two = one._replace(name="twin", usual=usual, then={"stand": 1.0}, stay=stay)
    known = world(behaviours=(one, two))
    known = known._replace(style=np.array([style, *np.zeros(9)]))
    rng = stream(1, "twins")
    states = rng.integers(2, size=N)
    gestures = known.usual[states] + known.varies[states] * rng.standard_normal((N, 10))
    shift = style * rng.standard_normal(N)
    gestures[:, 0] += shift
    at = np.arange(N) * 300
    return known, Bouts(states, at, np.full(N, 300), gestures), shift


@pytest.mark.parametrize("apart", [0.5, 2.0, 4.0])
def test_two_gaussians_are_told_apart_as_often_as_the_book_says(apart: float) -> None:
    """Phi(d / 2), d the distance in deviations. 20000 draws: 5 standard errors."""
    known, bouts, _ = _twins(apart, style=0.0)
    tends = habits(known, stream(1, "h"))._replace(follows=known.follows)

    seen = observe(known, prior(tends), bouts, bouts.starts + 150, 100, np.zeros(10))

    best = seen.windows.max(axis=-1)
    wanted = stats.norm.cdf(apart / 2.0)
    assert best.mean() == pytest.approx(wanted, abs=5.0 * best.std() / np.sqrt(N))


def test_a_stranger_adds_the_style_to_the_noise() -> None:
    """Phi(d / 2) with d = distance / sqrt(noise^2 + style^2): here 4 becomes 2.83."""
    known, bouts, _ = _twins(4.0, style=0.1)
    tends = habits(known, stream(1, "h"))._replace(follows=known.follows)

    seen = observe(known, prior(tends), bouts, bouts.starts + 150, 100)

    best = seen.windows.max(axis=-1)
    wanted = stats.norm.cdf(np.sqrt(2.0))
    assert best.mean() == pytest.approx(wanted, abs=5.0 * best.std() / np.sqrt(N))


def test_where_nothing_overlaps_the_truth_is_seen() -> None:
    """With hardly any spread windows and frames are named as they are cut.

    So the rule for windows that hold two behaviours, and every index, is the same
    here as in windows.py, at hops that meet change points in all ways.
    """
    sharp = world(spread=0.01)
    for subject in range(3):
        one = record(sharp, 2, subject, 60.0)
        seen, cut = ideal(sharp, one, 100, 7), windows(one, 100, 7)

        assert (seen.windows.argmax(axis=-1) == cut.labels).all()
        assert (seen.frames.argmax(axis=-1) == cut.frame_labels).all()


def test_a_label_seen_twice_counts_twice() -> None:
    """35 frames stand, 40 walk, 25 stand: it stood for 60 of 100.

    No bout of the default table is so short; the rule is asked directly.
    """
    paths, inside = np.array([[0, 5, 0]]), np.array([[35, 40, 25]])

    label = observing._of_windows(np.ones((1, 1)), paths, inside, 10)

    assert label.argmax(axis=-1).tolist() == [0]


def test_a_bout_that_only_precedes_the_window_does_not_name_it() -> None:
    """It is in view, as readings may still show it, with no frame in the window."""
    paths, inside = np.array([[3, 5]]), np.array([[0, 100]])

    label = observing._of_windows(np.ones((1, 1)), paths, inside, 10)

    assert label.argmax(axis=-1).tolist() == [5]


def test_posteriors_are_right_as_often_as_they_say() -> None:
    """Hits and the largest posterior agree, subject by subject, within 5 errors.

    A posterior that is not the true one is over- or underconfident somewhere. A world
    with much overlap shows it; counted by subject, as windows of one hang together.
    """
    wide = world(spread=1.6)
    unknown, start = strangers(wide), starts(6000, 100, 100)
    gaps = []
    for subject in range(150):
        tends, bouts = live(wide, 4, subject, 6000)
        labels = windows_of(bouts, start)
        for seen in (
            observe(wide, unknown, bouts, start, 100),
            observe(wide, prior(tends), bouts, start, 100, tends.shift),
        ):
            hit = seen.windows.argmax(axis=-1) == labels
            gaps.append((hit - seen.windows.max(axis=-1)).mean())

    by_subject = np.array(gaps).reshape(150, 2)
    error = by_subject.std(axis=0) / np.sqrt(150)
    assert (np.abs(by_subject.mean(axis=0)) < 5.0 * error).all()


def windows_of(bouts: Bouts, start: IntArray) -> IntArray:
    """Give the labels of windows of 100 frames."""
    return window_labels(bouts.labels[start[:, None] + np.arange(100)])


def test_a_recording_is_judged_by_its_own_world() -> None:
    """Another rate is another world."""
    with pytest.raises(ValueError, match=r"made at 100.0 Hz, the world has 50.0 Hz"):
        ideal(world(rate_hz=50.0), record(KNOWN, 1, 0, 5.0))


def test_to_know_the_subject_helps() -> None:
    """In the mean over subjects the stranger knows less."""
    wide = world(spread=1.6)
    unknown, start = strangers(wide), starts(6000, 100, 100)
    gained = []
    for subject in range(60):
        tends, bouts = live(wide, 5, subject, 6000)
        less = observe(wide, unknown, bouts, start, 100)
        more = observe(wide, prior(tends), bouts, start, 100, tends.shift)
        gained.append((more.windows.max(-1) - less.windows.max(-1)).mean())

    assert np.mean(gained) > 3.0 * np.std(gained) / np.sqrt(60)


def test_more_drawn_subjects_do_not_move_the_limit() -> None:
    """32 drawn habits or 200: the posterior's mean differs by less than 0.001."""
    best = []
    for n_bodies in (observing.STRANGERS, 200):
        unknown = strangers(KNOWN, n_bodies)
        seen = [
            observe(
                KNOWN, unknown, live(KNOWN, 6, s, 2000)[1], starts(2000, 100, 100), 100
            )
            for s in range(20)
        ]
        best.append(np.concatenate([each.windows.max(-1) for each in seen]).mean())

    assert best[0] == pytest.approx(best[1], abs=1e-3)


def test_windows_are_judged_the_same_in_whatever_company() -> None:
    """Many at once, in blocks, or each alone."""
    _, bouts = live(KNOWN, 6, 1, 3000)
    unknown, start = strangers(KNOWN), starts(3000, 100, 1)

    together = observe(KNOWN, unknown, bouts, start, 100)

    for n in (0, 1234, 2900):
        alone = observe(KNOWN, unknown, bouts, start[n : n + 1], 100)
        assert together.windows[n] == pytest.approx(alone.windows[0], abs=1e-12)
        assert together.frames[n] == pytest.approx(alone.frames[0], abs=1e-12)


def test_a_window_of_too_many_bouts_is_refused() -> None:
    """Sequences are listed one by one: a minute and a half has too many."""
    _, bouts = live(KNOWN, 6, 1, 9000)

    with pytest.raises(ValueError, match=r"looks on \d+ bouts.* 100000 or fewer"):
        observe(KNOWN, strangers(KNOWN), bouts, np.array([0]), 9000)


def test_views_hold_what_a_reading_may_depend_on() -> None:
    """Bouts of the window and of the `reach` frames before it, no others."""
    one = record(KNOWN, 3, 1, 40.0)
    start, reach = starts(4000, 100, 1), KNOWN.reach
    ends = one.bouts.starts + one.bouts.durations

    for view in views(one.bouts, start, 100, reach):
        for row, bout, seen, inside in zip(*view, strict=True):
            since, until = max(0, start[row] - reach), start[row] + 100
            wanted = np.flatnonzero((one.bouts.starts < until) & (ends > since))
            assert bout.tolist() == wanted.tolist()
            assert seen.sum() == until - since
            assert inside.sum() == 100


def test_hindsight_is_the_sum_over_every_sequence() -> None:
    """Five bouts of three behaviours: all 243 sequences, weighed one by one."""
    three = world(
        behaviours=(
            DOG[0]._replace(then={"sit": 1, "lie": 2}),
            DOG[1]._replace(then={"stand": 1, "lie": 1}),
            DOG[2]._replace(then={"stand": 1, "sit": 3}),
        ),
        spread=3.0,
    )
    tends, lived = live(three, 1, 0, 6000)
    bouts = Bouts(
        lived.states[:5], lived.starts[:5], lived.durations[:5], lived.gestures[:5]
    )

    found = hindsight(three, tends, bouts)

    assert found == pytest.approx(_by_hand(three, tends, bouts), abs=1e-10)


def _by_hand(known: World, tends: Habits, bouts: Bouts) -> Array:
    """Weigh every sequence of behaviours by itself: (M, K)."""
    tables = Prior(*(table[0] for table in prior(tends)))
    n_bouts, n_states = len(bouts.states), len(known.names)
    weight = np.zeros((n_bouts, n_states))
    spans = [tables.first, *[tables.whole] * (n_bouts - 2), tables.last]
    for path in itertools.product(range(n_states), repeat=n_bouts):
        log_p = sum(tables.log_a[j, k] for j, k in itertools.pairwise(path))
        for i, k in enumerate(path):
            log_p += spans[i][k, bouts.durations[i] - 1]
            centre = known.usual[k] + tends.shift
            mirrored = bouts.gestures[i] * np.where(np.isin(range(10), (1, 3)), -1, 1)
            log_p += np.logaddexp(
                stats.norm.logpdf(bouts.gestures[i], centre, known.varies[k]).sum(),
                stats.norm.logpdf(mirrored, centre, known.varies[k]).sum(),
            )
        weight[np.arange(n_bouts), path] += np.exp(log_p)
    total: Array = weight.sum(axis=1, keepdims=True)
    return weight / total
